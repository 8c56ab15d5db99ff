"""What the kill switch is to revoke, and what became of it. Plain data, and no secret."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from krakenctl.model.address import Address
from krakenctl.model.key import LiveKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
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
class Blind:
    """An account of which nobody can say whether anything on it is still live."""

    account: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What is live, before anything is done."""

    accounts: tuple[str, ...]  # that were seen
    doomed: tuple[Doomed, ...]
    gone: tuple[Address, ...]  # asked for by address, and not live
    spared: tuple[Doomed, ...]  # seen beside them, and left alone
    blind: tuple[Blind, ...]
    notes: tuple[str, ...] = ()  # what could not be read, and is done without


class Fate(StrEnum):
    REVOKED = "revoked"
    GONE = "gone"  # somebody was quicker
    FAILED = "failed"  # it is live, or nobody knows


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFate:
    account: str
    name: str  # on the exchange; of a key that was not live: its own
    address: Address | None
    fate: Fate
    message: str = ""  # why it failed
    request: str = ""  # the exchange's id of the request, where it told one


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainmentReport:
    keys: tuple[KeyFate, ...]
    blind: tuple[Blind, ...]
    spared: tuple[Doomed, ...]
    seconds: float  # from the word to revoke (the answer, or --yes) to the last list that shows them gone
    remembered: bool = True  # False: the state could not be told all of it
    running: str = ""  # who was changing this workspace meanwhile, as a sentence
    before: tuple[str, ...] = ()  # the notes of what was found
    notes: tuple[str, ...] = ()
    log_head: str = ""  # empty: nothing was logged

    @property
    def contained(self) -> bool:
        return not self.blind and all(key.fate is not Fate.FAILED for key in self.keys)
