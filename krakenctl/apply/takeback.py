"""A new key that only this run has seen is revoked again: it is wrong, nobody has its secret, or it may not be."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from krakenctl.apply.grants import renewed
from krakenctl.apply.session import Session
from krakenctl.apply.work import Work
from krakenctl.errors import Contained, ExchangeError, KrakenctlError, NeedsPerson, StoreError
from krakenctl.model.human import Revocation
from krakenctl.model.journal import MISMATCH, Stage
from krakenctl.model.plan import Verb
from krakenctl.stores.base import Slot


def take_back(session: Session, work: Work, name: str) -> str:
    """Says what came of it. Raises StateError.

    That it has to go is written down first: else a run that finds it gone could not tell by whom.
    """
    with work.telling_rest() as deeds:
        session.advance(work, name, work.intent.stage if work.intent else Stage.BEGUN, MISMATCH, deeds=deeds)
    try:
        revocation = session.surface.revoke(name)
    except NeedsPerson as problem:
        return f"nobody has deleted it on the website ({problem.message}); the next run asks for that"
    except ExchangeError as problem:
        if _is_gone(session, name):
            return "it is gone from the account already"
        return f"it could not be revoked either ({problem.message}); the next run sees to it"
    work.did(Verb.REVOKE, name, "it was taken back")
    with suppress(StoreError, Contained):  # then it stays in the journal, and the next run sees to the rest
        _forget(session, work, name)
    if revocation is Revocation.CLAIMED:
        return "the new key is said to be deleted, which nothing proves"
    return "the new key was revoked at once"


def _is_gone(session: Session, name: str) -> bool:
    """The kill switch may have been quicker. It stays in the journal all the same: a list may lag behind."""
    try:
        return all(live.name != name for live in session.surface.list_keys().keys)
    except ExchangeError:
        return False


def _forget(session: Session, work: Work, name: str) -> None:
    if secret := work.change.secret:
        session.ports.store(secret.store).remove(secret.path, Slot.PENDING)
    if work.change.gap and work.intent is not None:  # its consumer is still owed one
        session.ports.state.begin(renewed(work.intent, {}, session.names))
    with work.telling_rest() as deeds:
        session.ports.state.revoked(work.change.address, name, deeds=deeds)


def take_back_contained(session: Session, works: Sequence[Work]) -> None:
    """The kill switch was used while these keys were on their way: those that it was used on are not kept."""
    for work in works:
        waits = work.kept is not None and all(step.verb is not Verb.PROMOTE for step in work.done)
        if waits and work.change.new is not None and (problem := _contained(session, work)):
            with suppress(KrakenctlError):  # else it stays in the journal, and recovery takes it back
                taken_back = take_back(session, work, work.change.new.name)
                work.reopen()
                work.fail(Contained(f"{problem.message}; {taken_back}", hint=problem.hint))


def _contained(session: Session, work: Work) -> Contained | None:
    try:
        session.ports.state.check()
    except Contained as problem:
        ours = {str(work.change.address), str(work.change.renamed_from)}
        return None if ours.isdisjoint(problem.addresses) else problem
    except KrakenctlError:  # whoever has taken over sees to it
        return None
    return None
