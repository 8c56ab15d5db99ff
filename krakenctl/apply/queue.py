"""One account's changes, one group after another in the plan's order. The list is read and compared before anything."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby

from krakenctl.apply import update, waves
from krakenctl.apply.precondition import moved
from krakenctl.apply.revoke import revoke
from krakenctl.apply.session import Live, Session, end_all
from krakenctl.apply.work import Work
from krakenctl.errors import KrakenctlError, PlanStale, SafetyStop
from krakenctl.model.plan import Action

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
    if session.ports.interrupted():
        session.skip(works)
        return
    try:
        _same_account(session)
        live = session.list()
    except KrakenctlError as problem:
        end_all(works, problem)
        return
    _verify_preconditions(works, live)
    for handler, group in groupby(works, key=lambda work: _HANDLERS[work.change.action]):
        if not session.stopped:
            handler(session, list(group))
    session.skip(works)


def _same_account(session: Session) -> None:
    """The credential may have been exchanged since the plan was made."""
    seen, planned = session.surface.iiban(), session.account.iiban
    if planned and seen != planned:
        raise SafetyStop(
            f"the credential of {session.account.name} opens {seen}, but the plan is for {planned}; nothing was done",
            hint="correct the credential, or the pin in the manifest, and plan again",
        )


def _verify_preconditions(works: Iterable[Work], live: Live) -> None:
    for work in works:
        if work.change.old is not None and (difference := moved(work.change.old, live)):
            work.fail(PlanStale(f"{difference}; nothing was done", hint="plan again"))
