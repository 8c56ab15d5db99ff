"""Which accounts may be worked on at the same time: those whose secrets lie in different places. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from krakenctl.apply.session import Memory
from krakenctl.model.desired import SecretRef
from krakenctl.model.plan import Change


def lanes(uses: Mapping[str, Iterable[object]]) -> list[list[str]]:
    """The names in lanes, such that no two lanes use the same thing. Within a lane, and of lanes, the order is kept."""
    found: dict[str, list[str]] = {}  # the lane of each name
    user: dict[object, str] = {}  # of each thing, somebody in the lane that uses it
    for name, things in uses.items():
        found[name] = [name]
        for thing in things:
            _join(found, user.setdefault(thing, name), name)
    place = {name: number for number, name in enumerate(uses)}
    return [sorted(lane, key=place.__getitem__) for lane in {id(lane): lane for lane in found.values()}.values()]


def _join(found: dict[str, list[str]], one: str, other: str) -> None:
    first, second = found[one], found[other]
    if first is not second:
        first += second
        found.update(dict.fromkeys(second, first))


def secrets(changes: Iterable[Change], memory: Memory) -> Iterator[SecretRef]:
    """Every place of a secret that these changes of one account write, or empty."""
    for change in changes:
        if change.secret is not None:
            yield change.secret
        for name in (change.old.name if change.old else "", change.new.name if change.new else ""):
            if (known := memory.by_name.get(name)) is not None:
                yield known.secret
            if (intent := memory.intents.get(name)) is not None and intent.secret is not None:
                yield intent.secret
