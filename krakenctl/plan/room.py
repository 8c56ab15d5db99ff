"""Whether an account has room for the keys a plan would add, and what gives way when it has not. Pure.

Kraken limits the keys of an account (`EAccount:Too many API keys`) and publishes no number; it is declared as
`limits.keysPerAccount`. Without it, room is taken for granted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from krakenctl.model.address import Address
from krakenctl.model.plan import Action, Change, Strategy
from krakenctl.plan.keys import revoke_first

_REPLACING = (Action.REPLACE, Action.ROTATE)


def fit(changes: Sequence[Change], live: int, limit: int | None) -> list[Change]:
    """The changes of one account, in the order of apply, fitted into the room there is.

    Revokes come last, so that nothing goes before its successor is there; they come first when room is short. A
    replacement without room for a second key is turned round: revoke first, which leaves a gap, and says so.
    """
    if limit is None:
        return _revokes_last(changes)
    creates = [change for change in changes if change.action is Action.CREATE]
    revokes = sum(change.action is Action.REVOKE for change in changes)
    if live + len(creates) + _needs_second(changes) <= limit:
        return _revokes_last(changes)
    free = limit - live + revokes
    blocked = {change.address for change in creates[max(free, 0) :]}
    second = free - (len(creates) - len(blocked)) >= 1
    return _revokes_first([_fitted(change, blocked, second, limit) for change in changes])


def _needs_second(changes: Sequence[Change]) -> int:
    """Replacements run one after another where room is short, so one spare place serves them all."""
    return 1 if any(change.action in _REPLACING for change in changes) else 0


def _fitted(change: Change, blocked: set[Address], second: bool, limit: int) -> Change:
    if change.action is Action.CREATE and change.address in blocked:
        reason = f"no room: the account holds its {limit} keys (limits.keysPerAccount)"
        return Change(address=change.address, account=change.account, action=Action.BLOCKED, reasons=(reason,))
    if change.action in _REPLACING and not second:
        return _turned_round(change, limit)
    return change


def _turned_round(change: Change, limit: int) -> Change:
    """Only for a change that has an old key; `old` and `new` are set on every replacement."""
    if change.old is None or change.new is None:
        return change
    return replace(
        change,
        strategy=Strategy.REVOKE_FIRST,
        steps=revoke_first(change.new.name, change.old.name),
        overlap=0,
        reasons=(
            *change.reasons,
            f"no room for a second key (limits.keysPerAccount is {limit}): the old one goes first",
        ),
    )


def _revokes_last(changes: Sequence[Change]) -> list[Change]:
    return sorted(changes, key=lambda change: (_RANK[change.action], change.address))


def _revokes_first(changes: Sequence[Change]) -> list[Change]:
    return sorted(changes, key=lambda c: (c.action is not Action.REVOKE, _RANK[c.action], c.address))


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
