"""A state put together again from what is left: the evidence, what follows from it, and what nobody could know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from krakenctl.model.address import Address
from krakenctl.model.desired import Desired, DesiredKey, SecretRef
from krakenctl.model.journal import Intent
from krakenctl.model.key import KeySpec
from krakenctl.model.live import LiveAccount
from krakenctl.model.recorded import Given, Recorded, RecordedKey

PENDING, CURRENT, PREVIOUS = "pending", "current", "previous"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What one slot of a store says of its key; the secret stays there."""

    place: SecretRef
    slot: str  # pending | current | previous
    address: str
    lineage: str
    live_name: str
    generation: int
    created: int
    public_key: str
    spec: KeySpec  # as it was issued

    def is_of(self, key: DesiredKey, lineage: str) -> bool:
        return self.lineage == lineage and self.address in {str(each) for each in (key.address, *key.formerly)}


class Word(StrEnum):
    """What came of asking a key that a person made about itself."""

    RECOVERED = "recovered"  # it answered
    UNASKED = "unasked"  # it is recorded as its store tells
    REFUSED = "refused"  # likewise, and Kraken did not let it describe itself from here


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One key that a person made, as a store keeps it."""

    address: Address
    name: str
    word: Word
    why: str = ""  # it was not asked, or refused; or what is odd about it


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All that a state can be rebuilt from."""

    desired: Desired
    live: Mapping[str, LiveAccount]
    kept: Mapping[SecretRef, tuple[Kept, ...]]
    default_store: str
    tag: str
    lineage: str  # whose keys are ours; empty: the stores hold none of any
    now: int  # unix seconds, on the exchange's clock
    lost: bool  # there is no state; else one that is there is doubted, and what only it can know is kept
    given: tuple[Given, ...] = ()  # handed over, as a state that is doubted says: nobody takes these for lost
    adopted: tuple[RecordedKey, ...] = ()  # without their secrets, as a state that is doubted says
    heard: tuple[Heard, ...] = ()  # of the keys that a person made
    begun: tuple[Intent, ...] = ()  # under way, as a state that is doubted says: of most of it there is no other trace


class Sort(StrEnum):
    ASSUMED = "assumed"  # recorded, on the safe side, without being known
    UNKNOWN = "unknown"  # not recorded


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    sort: Sort
    message: str
    about: str = ""  # an address; empty: the whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    recorded: Recorded
    notes: tuple[Note, ...]
    heard: tuple[Heard, ...] = ()  # keys that a person made: which of them spoke for themselves

    @property
    def unknown(self) -> tuple[Note, ...]:
        return tuple(note for note in self.notes if note.sort is Sort.UNKNOWN)
