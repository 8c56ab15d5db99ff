"""Where live, recorded and desired part: what differs, since when, and who can mend it. Plain data, never a secret."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from krakenctl.model.address import Address
from krakenctl.model.coverage import Coverage
from krakenctl.model.finding import Finding


class Kind(StrEnum):
    """In the order in which they are told. The texts are stable: programs and `--ignore` use them."""

    CHANGED = "changed"  # live is not what was last sent: somebody else did that
    MISSING = "missing"  # recorded, and not live
    SILENT = "silent"  # answers no more from here: gone, or restricted to other addresses
    RENAMED = "renamed"  # live under another name, which only a person can give
    CONTAINED = "contained"  # the kill switch was used on it, and it is live
    EXPIRED = "expired"
    EXPIRES_SOON = "expires-soon"
    OVERDUE = "overdue"  # older than its maxAge
    DUE = "due"  # a policy would soon be broken
    RETIRED = "retired"  # replaced, past its overlap, and live
    CLAIMED = "claimed"  # a person says that it is revoked; nothing proves it
    UNVERIFIED = "unverified"  # taken as it was: what it may do was never looked at
    UNDEPLOYED = "undeployed"  # desired is not what was last sent: an edit that is not applied
    UNFINISHED = "unfinished"  # an earlier run has begun it and not ended it
    NO_SECRET = "no-secret"  # live, and no slot of its store holds its secret  # noqa: S105
    STORE_ONLY = "store-only"  # a slot holds a key that is not live
    ORPHAN = "orphan"  # live with our tag, and not recorded
    UNMANAGED = "unmanaged"  # live, and nobody's here
    ACCOUNT = "account"  # another IIBAN than the remembered one
    UNSEEN = "unseen"  # whether there is drift cannot be told


class Mends(StrEnum):
    """Who brings it to an end."""

    APPLY = "apply"  # the next apply, as `plan` shows it
    RECOVER = "recover"  # every next run, or `recover`
    TIME = "time"  # a later run, when it is due
    PERSON = "person"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldDrift:
    """One field, as people write it in manifests. `managed` False: no manifest decides it, and `desired` is None.

    `asked` False: nobody could look, so that `live` is None and means nothing.
    """

    field: str
    desired: object
    recorded: object
    live: object
    managed: bool = True
    asked: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    kind: Kind
    account: str
    message: str  # a sentence without its full stop
    address: Address | None = None  # None: none of ours
    name: str = ""  # on the exchange; empty: it has none
    fields: tuple[FieldDrift, ...] = ()
    since: int = 0  # unix seconds; 0: nobody knows
    sent: int = 0  # when we last sent it; 0: never
    modified: int = 0  # as Kraken tells it; 0: it does not
    mends: Mends = Mends.PERSON
    do: str = ""
    risks: tuple[Finding, ...] = ()  # of a live key that nobody here manages


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftSight:
    """How much of an account was seen."""

    account: str
    coverage: Coverage
    keys: int = 0
    reason: str = ""  # why not all, or nothing
    unasked: Mapping[str, str] = field(default_factory=dict)  # by live name: why it is taken as recorded


@dataclass(frozen=True, slots=True, kw_only=True)
class Drifted:
    """All of it, and what it cannot say."""

    workspace: str
    endpoint: str
    at: int  # unix seconds on the exchange's clock
    drifts: tuple[Drift, ...]
    sights: tuple[DriftSight, ...]
    ignored: Mapping[str, int] = field(default_factory=dict)  # by kind: how many were left out because somebody said so
    adopted: tuple[str, ...] = ()  # live names: managed without their secrets, which is no drift
    unread: tuple[str, ...] = ()  # stores that could not be looked into, and why
    flags: str = ""  # what apply would have to be told, so that it does not refuse
