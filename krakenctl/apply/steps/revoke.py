"""Revoking: only what a plan showed, only while it is still that key, and its secret goes with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from krakenctl.apply.session import Live, Session, finish
from krakenctl.apply.steps.foreign import empty
from krakenctl.apply.steps.handover import refuse_early
from krakenctl.apply.steps.precondition import another_key
from krakenctl.apply.steps.takeback import doubt, hearsay, let_go
from krakenctl.apply.work import Work
from krakenctl.errors import AnswerLost, PlanStale
from krakenctl.model.human import Mistaken, Revocation
from krakenctl.model.journal import Stage
from krakenctl.model.key import LiveKey
from krakenctl.model.plan import Action, Change, OldKey, Verb
from krakenctl.model.recorded import RecordedKey
from krakenctl.stores.base import Slot


def revoke(session: Session, works: Sequence[Work]) -> None:
    """Keys that get no successor."""
    if not session.ports.interrupted():
        revoke_old(session, works, interruptible=True)
    finish(works)


def revoke_old(session: Session, works: Sequence[Work], *, interruptible: bool = False) -> None:
    """The old key of each work, after one more look at the list. What has begun to be replaced is not interrupted."""
    if session.stopped:
        return
    live = session.list_for(works)
    for work in session.each(works, interruptible=interruptible):
        if old := work.change.old:
            with work.step(Verb.REVOKE, old.name) as leave:
                leave()
                if old.name in live:
                    refuse_early(session, work.change, old)
                _begin(session, work, old)
                revocation, record = _revoke(session, work, old, live), session.memory.by_name.get(old.name)
                if revocation is not Revocation.PROVED and record is not None:
                    _claim(session, work, record, unheard=revocation is Revocation.UNHEARD)
                    _go_on(session, work)
                elif revocation is not Revocation.PROVED:
                    _doubt(session, work, live[old.name])
                else:
                    _go_on(session, work)
                    _forget(session, work, old, found=old.name not in live)


def _go_on(session: Session, work: Work) -> None:
    """From here there is no way back. What is only claimed is recorded as that before, or recovery would forget it."""
    if work.change.gap and work.intent is not None:
        session.ports.state.advance(work.change.address, work.intent.live_name, Stage.REVOKED)
        work.intent = replace(work.intent, stage=Stage.REVOKED)


def _forget(session: Session, work: Work, old: OldKey, *, found: bool) -> None:
    """Its secret goes first, so that none outlives its record. Where it was the proof, that is written down by now."""
    clear_slots(session, old.name)
    with work.telling(found=found) as deeds:
        session.ports.state.revoked(work.change.address, old.name, ends=_ends(work.change), deeds=deeds)


def _claim(session: Session, work: Work, record: RecordedKey, *, unheard: bool) -> None:
    """A person says so, and nothing proves it: it is recorded as that, and its secret kept for the proof.

    `unheard`: by anybody right before.
    """
    now, who, change = session.ports.now(), session.ports.run.who, work.change
    told = f"claimed by {who} to be revoked, and not proved"
    retired = record.retired_until or now
    claimed = replace(record, retired_until=retired, claimed_by=who, claimed_at=now, unheard=unheard)
    ends = record.live_name if change.action is Action.REVOKE else _ends(change)
    work.note = f"{record.live_name} is {told}"
    with work.telling(message=told) as deeds:
        session.ports.state.update(replace(claimed, address=change.address), ends=ends, deeds=deeds)


def _doubt(session: Session, work: Work, live: LiveKey) -> None:
    """A person says that a new key is deleted, and nothing proves it. It was never recorded, and its secret goes: plans
    tell of it instead."""
    told = doubt(session, work, live.name, Mistaken(live, iiban=""))
    clear_slots(session, live.name)
    with work.telling(message=hearsay(session)) as deeds:
        let_go(session, work, live.name, told, deeds)


def _ends(change: Change) -> str:
    """The intent whose last step it is to revoke the old key, where that is not the key's own."""
    return change.new.name if change.new is not None and not change.gap else ""


def _begin(session: Session, work: Work, old: OldKey) -> None:
    """Where the revoke is the first deed of its change. What an earlier run has begun is journalled already.

    (But for a key that it promoted: that intent is about the one before it.)
    """
    begins = work.change.action is Action.REVOKE or work.change.gap
    earlier = session.memory.intents.get(old.name)
    if begins and work.intent is None and (earlier is None or earlier.stage is Stage.PROMOTED):
        work.intent = session.intent(work.change)
        session.ports.state.begin(work.intent)


def _revoke(session: Session, work: Work, old: OldKey, live: Live) -> Revocation:
    if old.name not in live:  # somebody was quicker
        return Revocation.PROVED
    if stranger := another_key(old, live):
        raise PlanStale(f"{stranger}; it was not revoked", hint="plan again")
    revocation = _surely(session, old.name)
    session.count -= 1
    if revocation is not Revocation.PROVED:
        work.note = f"{old.name} is said to be deleted, which nothing proves"
    return revocation


def _surely(session: Session, name: str) -> Revocation:
    """When the answer is lost the list knows. Revoking twice would do no harm; not knowing would."""
    try:
        return session.surface.revoke(name)
    except AnswerLost:
        if name in session.list():
            raise
        return Revocation.PROVED


def clear_slots(session: Session, name: str) -> None:
    """The secret of a dead key is of no use to anybody. Only its own slots: another key may use the same path now."""
    secret = session.secret_of(name)
    if secret is None:
        return
    store = session.ports.store(secret.store)
    for slot in session.places.of_owner(secret, session.owner(name)):
        empty(store, secret.path, slot, lineage=session.lineage, name=name)
        session.places.emptied(secret, slot)
    if session.places.unused(secret):  # what a key before it left behind
        empty(store, secret.path, Slot.PREVIOUS, lineage=session.lineage)
