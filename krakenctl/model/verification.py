"""What keys can really do beside what is declared of them, where that is known from, and what nobody could look at."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from krakenctl.model.address import Address
from krakenctl.model.coverage import Coverage
from krakenctl.model.permission import Permission


class Verdict(StrEnum):
    """Of a key, or of one of its permissions."""

    GRANTED = "granted"  # a call that needs it was let through
    LISTED = "listed"  # the exchange says so, and no call has tried it
    DENIED = "denied"  # it is not there, or Kraken refused it
    BLOCKED_BY_IP = "blocked-by-ip"  # it lives, and may not be used from this host
    EXPIRED = "expired"
    REVOKED = "revoked"
    LOCKED_OUT = "locked-out"  # its account is, for some minutes
    UNKNOWN = "unknown"


_HELD = {
    Verdict.GRANTED: True,
    Verdict.LISTED: True,
    Verdict.DENIED: False,
    Verdict.EXPIRED: False,
    Verdict.REVOKED: False,
}


class Source(StrEnum):
    KEY = "key"  # the key itself said so
    LIST = "list"  # the list of its account
    RECORDED = "recorded"  # nobody could look: as it was last sent


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """What calls that change nothing have told of one permission that a key is said to hold."""

    permission: Permission
    verdict: Verdict  # GRANTED, DENIED or, where they prove neither, LISTED
    calls: tuple[str, ...] = ()  # that were made
    why: str = ""  # it is not GRANTED


@dataclass(frozen=True, slots=True, kw_only=True)
class Right:
    code: str  # a permission's, or one that this krakenctl does not know
    declared: bool
    verdict: Verdict
    why: str = ""
    calls: tuple[str, ...] = ()  # that have tried it

    @property
    def differs(self) -> bool:
        """Whether it is known to be otherwise than declared."""
        return _HELD.get(self.verdict, self.declared) != self.declared


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Another field, in the words of a manifest. `agrees` None: nobody knows.

    `managed` False: no manifest declares it, `declared` is None, and it is not as krakenctl last sent it.
    """

    name: str
    declared: Any
    effective: Any
    source: Source
    agrees: bool | None
    managed: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """One declared key."""

    address: Address
    name: str  # on the exchange, as recorded; empty: it was never issued
    verdict: Verdict
    why: str = ""  # what it means; for UNKNOWN: why nobody knows
    source: Source  # of what is effective
    rights: tuple[Right, ...] = ()  # declared or effective, in Kraken's order
    settings: tuple[Setting, ...] = ()
    asked: bool = False  # it has described itself
    unasked: str = ""  # why it was not asked; empty: it was
    probed: bool = False
    remarks: tuple[str, ...] = ()
    iiban: str = ""  # of the account that it belongs to, as the exchange told it now; empty: it did not

    @property
    def account(self) -> str:
        return self.address.path[0]

    @property
    def differs(self) -> bool:
        """Whether what is effective is known to be otherwise than declared."""
        gone = self.verdict in (Verdict.DENIED, Verdict.EXPIRED, Verdict.REVOKED)
        return gone or any(right.differs for right in self.rights) or any(one.agrees is False for one in self.settings)

    @property
    def seen(self) -> bool:
        """Whether the exchange told anything of it, now."""
        return self.source is not Source.RECORDED or self.verdict in (Verdict.DENIED, Verdict.REVOKED)


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifySight:
    """How much of an account's keys could be seen; `reason`: why there is no list."""

    account: str
    coverage: Coverage
    reason: str = ""
    mixed: tuple[str, ...] = ()  # how it is known not to be an account of its own


@dataclass(frozen=True, slots=True)
class Left:
    """A key of ours that nothing was declared for to compare it with."""

    address: Address
    name: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    endpoint: str  # `sandbox` or a base URL
    now: int  # unix seconds on the exchange's clock
    probing: bool
    keys: tuple[Verified, ...]
    sights: tuple[VerifySight, ...]
    left: tuple[Left, ...] = ()

    @property
    def differs(self) -> bool:
        return any(key.differs for key in self.keys) or any(sight.mixed for sight in self.sights)

    @property
    def complete(self) -> bool:
        """Whether every key was seen."""
        return all(key.seen for key in self.keys)

    @property
    def blind(self) -> bool:
        """Whether there was something to look at, and nothing of it was seen."""
        return bool(self.keys) and not any(key.seen for key in self.keys)
