"""What a doctor's look at an installation and its workspace found: plain data. Never a secret."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum


class Health(StrEnum):
    OK = "ok"
    WARNING = "warning"  # it works, and it will not for long, or is less safe than it could be
    PROBLEM = "problem"  # something that krakenctl is asked to do will fail
    UNKNOWN = "unknown"  # it could not be looked at; why is said
    SKIPPED = "skipped"  # it was not looked at, as was asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What one check has to say about one thing."""

    health: Health
    message: str  # a sentence without its full stop
    hint: str = ""  # what to do
    about: str = ""  # an account, a store, a file; empty: there is only one


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosed:
    check: str  # its stable id: `clock`
    title: str  # what it looks at, for people
    told: Told


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    results: tuple[Diagnosed, ...]
    calls: int  # to the exchange

    def counts(self) -> Counter[Health]:
        return Counter(result.told.health for result in self.results)


def ok(message: str, *, about: str = "") -> Told:
    return Told(health=Health.OK, message=message, about=about)


def warning(message: str, *, hint: str = "", about: str = "") -> Told:
    return Told(health=Health.WARNING, message=message, hint=hint, about=about)


def problem(message: str, *, hint: str = "", about: str = "") -> Told:
    return Told(health=Health.PROBLEM, message=message, hint=hint, about=about)


def unknown(message: str, *, hint: str = "", about: str = "") -> Told:
    return Told(health=Health.UNKNOWN, message=message, hint=hint, about=about)
