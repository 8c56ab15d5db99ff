"""One account's changes, one group after another in the plan's order. The list is read and compared before anything."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby

from krakenctl.apply.session import Live, Session, end_all
from krakenctl.apply.steps import update, waves
from krakenctl.apply.steps.foreign import refuse_foreign
from krakenctl.apply.steps.handover import in_turn
from krakenctl.apply.steps.precondition import moved
from krakenctl.apply.steps.revoke import revoke
from krakenctl.apply.work import Work
from krakenctl.errors import KrakenctlError, PlanStale, SafetyStop
from krakenctl.model.plan import Action, Change, Verb

_HANDLERS: dict[Action, Callable[[Session, Sequence[Work]], None]] = {
    Action.FORGET: update.forget,
    Action.UPDATE: update.update,
    Action.CREATE: waves.issue,
    Action.REPLACE: waves.issue,
    Action.ROTATE: waves.issue,
    Action.REVOKE: revoke,
}


def run(session: Session, works: Sequence[Work]) -> None:
    """Take the works to their ends. Never raises an error of ours: it ends the works it concerns."""
    session.stopped = session.ports.halt.reason
    if session.stopped or session.ports.interrupted():
        session.skip(works)
        return
    try:
        _same_account(session)
        live = session.list()
        session.ports.state.check()  # what has moved may be the deed of whoever took over from us
        session.unlearn_limit()
    except KrakenctlError as problem:
        end_all(works, problem)
        return
    _verify_preconditions(works, live)
    _verify_places(session, works)
    _verify_attended(session, works)
    for handler, group in groupby(in_turn(session, works), key=lambda work: _HANDLERS[work.change.action]):
        if not session.stopped:
            handler(session, list(group))
    session.skip(works)


def _same_account(session: Session) -> None:
    """The credential may have been exchanged since the plan was made."""
    seen, planned = session.surface.iiban(), session.account.iiban
    if planned and seen and seen != planned:
        raise SafetyStop(
            f"the credential of {session.account.name} opens {seen}, but the plan is for {planned}; nothing was done",
            hint="correct the credential, or the pin in the manifest, and plan again",
        )


def _verify_preconditions(works: Iterable[Work], live: Live) -> None:
    for work in works:
        if work.change.old is not None and (difference := moved(work.change.old, live)):
            work.fail(PlanStale(f"{difference}; nothing was done", hint="plan again"))
        elif name := _taken(work.change, live):
            message = f"a key named {name} is there since the plan was made; nothing was done"
            work.fail(PlanStale(message, hint="plan again"))


def _verify_places(session: Session, works: Iterable[Work]) -> None:
    """Before the first deed: where the old key goes first, it would be gone in vain."""
    for work in works:
        place = work.change.secret
        if work.open and work.change.strategy is not None and place is not None:
            try:
                refuse_foreign(session.ports.store(place.store), place, session.lineage, session.places)
            except KrakenctlError as problem:
                work.fail(problem)


def _verify_attended(session: Session, works: Iterable[Work]) -> None:
    """Nothing is begun, and no number burned, where nobody is there to do what only a person can."""
    for work in works:
        for step in work.change.steps:
            if work.open and step.verb in (Verb.ISSUE, Verb.UPDATE, Verb.REVOKE):
                try:
                    session.surface.ready(step.verb, step.name)
                except KrakenctlError as problem:
                    work.fail(problem)


def _taken(change: Change, live: Live) -> str:
    """The name to be issued, if somebody has it: what bears it later was made by us, and nothing else proves that."""
    return change.new.name if change.strategy is not None and change.new and change.new.name in live else ""
