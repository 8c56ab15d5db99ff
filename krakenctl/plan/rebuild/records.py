"""What is recorded of a key that was found."""

from __future__ import annotations

from dataclasses import replace

from krakenctl.model.address import Address
from krakenctl.model.desired import DesiredKey
from krakenctl.model.journal import Intent, Stage
from krakenctl.model.key import same_expiry
from krakenctl.model.plan import Action, Cause, Change, NewKey, OldKey, Strategy
from krakenctl.model.recorded import RecordedKey
from krakenctl.model.time import show_time
from krakenctl.plan import wanted
from krakenctl.plan.changes import create_first
from krakenctl.plan.rebuild.finds import Find


def record(key: DesiredKey, find: Find, address: Address, now: int) -> RecordedKey:
    """As last sent: the permissions are those of its issue; of the rest the live value is all there is."""
    sent = find.kept.spec
    spec = replace(find.live.spec, permissions=sent.permissions, unknown_permissions=sent.unknown_permissions)
    return RecordedKey(
        address=address,
        live_name=find.live.name,
        generation=find.kept.generation,
        created=created(find),
        public_key=find.kept.public_key,
        spec=spec,
        secret=find.kept.place,
        issued=issued(key, find, now),
        trigger=key.rotation.trigger,
        protect=key.protect,
    )


def intent(key: DesiredKey, find: Find, current: Find | None, now: int) -> Intent:
    kept, old = find.kept, current.live if current else None
    overlap = key.rotation.overlap if old else 0
    change = Change(
        address=key.address,
        account=key.account,
        action=Action.ROTATE if old else Action.CREATE,
        reasons=("left by a run whose state was lost",),
        causes=(Cause.LEFT,),
        steps=create_first(kept.live_name, old, overlap),
        strategy=Strategy.CREATE_FIRST,
        old=OldKey(name=old.name, created=old.created, spec=old.spec) if old else None,
        new=NewKey(
            name=kept.live_name,
            generation=kept.generation,
            spec=kept.spec,
            valid_for=None,
            managed=wanted.managed(key),
        ),
        secret=kept.place,
        overlap=overlap,
        trigger=key.rotation.trigger,
        protect=key.protect,
    )
    began = created(find) or now
    return Intent(change=change, began=began, stage=Stage.STORED, sent=kept.spec, public_key=kept.public_key)


def issued(key: DesiredKey, find: Find, now: int) -> int:
    """What its age counts from. A declared `validFor` was counted from there too."""
    counted = find.live.spec.valid_until - key.valid_for if key.valid_for and find.live.spec.valid_until else 0
    return created(find) or (counted if 0 < counted <= now else now)


def created(find: Find) -> int:
    return find.live.created or find.kept.created


def end(key: DesiredKey, find: Find, now: int) -> tuple[int, str]:
    """When a replaced key ends, and why it is taken to be then; the empty text: that is known."""
    sent, live = find.kept.spec.valid_until, find.live.spec.valid_until
    if live and not same_expiry(live, sent):
        return live, ""  # an apply has given it its end
    until = now + key.rotation.overlap
    return until, f"no end of its overlap is known, so it is taken to be {show_time(until)}"
