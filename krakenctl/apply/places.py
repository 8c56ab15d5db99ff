"""Whose secret lies in which slot, by our own records: a host that cannot read a store must still not empty the slot
of another key. Slots that no record explains belong to nobody here."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock

from krakenctl.model.desired import SecretRef
from krakenctl.model.journal import Stage
from krakenctl.model.recorded import Recorded, RecordedKey
from krakenctl.stores.base import Slot

Owner = tuple[str, str]  # account and live name: unique on the exchange


@dataclass(slots=True)
class Places:
    """One for a whole run, because two accounts may use one path one after the other. Follows what the run does.

    Threads may share it.
    """

    _held: dict[tuple[SecretRef, Slot], Owner] = field(default_factory=dict)
    _turn: Lock = field(default_factory=Lock)

    @classmethod
    def of(cls, recorded: Recorded) -> Places:
        places = cls()
        for key in sorted(recorded.ours, key=_age):
            places._push(key.secret, (key.account, key.live_name))
        for intent in recorded.intents:
            if intent.issues and intent.secret is not None and intent.stage in (Stage.STORED, Stage.CHECKED):
                places.stored(intent.secret, (intent.account, intent.live_name))
        return places

    def stored(self, place: SecretRef, owner: Owner) -> None:
        with self._turn:
            self._held[place, Slot.PENDING] = owner

    def promoted(self, place: SecretRef, owner: Owner) -> None:
        with self._turn:
            self._push(place, owner)
            self._held.pop((place, Slot.PENDING), None)

    def emptied(self, place: SecretRef, slot: Slot) -> None:
        with self._turn:
            self._held.pop((place, slot), None)

    def holder(self, place: SecretRef) -> Owner | None:
        """Whose secret consumers read there."""
        with self._turn:
            return self._held.get((place, Slot.CURRENT))

    def of_owner(self, place: SecretRef, owner: Owner) -> tuple[Slot, ...]:
        with self._turn:
            return tuple(slot for slot in Slot if self._held.get((place, slot)) == owner)

    def unused(self, place: SecretRef) -> bool:
        with self._turn:
            return not any((place, slot) in self._held for slot in Slot)

    def _push(self, place: SecretRef, owner: Owner) -> None:
        before = self._held.get((place, Slot.CURRENT))
        if before is not None:
            self._held[place, Slot.PREVIOUS] = before
        self._held[place, Slot.CURRENT] = owner


def _age(key: RecordedKey) -> tuple[bool, int, int]:
    """In the order in which they were promoted; the current one came last."""
    return (not key.retired_until, key.issued, key.generation)
