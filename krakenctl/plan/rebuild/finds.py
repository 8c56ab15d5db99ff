"""Which live key it is whose secret a slot holds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from krakenctl.model.desired import DesiredKey
from krakenctl.model.key import LiveKey, same_creation
from krakenctl.model.rebuilt import CURRENT, Kept
from krakenctl.model.recorded import RecordedKey


@dataclass(frozen=True, slots=True)
class Find:
    """A slot, and the live key whose secret it holds."""

    kept: Kept
    live: LiveKey


def find(kept: Kept, live: Iterable[LiveKey]) -> LiveKey | None:
    """By public key, whatever it is called now. Where the list tells none, by name and creation time."""
    for one in live:
        same = one.public_key == kept.public_key if one.public_key else one.name == kept.live_name
        if same and same_creation(one.created, kept.created):
            return one
    return None


def is_adopted(record: RecordedKey, live: LiveKey) -> bool:
    if live.public_key and record.public_key:
        return live.public_key == record.public_key
    return live.name == record.live_name and record.created in (0, live.created)


def current(key: DesiredKey, alive: Iterable[Find]) -> Find | None:
    """What consumers read: where it belongs now, else where it was the last time."""
    in_use = [find for find in alive if find.kept.slot == CURRENT]
    at_home = [find for find in in_use if find.kept.place == key.secret]
    return max(at_home or in_use, key=lambda find: find.kept.generation, default=None)


def distinct(finds: Iterable[Find]) -> list[Find]:
    """One of each live key: a promotion that was cut short leaves it in two slots."""
    return list({find.live.name: find for find in finds}.values())
