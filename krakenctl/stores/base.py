"""The port to a secret store: three slots per key, and metadata beside each secret."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from krakenctl.model.key import KeyPair, KeySpec
from krakenctl.model.secret import Secret


class Slot(StrEnum):
    PENDING = "pending"  # issued, not yet checked
    CURRENT = "current"  # what consumers read
    PREVIOUS = "previous"  # replaced, perhaps still live


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One issued key with all that is needed to know it again."""

    address: str
    lineage: str
    live_name: str
    generation: int
    created: int
    public_key: str
    secret: Secret
    spec: KeySpec

    @property
    def pair(self) -> KeyPair:
        return KeyPair(public_key=self.public_key, secret=self.secret)

    def same_key(self, other: Entry | None) -> bool:
        """Whether both are one issue of one key, secret included."""
        return (
            other is not None
            and (self.public_key, self.live_name) == (other.public_key, other.live_name)
            and (self.secret == other.secret)
        )


class Store(Protocol):
    """Keeps entries by path (`bots/mm-btc`) and slot.

    What `put` or `move` has done is durable when it returns. A store decides nothing: it overwrites what it is told
    to. Every method raises StoreError, after which the slot holds either what it held or what was to be put.
    """

    def prove_writable(self) -> None:
        """Write, read back, overwrite and remove one canary."""
        ...

    def put(self, path: str, slot: Slot, entry: Entry) -> None:
        """Durable, and read back."""
        ...

    def get(self, path: str, slot: Slot) -> Entry | None:
        """None: the slot is empty. Raises StoreError when it is not, but cannot be read.

        Raises SecretUnreadable where this host could read what was written for it: then it was written for others.
        """
        ...

    def exists(self, path: str, slot: Slot) -> bool:
        """Whether the slot is taken; needs no right to read it."""
        ...

    def promote(self, path: str, live_name: str) -> None:
        """current → previous, then pending → current, if that is the key of this name. Doing it again finishes it.

        Raises SecretGone when pending and current hold other keys, and StoreError when there is nothing at all.
        Who cannot read the store knows only what it has put there itself; what another process put is taken on trust.
        """
        ...

    def remove(self, path: str, slot: Slot) -> None:
        """Nothing happens when it is empty."""
        ...
