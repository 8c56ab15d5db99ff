"""Revoking: only what a plan showed, only while it is still that key, and its secret goes with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from krakenctl.apply.handover import refuse_early
from krakenctl.apply.precondition import another_key
from krakenctl.apply.session import Live, Session, finish
from krakenctl.apply.work import Work
from krakenctl.errors import AnswerLost, PlanStale, StoreError
from krakenctl.model.journal import Stage
from krakenctl.model.plan import Action, OldKey, Verb
from krakenctl.stores.base import Slot, Store


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
                _revoke(session, old, live)
                if work.change.gap and work.intent is not None:  # from here there is no way back
                    session.ports.state.advance(work.change.address, work.intent.live_name, Stage.REVOKED)
                    work.intent = replace(work.intent, stage=Stage.REVOKED)
                clear_slots(session, old.name)
                session.ports.state.revoked(work.change.address, old.name)


def _begin(session: Session, work: Work, old: OldKey) -> None:
    """Where the revoke is the first deed of its change. What an earlier run has begun is journalled already."""
    begins = work.change.action is Action.REVOKE or work.change.gap
    if begins and work.intent is None and old.name not in session.memory.intents:
        work.intent = session.intent(work.change)
        session.ports.state.begin(work.intent)


def _revoke(session: Session, old: OldKey, live: Live) -> None:
    if old.name not in live:  # somebody was quicker
        return
    if stranger := another_key(old, live):
        raise PlanStale(f"{stranger}; it was not revoked", hint="plan again")
    _surely(session, old.name)
    session.count -= 1


def _surely(session: Session, name: str) -> None:
    """When the answer is lost the list knows. Revoking twice would do no harm; not knowing would."""
    try:
        session.surface.revoke(name)
    except AnswerLost:
        if name in session.list():
            raise


def clear_slots(session: Session, name: str) -> None:
    """The secret of a dead key is of no use to anybody. Only its own slots: another key may use the same path now."""
    secret = session.secret_of(name)
    if secret is None:
        return
    store = session.ports.store(secret.store)
    for slot in session.places.of_owner(secret, session.owner(name)):
        if not _anothers(store, secret.path, slot, name):
            store.remove(secret.path, slot)
        session.places.emptied(secret, slot)
    if session.places.unused(secret):  # what a key before it left behind
        store.remove(secret.path, Slot.PREVIOUS)


def _anothers(store: Store, path: str, slot: Slot, name: str) -> bool:
    """Our records may be older than the store; where it can be read, it knows better."""
    try:
        entry = store.get(path, slot)
    except StoreError:
        return False
    return entry is not None and entry.live_name != name
