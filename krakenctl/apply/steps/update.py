"""Fields that can be edited in place, and what is only our memory: the key and its secret stay."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from krakenctl.apply.session import Session, finish
from krakenctl.apply.steps import check
from krakenctl.apply.steps.mend import doubted
from krakenctl.apply.work import Work
from krakenctl.errors import AnswerLost, ExchangeError, LeaseLost, NeedsPerson, Refused, StateError
from krakenctl.model.journal import ACCEPTED, Verdict
from krakenctl.model.key import LiveKey
from krakenctl.model.outcome import Result
from krakenctl.model.plan import Change, NewKey, Verb
from krakenctl.model.recorded import Given
from krakenctl.state.base import Told


def forget(session: Session, works: Sequence[Work]) -> None:
    for work in session.each(works):
        with work.step(Verb.FORGET, work.change.steps[0].name) as leave:
            leave()
            with work.telling() as deeds:
                session.ports.state.forget(work.change.address, _given(work.change), deeds=deeds)
    finish(works)


def _given(change: Change) -> Given | None:
    """The key that lives on, as the plan saw it; None: there is none any more."""
    old = change.old
    return None if old is None else Given(address=change.address, live_name=old.name, created=old.created)


def update(session: Session, works: Sequence[Work]) -> None:
    """All updates, then one list to read every one of them back; or that for each, one after another."""
    for group in [[work] for work in works] if session.account.traits.one_by_one else [works]:
        _update_all(session, group)


def _update_all(session: Session, works: Sequence[Work]) -> None:
    for work in session.each(works):
        if new := work.change.new:
            _update(session, work, new)
    sent = [work for work in works if work.open and work.done]
    live = session.list_for(sent)
    for work in sent:
        if work.open and (new := work.change.new):
            with work.step(Verb.CHECK, new.name) as leave:
                leave()
                _settle(session, work, new, live.get(new.name))
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
    except (Refused, NeedsPerson):
        session.ports.state.finish(work.change.address, new.name)
        raise


def _settle(session: Session, work: Work, new: NewKey, live: LiveKey | None) -> None:
    """Remembered if it is as asked; either way nothing is under way any more."""
    try:
        live = _put_right(session, new, live)
        unseen = _accepted(session, new)
    except NeedsPerson:
        session.ports.state.finish(work.change.address, new.name)
        raise
    if unseen or _matches(new, live):
        with work.telling(message=str(Verdict(ACCEPTED, unseen)) if unseen else "") as deeds:
            remember(session, work.change, new, ends=new.name, deeds=deeds, unverified=unseen)
        return
    with work.telling_rest() as deeds:
        session.ports.state.finish(work.change.address, new.name, deeds=deeds)
    _must_match(new, live)


def _put_right(session: Session, new: NewKey, live: LiveKey | None) -> LiveKey | None:
    """As it is once somebody has done what they were told, where that is how it is done."""
    while live is not None and _is_mended(session, new, live):
        live = session.list().get(new.name)
    return live


def _is_mended(session: Session, new: NewKey, live: LiveKey) -> bool:
    """Whether somebody has seen to what is wrong, or may be. Raises NeedsPerson if they stop at what is wrong."""
    aside, wrong = session.aside(new.name), check.differences(new.spec, live.spec)
    if aside.unasked:
        return aside.doubtful and doubted(session, new.name, new.spec, aside.unasked) is not None
    return bool(wrong) and session.surface.amend(new.name, new.spec, wrong) is not None


def _accepted(session: Session, new: NewKey) -> str:
    """The reason for which somebody answers for what cannot be read back; empty: it was."""
    why = session.aside(new.name).unasked
    if not why:
        return ""
    try:
        reason = session.surface.accept(new.name, new.spec, why)
    except NeedsPerson as problem:
        message = f"whether {new.name} was changed as asked cannot be seen from here: {why}"
        hint = "if it was, `krakenctl apply --accept-unverified REASON` puts that on the record"
        raise NeedsPerson(message, hint=hint) from problem
    session.ports.say(f"{new.name} is taken unseen: {reason}")
    return reason


def _move(session: Session, work: Work, new: NewKey) -> None:
    try:
        work.journal.begun(work.change)
        told = work.journal.remembered(work.change, new.name)
        remember(session, work.change, new, deeds=[told, work.journal.ended(work.change)])
    except (StateError, LeaseLost) as problem:
        work.fail(problem)
    work.end(Result.DONE)


def remember(
    session: Session, change: Change, new: NewKey, *, ends: str = "", deeds: Sequence[Told] = (), unverified: str = ""
) -> None:
    """`ends`: the live name of the intent that is over with this. `unverified`: why nobody had to look."""
    record = session.current(change)
    if record is None:
        session.ports.state.finish(change.address, ends, deeds=deeds)
        return
    moved = replace(record, address=change.address, spec=new.spec, trigger=change.trigger, protect=change.protect)
    moved = replace(moved, nonce=change.nonce, unverified=unverified or ("" if ends else record.unverified))
    session.ports.state.update(moved, change.renamed_from, ends=ends, deeds=deeds)


def _matches(new: NewKey, live: LiveKey | None) -> bool:
    return live is not None and not check.differences(new.spec, live.spec)


def _must_match(new: NewKey, live: LiveKey | None) -> None:
    if live is None:
        raise ExchangeError(f"{new.name} is gone from the account's list after its update")
    if wrong := check.differences(new.spec, live.spec):
        message = f"the exchange did not set {new.name} as asked: {'; '.join(wrong)}"
        raise ExchangeError(message, hint="plan again to see how it stands")
