"""Keys whose successors were issued: which overlaps run on, which are over, and which end early. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from krakenctl.model.address import Address
from krakenctl.model.finding import Finding
from krakenctl.model.key import LiveKey
from krakenctl.model.plan import Action, Cause, Change, Forgettable, Overlap
from krakenctl.model.recorded import RecordedKey
from krakenctl.model.silence import ANSWERS_NO_MORE
from krakenctl.plan import byhand
from krakenctl.plan.changes import by_name_alone, revoke
from krakenctl.plan.homes import homes
from krakenctl.plan.scene import Scene

_SUPERSEDING = (Action.REPLACE, Action.ROTATE, Action.REVOKE)


@dataclass(frozen=True, slots=True)
class Retired:
    first: list[Change] = field(default_factory=list)  # revokes that wait for nothing: a successor is in use
    rest: list[Change] = field(default_factory=list)  # whose successor has still to be made
    overlaps: list[Overlap] = field(default_factory=list)
    gone: list[Forgettable] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def retired(scene: Scene, changes: Iterable[Change]) -> Retired:
    """`changes`: those of their successors."""
    home = homes(scene.declared, {record.address for record in scene.recorded})
    fates = {change.address: change.action for change in changes}
    result = Retired()
    for record in sorted(scene.retired, key=_handle):
        live = scene.same_key(record)
        if live is None:
            result.gone.append(Forgettable(account=scene.name, name=record.live_name))
        elif record.claimed_by and (why := scene.live.aside(live.name).unasked):
            result.findings.append(byhand.claimed(record, why))
        else:
            _settle(scene, record, live, fates.get(home.get(record.address, record.address)), result)
    return result


def _settle(scene: Scene, record: RecordedKey, live: LiveKey, fate: Action | None, result: Retired) -> None:
    """`fate`: what becomes of its successor; None: that one stays as it is."""
    if (over := _why_over(record, fate, scene.now)) is None:
        result.overlaps.append(Overlap(address=record.address, name=live.name, until=record.retired_until))
        return
    if live.name in scene.held_up:
        return
    doubts = (*by_name_alone(record, live), *_silence(scene, record))
    change = revoke(record.address, scene.name, live, *over, *doubts)
    if fate in _SUPERSEDING:  # whether or not its overlap has ended, nobody waits for its successor any more
        change = replace(change, causes=tuple(dict.fromkeys((*change.causes, Cause.SUPERSEDED))))
    (result.rest if fate is Action.CREATE else result.first).append(change)


def _silence(scene: Scene, record: RecordedKey) -> tuple[str, ...]:
    """It was replaced because it answered no more: nobody has seen whether it is gone."""
    return (f"{record.live_name} {ANSWERS_NO_MORE}",) if scene.is_silent(record) else ()


def _why_over(record: RecordedKey, fate: Action | None, now: int) -> tuple[Cause, str] | None:
    """Why a retired key goes now; None while its overlap runs."""
    if record.claimed_by:
        return Cause.RETIRED, f"{record.claimed_by} said that it was deleted, and it lives"
    if record.retired_until <= now:
        return Cause.RETIRED, "replaced, and its overlap has ended"
    if fate in (Action.REPLACE, Action.ROTATE):
        why = "its overlap ends early: its successor is replaced too, and at most two generations live"
        return Cause.SUPERSEDED, why
    if fate is Action.REVOKE:
        return Cause.SUPERSEDED, "its overlap ends early: its successor is revoked too"
    return None


def _handle(record: RecordedKey) -> tuple[Address, str]:
    return record.address, record.live_name
