"""Whether an account has room for the keys a plan would add, and what gives way when it has not. Pure.

Kraken limits the keys of an account (`EAccount:Too many API keys`) and publishes no number. It is declared as
`limits.keysPerAccount`, or seen when Kraken says so; until then, room is taken for granted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from heapq import heapify, heapreplace

from krakenctl.model.address import Address
from krakenctl.model.finding import Finding, Severity
from krakenctl.model.plan import Action, Cause, Change, Step, Verb
from krakenctl.model.time import show_duration, show_time
from krakenctl.plan.changes import blocked, turned_round
from krakenctl.plan.rotation import MISSED, latest_rotation
from krakenctl.plan.scene import Scene

WAITS = "waits-for-room"
_REPLACING = (Action.REPLACE, Action.ROTATE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What is known of the places on one account at one time."""

    limit: int | None  # None: nobody knows
    live: int  # keys on it, once what goes first is gone
    now: int
    seen: bool = False  # the limit is not what was declared, but what Kraken took
    ends: Sequence[int] = ()  # when running overlaps give their places back
    needs: Mapping[Address, int] = field(default_factory=dict)  # until when each key must have been rotated

    @property
    def words(self) -> str:
        known = "Kraken took no more keys than" if self.seen else "limits.keysPerAccount is"
        return f"{known} {self.limit}"


def of(scene: Scene, going: int, ends: Sequence[int]) -> Room:
    """`going`: how many keys are revoked before anything else. `ends`: of the overlaps that run."""
    return Room(
        limit=scene.keys_limit,
        live=len(scene.live.keys) - going,
        now=scene.now,
        seen=scene.account is None or scene.keys_limit != scene.account.keys_limit,
        ends=ends,
        needs=dict(_needs(scene)),
    )


def _needs(scene: Scene) -> Iterator[tuple[Address, int]]:
    """When each key that has a policy must have been rotated."""
    records = {record.address: record for record in scene.recorded}
    for key in scene.declared:
        record = records.get(key.address)
        live = scene.same_key(record)
        if record is not None and live is not None and (latest := latest_rotation(key, record, live.spec.valid_until)):
            yield key.address, latest


@dataclass(frozen=True, slots=True)
class Fit:
    changes: list[Change]  # in the order of apply
    waiting: dict[Address, Finding] = field(default_factory=dict)  # due, and rotated by a later run


def fit(changes: Sequence[Change], room: Room) -> Fit:
    """The changes of one account, fitted into the room there is.

    Revokes come last, so that nothing goes before its successor is there; they come first when room is short.
    """
    if room.limit is None:
        return Fit(_in_order(changes, _rank))
    free = room.limit - room.live
    if _needed(changes) <= free:
        return Fit(_in_order(_cut(changes, free, room), _rank))
    free += sum(change.action is Action.REVOKE for change in changes)
    waiting = dict(_waiting(changes, free, room))
    rest = [change for change in changes if not (change.address in waiting and change.action is Action.ROTATE)]
    return Fit(_in_order(_cut(list(_fitted(rest, free, room)), free, room), _rank_when_short), waiting)


def _in_order(changes: Iterable[Change], rank: Callable[[Change], int]) -> list[Change]:
    return sorted(changes, key=lambda change: (rank(change), *_handle(change)))


def _needed(changes: Sequence[Change]) -> int:
    """Places beside the keys there are. An old key in its overlap keeps its place; others hand theirs on at once."""
    creates = sum(change.action is Action.CREATE for change in changes)
    overlaps = [change.overlap > 0 for change in changes if change.action in _REPLACING and not change.gap]
    return creates + sum(overlaps) + (not all(overlaps))


