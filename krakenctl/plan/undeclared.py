"""Keys of ours that are no longer declared: revoked, or handed over where a `Removed` says so. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from krakenctl.model.key import LiveKey
from krakenctl.model.plan import Action, Cause, Change, Step, Verb
from krakenctl.model.recorded import RecordedKey
from krakenctl.plan.changes import by_name_alone, old_key, revoke, still_protected, unheard
from krakenctl.plan.scene import Scene


def undeclared(scene: Scene, records: Iterable[RecordedKey]) -> Iterator[Change]:
    for record in records:
        live = scene.same_key(record)
        if live is None:
            yield _forget(scene, record, None, "no longer declared, and gone from the exchange already")
        elif scene.removals.get(record.address) == "forget":
            yield _forget(scene, record, live, "Removed with action: forget; the key lives on, unmanaged")
        else:
            yield _revoke(scene, record, live)


def _revoke(scene: Scene, record: RecordedKey, live: LiveKey) -> Change:
    reasons = ("no longer declared", *by_name_alone(record, live))
    change = revoke(record.address, scene.name, live, Cause.UNDECLARED, *reasons)
    change = unheard(change) if scene.is_silent(record) else change
    return still_protected(change) if record.protect else change


def _forget(scene: Scene, record: RecordedKey, live: LiveKey | None, reason: str) -> Change:
    """`live`: the key that is handed over with it."""
    return Change(
        address=record.address,
        account=scene.name,
        action=Action.FORGET,
        reasons=(reason,),
        causes=(Cause.UNDECLARED,),
        steps=(Step(Verb.FORGET, record.live_name),),
        old=old_key(live),
    )
