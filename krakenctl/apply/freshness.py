"""Does a saved plan still say what a fresh one would? Pure. A plan is never trusted as an instruction.

A plan may be applied again after a run that did not come to its end: what was done in its name is no longer expected
of the fresh plan, and what was begun may have got another number, because the first one is burned. Done is what was
marked by the deed that ended it: that a fresh plan does not show a change any more proves nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from krakenctl.apply.difference import difference
from krakenctl.model.address import Address
from krakenctl.model.plan import Action, Change, Mark, Plan

Groups = Mapping[Address, Sequence[Change]]


def elsewhere(saved: Plan, workspace: str, endpoint: str, lineage: str) -> tuple[str, ...]:
    """What the plan was made for and this is not; empty when it was made here.

    A plan made before there was a state has no lineage; what could be wrong with it shows in its changes.
    """
    pairs = {
        "workspace": (saved.workspace, workspace),
        "endpoint": (saved.endpoint, endpoint),
        "lineage of the state": (saved.lineage or lineage, lineage),
    }
    return tuple(f"{what}: planned “{was}”, now “{now}”" for what, (was, now) in pairs.items() if was != now)


def is_done(saved: Plan, marks: Iterable[Mark]) -> bool:
    """Whether all of it was done in its name: then there is nothing to compare any more."""
    done = {mark.change for mark in marks if mark.done}
    return bool(done) and all(change.handle in done for change in saved.changes if change.is_change)


def moved(saved: Plan, fresh: Plan, marks: Iterable[Mark] = ()) -> tuple[str, ...]:
    """What differs between the two, a line each; empty when the open part of the saved plan may be applied.

    Only meaning counts: another comment in a manifest, or a key used in between, moves nothing.
    """
    begun = {mark.change: mark.done for mark in marks}
    held = _held(fresh)
    done = {change.address for change in saved.changes if begun.get(change.handle)}
    waiting = {change.address for change in saved.changes if _waits(change, begun, held)}
    still = _open(saved, fresh, begun, done | waiting)
    return (*_accounts(saved, fresh, done | waiting), *_changes(still, _expected(fresh, done - waiting)))


def _held(fresh: Plan) -> Mapping[Address, Change]:
    return {change.address: change for change in fresh.changes if change.action is Action.BLOCKED}


def _waits(change: Change, begun: Mapping[str, bool], held: Mapping[Address, Change]) -> bool:
    """Whether it was begun, and cannot go on now: that moves nothing."""
    return begun.get(change.handle) is False and change.address in held


def _accounts(saved: Plan, fresh: Plan, requested: set[Address]) -> Iterator[str]:
    """A sub-account that this very plan has requested may have come to be since; and where only keys tell whose they
    are, there may have been one to tell, or none any more."""
    told_by_keys = {account.name for account in fresh.accounts if not account.traits.has_credential}
    was = {account.name: account.iiban for account in saved.accounts}
    now = {account.name: account.iiban for account in fresh.accounts}
    for name in sorted(was.keys() | now.keys()):
        is_new = not was.get(name) and Address("SubAccount", (name,)) in requested
        is_untold = name in told_by_keys and not (was.get(name) and now.get(name))
        if was.get(name) != now.get(name) and not (is_new or is_untold):
            yield f"account {name}: planned for {was.get(name) or 'no IIBAN'}, now {now.get(name) or 'no IIBAN'}"


def _open(saved: Plan, fresh: Plan, begun: Mapping[str, bool], requested: set[Address]) -> Groups:
    """What the saved plan still asks for, as far as possible in the words of the fresh one."""
    now, held = {change.handle: change for change in fresh.changes}, _held(fresh)
    still: list[Change] = []
    for change in saved.changes:
        if begun.get(change.handle):
            continue
        same = held[change.address] if _waits(change, begun, held) else change
        if change.handle in begun and change.handle in now:
            same = _renumbered(change, now[change.handle])
        still.append(_ready(same, fresh) if same.waits_for in requested else same)
    return _by_address(still)


def _expected(fresh: Plan, done: set[Address]) -> Groups:
    """Without what only says that a sub-account, requested by this very plan, is not ready yet."""
    return _by_address(c for c in fresh.changes if not (c.action is Action.BLOCKED and c.address in done))


def _renumbered(change: Change, now: Change) -> Change:
    """The change, but with the number that is free by now."""
    if change.new is None or now.new is None:
        return change
    before, name = change.new.name, now.new.name
    steps = tuple(replace(step, name=name) if step.name == before else step for step in change.steps)
    return replace(change, new=replace(change.new, name=name, generation=now.new.generation), steps=steps)


def _ready(change: Change, fresh: Plan) -> Change:
    """What waited for a sub-account goes on, or is still blocked for it."""
    for now in fresh.changes:
        if now.address == change.address and now.action is Action.BLOCKED:
            return now
    return replace(change, waits_for=None)


def _changes(was: Groups, now: Groups) -> Iterator[str]:
    for address in dict.fromkeys((*was, *now)):
        before, after = was.get(address, ()), now.get(address, ())
        if [_meaning(change) for change in before] != [_meaning(change) for change in after]:
            yield f"{address}: {difference(before, after)}"


def _meaning(change: Change) -> Change:
    """What would be done; why it would be is for people, and so is which end somebody was shown meanwhile."""
    is_counted = change.new is not None and change.new.valid_for is not None
    fields = (each for each in change.fields if not (is_counted and each.field == "expires"))
    return replace(change, reasons=(), causes=(), fields=tuple(fields))


def _by_address(changes: Iterable[Change]) -> Groups:
    """One address may have two changes: a key that was replaced goes, a new one comes."""
    groups: dict[Address, list[Change]] = {}
    for change in changes:
        groups.setdefault(change.address, []).append(change)
    return groups
