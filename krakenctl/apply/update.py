"""Fields that can be edited in place, and what is only our memory: the key and its secret stay."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from krakenctl.apply import check
from krakenctl.apply.session import Live, Session, finish
from krakenctl.apply.work import Work
from krakenctl.errors import AnswerLost, ExchangeError, LeaseLost, Refused, StateError
from krakenctl.model.key import LiveKey
from krakenctl.model.outcome import Result
from krakenctl.model.plan import Change, NewKey, Verb


def forget(session: Session, works: Sequence[Work]) -> None:
    for work in session.each(works):
        with work.step(Verb.FORGET, work.change.steps[0].name) as leave:
            leave()
            session.ports.state.forget(work.change.address)
    finish(works)


def update(session: Session, works: Sequence[Work]) -> None:
    """All updates, then one list to read every one of them back."""
    for work in session.each(works):
        if new := work.change.new:
            _update(session, work, new)
    sent = [work for work in works if work.open and work.done]
    live = session.list_for(sent)
    for work in sent:
        if work.open and (new := work.change.new):
            with work.step(Verb.CHECK, new.name) as leave:
                leave()
                _settle(session, work, new, live)
    finish(works)


def _update(session: Session, work: Work, new: NewKey) -> None:
    if not work.change.steps:  # only the key's address changes
        _move(session, work, new)
        return
    with work.step(Verb.UPDATE, new.name) as leave:
        leave()
        session.ports.state.begin(session.intent(work.change))
        _send(session, work, new)


def _send(session: Session, work: Work, new: NewKey) -> None:
    try:
        with suppress(AnswerLost):  # the list that follows knows what was done
            session.surface.update(new.name, new.spec)
    except Refused:
        session.ports.state.finish(work.change.address, new.name)
        raise


def _settle(session: Session, work: Work, new: NewKey, live: Live) -> None:
    """Remembered if it is as asked; either way nothing is under way any more."""
    if _matches(new, live.get(new.name)):
        remember(session, work.change, new)
    session.ports.state.finish(work.change.address, new.name)
    _must_match(new, live.get(new.name))


def _move(session: Session, work: Work, new: NewKey) -> None:
    try:
        work.journal.begun(work.change)
        remember(session, work.change, new)
        work.journal.remembered(work.change, new.name)
    except (StateError, LeaseLost) as problem:
        work.fail(problem)
    work.end(Result.DONE)


def remember(session: Session, change: Change, new: NewKey) -> None:
    record = session.current(change)
    if record is None:
        return
    moved = replace(record, address=change.address, spec=new.spec, trigger=change.trigger, protect=change.protect)
    session.ports.state.update(moved, change.renamed_from)


def _matches(new: NewKey, live: LiveKey | None) -> bool:
    return live is not None and not check.differences(new.spec, live.spec)


def _must_match(new: NewKey, live: LiveKey | None) -> None:
    if live is None:
        raise ExchangeError(f"{new.name} is gone from the account's list after its update")
    if wrong := check.differences(new.spec, live.spec):
        message = f"the exchange did not set {new.name} as asked: {'; '.join(wrong)}"
        raise ExchangeError(message, hint="plan again to see how it stands")
