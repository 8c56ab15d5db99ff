"""Something wrong, or worth a look, in a manifest or in a live account. A value, not an exception: gather them all."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from krakenctl.model.origin import Origin, Place


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    rule: str  # stable: `unknown-field`
    message: str  # a sentence without its full stop
    severity: Severity = Severity.ERROR
    hint: str = ""  # what to do; often “did you mean”
    place: Place | None = None  # where it was written, before lines are known
    origin: Origin | None = None  # where, with lines; None: not in a file
    address: str = ""  # the resource it is about, when one is known
    addresses: tuple[str, ...] = ()  # of several, where it is about them together
    related: tuple[tuple[str, Origin | Place], ...] = ()  # (“account acme denies it”, where)
