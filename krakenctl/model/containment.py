"""What the kill switch is to revoke, and what became of it. Plain data, and no secret."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from krakenctl.model.address import Address
from krakenctl.model.coverage import Coverage
from krakenctl.model.key import LiveKey


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchWish:
    """Either keys by their addresses, or everything below a node."""

    addresses: tuple[Address, ...] = ()
    under: str = ""  # the name of an account or sub-account
    unmanaged: bool = False  # with `under`: also keys that are none of ours


@dataclass(frozen=True, slots=True, kw_only=True)
class Doomed:
    """A live key that is to go."""

    account: str
    live: LiveKey
    address: Address | None  # None: it is none of ours

    @property
    def name(self) -> str:
        return self.live.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Strayed:
    """A key of ours that does not show, while one does that may be it, and is none of ours: it was created in the same
    second or, where ours is under way, since that was asked for and with the same rights."""

    account: str
    name: str
    address: Address
    perhaps: tuple[str, ...]  # what it may be called now
    under_way: bool = False  # it was asked for, and no answer is known

    @property
    def sentence(self) -> str:
        names = ", ".join(f"“{name}”" for name in self.perhaps)
        when = "since it was asked for, may do the same" if self.under_way else "in the same second"
        return f"perhaps a person renamed it, as {names} was created {when}, and lives"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """An account whose keys were listed, and how much of the truth such a list is."""

    account: str
    coverage: Coverage


@dataclass(frozen=True, slots=True, kw_only=True)
class Blind:
    """An account of which nobody can say whether anything on it is still live."""

    account: str
    why: str
    helps: str = ""  # what to do about it
    passes: bool = False  # to run it again may help by itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What is live, before anything is done."""

    seen: tuple[Seen, ...]
    doomed: tuple[Doomed, ...]
    gone: tuple[Address, ...]  # asked for by address, and not live
    given: tuple[Doomed, ...]  # asked for by address, live, and handed over: left alone
    strayed: tuple[Strayed, ...]  # may live under another name
    spared: tuple[Doomed, ...]  # seen beside them, and left alone
    blind: tuple[Blind, ...]
    notes: tuple[str, ...] = ()  # what could not be read, and is done without

    @property
    def accounts(self) -> tuple[str, ...]:
        return tuple(seen.account for seen in self.seen)


class Fate(StrEnum):
    REVOKED = "revoked"
    GONE = "gone"  # somebody was quicker
    CLAIMED = "claimed"  # a person says so, and nothing proves it
    FAILED = "failed"  # it is live, or nobody knows


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFate:
    account: str
    name: str  # on the exchange; of a key that was not live: its own
    address: Address | None
    fate: Fate
    message: str = ""  # why it failed
    helps: str = ""  # what to do about it
    passes: bool = False  # to run it again may help by itself
    unheard: bool = False  # of a claim: it had fallen silent before, so that its silence will prove nothing
    request: str = ""  # the exchange's id of the request, where it told one


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainmentReport:
    under: str  # the node; empty: keys were named by their addresses
    seen: tuple[Seen, ...]
    keys: tuple[KeyFate, ...]
    blind: tuple[Blind, ...]
    spared: tuple[Doomed, ...]
    page: str  # where a person looks for what no list shows
    seconds: float  # from the word to revoke (the answer, or --yes) to the last list that shows them gone
    remembered: bool = True  # False: the state could not be told all of it
    running: str = ""  # who was changing this workspace meanwhile, as a sentence
    before: tuple[str, ...] = ()  # the notes of what was found
    notes: tuple[str, ...] = ()
    log_head: str = ""  # empty: nothing was logged

    @property
    def contained(self) -> bool:
        """As far as can be seen: see `unseen`."""
        return not self.blind and all(key.fate in (Fate.REVOKED, Fate.GONE) for key in self.keys)

    @property
    def unseen(self) -> tuple[str, ...]:
        """The accounts that may have keys which no list of ours shows."""
        return tuple(seen.account for seen in self.seen if seen.coverage is not Coverage.COMPLETE)

    @property
    def passes(self) -> bool:
        """Whether to run it again may help by itself."""
        failed = any(fate.passes for fate in self.keys if fate.fate is Fate.FAILED)
        return failed or any(blind.passes for blind in self.blind)
