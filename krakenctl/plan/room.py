"""Whether an account has room for the keys a plan would add, and what gives way when it has not. Pure.

Kraken limits the keys of an account (`EAccount:Too many API keys`) and publishes no number; it is declared as
`limits.keysPerAccount`. Without it, room is taken for granted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from krakenctl.model.plan import Action, Change, Step, Strategy, Verb
from krakenctl.plan.keys import blocked, revoke_first

_REPLACING = (Action.REPLACE, Action.ROTATE)


def fit(changes: Sequence[Change], live: int, limit: int | None) -> list[Change]:
    """The changes of one account, in the order of apply, fitted into the room there is.

    Revokes come last, so that nothing goes before its successor is there; they come first when room is short.
    """
    if limit is None or live + _needed(changes) <= limit:
        return sorted(changes, key=lambda change: (_RANK[change.action], *_handle(change)))
    free = limit - live + sum(change.action is Action.REVOKE for change in changes)
    return sorted(_fitted(changes, free, limit), key=lambda change: (_rank_when_short(change), *_handle(change)))


def _needed(changes: Sequence[Change]) -> int:
    """Places beside the keys there are. An old key in its overlap keeps its place; others hand theirs on at once."""
    creates = sum(change.action is Action.CREATE for change in changes)
    overlaps = [change.overlap > 0 for change in changes if change.action in _REPLACING]
    return creates + sum(overlaps) + (not all(overlaps))


def _fitted(changes: Sequence[Change], free: int, limit: int) -> Iterator[Change]:
    """New keys before overlaps; one free place spares any number of consumers the gap, one after another."""
    left = free - sum(change.action is Action.CREATE for change in changes)
    creates = 0
    for change in changes:
        if change.action is Action.CREATE:
            creates += 1
            yield change if creates <= free else _blocked(change, limit)
        elif change.action not in _REPLACING:
            yield change
        elif free < 0:
            yield _blocked(change, limit)
        elif free == 0:
            yield _turned_round(change, limit)
        elif change.overlap and left <= 0:
            yield _without_overlap(change, limit)
        else:
            left -= change.overlap > 0
            yield change


def _blocked(change: Change, limit: int) -> Change:
    return blocked(change.address, change.account, f"no room for it: limits.keysPerAccount is {limit}")


def _without_overlap(change: Change, limit: int) -> Change:
    if change.old is None:
        return change
    reason = f"no room to keep both keys (limits.keysPerAccount is {limit}): there is no overlap this time"
    steps = (*change.steps[:-1], Step(Verb.REVOKE, change.old.name))
    return replace(change, steps=steps, overlap=0, reasons=(*change.reasons, reason))


def _turned_round(change: Change, limit: int) -> Change:
    """Only for a change that has an old key; `old` and `new` are set on every replacement."""
    if change.old is None or change.new is None:
        return change
    reason = f"no room for a second key (limits.keysPerAccount is {limit}): the old one goes first"
    return replace(
        change,
        strategy=Strategy.REVOKE_FIRST,
        steps=revoke_first(change.new.name, change.old.name),
        overlap=0,
        reasons=(*change.reasons, reason),
    )


def _handle(change: Change) -> tuple[object, ...]:
    """Of two changes of one address and action, the live name tells."""
    return change.address, change.old.name if change.old else ""


def _rank_when_short(change: Change) -> int:
    """What makes room first; then what only borrows a place; then what keeps one."""
    if change.action is Action.REVOKE:
        return -1
    borrows = change.action in _REPLACING and not change.overlap
    return _RANK[Action.CREATE] * 10 - 1 if borrows else _RANK[change.action] * 10


_RANK = {
    Action.FORGET: 0,
    Action.UPDATE: 1,
    Action.CREATE: 2,
    Action.REPLACE: 3,
    Action.ROTATE: 4,
    Action.REVOKE: 5,
    Action.BLOCKED: 6,
    Action.UNCHANGED: 7,
}
