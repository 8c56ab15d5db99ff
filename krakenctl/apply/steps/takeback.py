"""A new key that only this run has seen is revoked again: it is wrong, nobody has its secret, or it may not be."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from krakenctl.apply.grants import renewed
from krakenctl.apply.session import Session
from krakenctl.apply.work import Work
from krakenctl.errors import Contained, ExchangeError, KrakenctlError, NeedsPerson, StoreError
from krakenctl.model.human import Mistaken, Revocation
from krakenctl.model.journal import MISMATCH, MISTAKEN, Stage, Verdict
from krakenctl.model.plan import Verb
from krakenctl.state.base import Told
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
    is_proved = revocation is Revocation.PROVED
    work.did(Verb.REVOKE, name, "it was taken back" if is_proved else hearsay(session))
    with suppress(StoreError, Contained):  # then it stays in the journal, and the next run sees to the rest
        forget(session, work, name, proved=is_proved)
    return "the new key was revoked at once" if is_proved else f"the new key is {hearsay(session)}"


def _is_gone(session: Session, name: str) -> bool:
    """The kill switch may have been quicker. It stays in the journal all the same: a list may lag behind.

    Where a key shows by its pair alone, that it does not show proves nothing.
    """
    if session.account.traits.proved_by_pair:
        return False
    try:
        return all(live.name != name for live in session.surface.list_keys().keys)
    except ExchangeError:
        return False


def hearsay(session: Session) -> str:
    """Of a key whose end nothing proves."""
    return f"said to be deleted by {session.ports.run.who}, which nothing proves"


def forget(session: Session, work: Work, name: str, *, proved: bool, seen: Mistaken | None = None) -> None:
    """Its secret goes first, so that none outlives its record; and where its consumer is owed one, that comes next.

    Not `proved`: that it is said to be deleted is written down before, so that every plan tells of it. `seen`: as it
    told of itself.
    """
    told = "" if proved else doubt(session, work, name, seen)
    if secret := work.change.secret:
        session.ports.store(secret.store).remove(secret.path, Slot.PENDING)
        session.places.emptied(secret, Slot.PENDING)
    work.kept = None
    if work.intent is not None and work.change.gap:
        owed = renewed(work.intent, {}, session.names)
        session.ports.state.begin(owed)
        work.change, work.intent = owed.change, owed
    with work.telling_rest() as deeds:
        let_go(session, work, name, told, deeds)


def doubt(session: Session, work: Work, name: str, seen: Mistaken | None = None) -> str:
    """The verdict that the journal has of it from now on. With its own end, where that was seen, the warning ends."""
    verdict = str(Verdict(MISTAKEN, hearsay(session) + (_where(session, name, seen) if seen else "")))
    with work.telling_rest() as deeds:
        if work.intent is not None and seen is not None:
            work.intent = replace(work.intent, sent=seen.live.spec, verdict=verdict)
            session.ports.state.begin(work.intent, deeds=deeds)
        else:
            session.advance(work, name, work.intent.stage if work.intent else Stage.BEGUN, verdict, deeds=deeds)
    return verdict


def _where(session: Session, name: str, seen: Mistaken) -> str:
    """Whoever looks for it has to know; empty: where it belongs, and as it was to be called."""
    called = f"; Kraken calls it “{seen.live.name}”" if seen.live.name != name else ""
    is_here = seen.iiban in ("", session.account.iiban)
    return called if is_here else f"{called}; it belongs to the account {seen.iiban}"


def let_go(session: Session, work: Work, name: str, told: str, deeds: Sequence[Told]) -> None:
    """Ends the intent of a new key: forgotten where `told` is empty, for then its end is proved; else looked out for,
    under what `doubt` has said of it."""
    if told:
        session.ports.state.advance(work.change.address, name, Stage.LOST, told, deeds=deeds)
    else:
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
