"""Revoking: only what the plan showed, only while it is still that key, and its secret goes with it."""

from __future__ import annotations

from collections.abc import Sequence

from krakenctl.apply.precondition import another_key
from krakenctl.apply.session import Live, Session, finish
from krakenctl.apply.work import Work
from krakenctl.errors import AnswerLost, PlanStale
from krakenctl.model.desired import SecretRef
from krakenctl.model.plan import Change, OldKey, Verb
from krakenctl.stores.base import Slot


def revoke(session: Session, works: Sequence[Work]) -> None:
    """Keys that get no successor."""
    revoke_old(session, list(session.each(works)))
    finish(works)


def revoke_old(session: Session, works: Sequence[Work]) -> None:
    """The old key of each work, after one more look at the list."""
    live = session.list_for(works)
    for work in works:
        if work.open and (old := work.change.old):
            with work.step(Verb.REVOKE, old.name):
                _revoke(session, old, live)
                _clear_slots(session, work.change, old.name)
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


def _clear_slots(session: Session, change: Change, name: str) -> None:
    """The secret of a dead key is of no use to anybody."""
    secret = session.secret_of(name)
    if secret is None:
        return
    store = session.ports.store(secret.store)
    for slot in _slots(session, change, name, secret):
        store.remove(secret.path, slot)


def _slots(session: Session, change: Change, name: str, secret: SecretRef) -> tuple[Slot, ...]:
    """Where the secret of that key lies now."""
    if name in session.memory.intents:
        return (Slot.PENDING,)
    if change.new is not None:  # replaced: in its own place it was pushed aside, unless the old one went first
        pushed_aside = change.secret == secret and not change.gap
        return (Slot.PREVIOUS,) if pushed_aside else (Slot.CURRENT,)
    successor = session.memory.current.get(change.address)
    if successor is not None and successor.live_name != name and successor.secret == secret:
        return (Slot.PREVIOUS,)
    return (Slot.CURRENT, Slot.PREVIOUS)