def _waiting(changes: Sequence[Change], free: int, room: Room) -> Iterator[tuple[Address, Finding]]:
    """Rotations take turns: what is merely due waits for a place that comes back in time, the most urgent first.

    In time: also if the next run is missed. Where the old key would have to go first, a chance is worth waiting for.
    """
    keeping = [change for change in changes if change.overlap and change.action in _REPLACING]
    patient = [change for change in changes if _is_patient(change) and (change.overlap or free <= 0)]
    patient.sort(key=lambda change: (room.needs.get(change.address, 0), change.address))
    urgent = sum(not _is_patient(change) for change in keeping)
    places = max(free - sum(change.action is Action.CREATE for change in changes) - urgent, 0)
    ends = [*room.ends, *(room.now + change.overlap for change in patient[:places])]
    heapify(ends)
    for change in patient[places:]:
        latest = room.needs.get(change.address, 0)
        if ends and ends[0] + MISSED * (free > 0) <= latest and room.now + MISSED <= latest:
            yield change.address, _waits(change, ends[0], room)
            heapreplace(ends, ends[0] + MISSED + change.overlap)


def _is_patient(change: Change) -> bool:
    """Due and nothing else: nobody waits for it."""
    return change.action is Action.ROTATE and change.causes == (Cause.DUE,)


def _cut(changes: Sequence[Change], free: int, room: Room) -> Sequence[Change]:
    """Where overlaps take the last place, one of them gives it back before another key of the account must have it."""
    keeping = [change for change in changes if change.overlap and change.action in _REPLACING]
    left = free - len(keeping) - sum(change.action is Action.CREATE for change in changes)
    going_on = {change.address for change in changes if change.new is not None}
    needs = [latest for address, latest in room.needs.items() if address not in going_on]
    if not keeping or left > 0 or not needs:
        return changes
    latest = min(needs) - MISSED
    if min([*room.ends, *(room.now + change.overlap for change in keeping)]) <= latest:
        return changes
    shortest = min(keeping, key=lambda change: (change.overlap, change.address))
    return [_shortened(change, latest - room.now, room) if change is shortest else change for change in changes]


def _shortened(change: Change, seconds: int, room: Room) -> Change:
    hours = seconds // 3600 * 3600
    if hours <= 0:
        return _without_overlap(change, room)
    needed = f"another key of this account needs room soon ({room.words})"
    reason = f"{needed}: the overlap is {show_duration(hours)} this time"
    return replace(change, overlap=hours, reasons=(*change.reasons, reason))


def _waits(change: Change, end: int, room: Room) -> Finding:
    return Finding(
        rule=WAITS,
        severity=Severity.NOTE,
        message=f"{change.address} is due, and waits for room ({room.words}) until an overlap ends, {show_time(end)}",
        hint="the first run after that rotates it, within its policy",
        address=str(change.address),
    )


def _fitted(changes: Sequence[Change], free: int, room: Room) -> Iterator[Change]:
    """New keys before overlaps; one free place spares any number of consumers the gap, one after another.

    A new key is tried in spite of what was seen: a refusal costs nothing, and there may be room by now.
    """
    left = free - sum(change.action is Action.CREATE for change in changes)
    creates = 0
    for change in changes:
        if change.action is Action.CREATE:
            creates += 1
            yield change if creates <= free or room.seen else _blocked(change, room)
        elif change.action not in _REPLACING:
            yield change
        elif free < 0:
            yield _blocked(change, room)
        elif change.gap:
            yield change
        elif free == 0:
            yield _turned_round(change, room)
        elif change.overlap and left <= 0:
            yield _without_overlap(change, room)
        else:
            left -= change.overlap > 0
            yield change


def _blocked(change: Change, room: Room) -> Change:
    return blocked(change.address, change.account, f"no room for it: {room.words}", *change.causes)


def _without_overlap(change: Change, room: Room) -> Change:
    if change.old is None:
        return change
    reason = f"no room to keep both keys ({room.words}): there is no overlap this time"
    steps = (*change.steps[:-1], Step(Verb.REVOKE, change.old.name))
    return replace(change, steps=steps, overlap=0, reasons=(*change.reasons, reason))


def _turned_round(change: Change, room: Room) -> Change:
    reason = f"no room for a second key ({room.words}): the old one goes first"
    return replace(turned_round(change), reasons=(*change.reasons, reason))


def _handle(change: Change) -> tuple[object, ...]:
    """Of two changes of one address and action, the live name tells."""
    return change.address, change.old.name if change.old else ""


def _rank(change: Change) -> int:
    return _RANK[change.action]


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
