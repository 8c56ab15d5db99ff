"""Revoking: only what the plan showed, only while it is still that key, and its secret goes with it."""

from __future__ import annotations

from collections.abc import Sequence

from krakenctl.apply.precondition import another_key
from krakenctl.apply.session import Live, Session, finish
from krakenctl.apply.undo import give_back
from krakenctl.apply.work import Work
from krakenctl.errors import AnswerLost, PlanStale
from krakenctl.model.plan import OldKey, Verb
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
            with work.step(Verb.REVOKE, old.name):
                if intent := session.memory.intents.get(old.name):
                    give_back(session, intent)
                _revoke(session, old, live)
                clear_slots(session, old.name)
                session.ports.state.revoked(work.change.address, old.name)


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
        store.remove(secret.path, slot)
        session.places.emptied(secret, slot)
    if session.places.unused(secret):  # what a key before it left behind
        store.remove(secret.path, Slot.PREVIOUS)
