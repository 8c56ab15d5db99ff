"""New keys, as many at once as there is room for: issue all, check and promote all, then retire or revoke the old."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from krakenctl.apply.session import Live, Session, finish
from krakenctl.apply.steps.handover import refuse_early
from krakenctl.apply.steps.issue import issue_and_store
from krakenctl.apply.steps.promote import check_and_promote
from krakenctl.apply.steps.revoke import revoke_old
from krakenctl.apply.steps.takeback import take_back_contained
from krakenctl.apply.work import Work
from krakenctl.errors import AnswerLost, TooManyKeys
from krakenctl.model.desired import SecretRef
from krakenctl.model.plan import Change, NewKey, OldKey, Strategy, Verb
from krakenctl.model.recorded import keys_limit


def issue(session: Session, works: Sequence[Work]) -> None:
    """Revoke-first ones go one by one, to keep the gap short; the others in waves."""
    for work in session.each(works):
        if work.change.strategy is Strategy.REVOKE_FIRST:
            revoke_old(session, [work])
            wave(session, [work])
    while waiting := [work for work in works if work.open]:
        if session.stopped or session.ports.interrupted() or not wave(session, waiting[: _size(session)]):
            return


def _size(session: Session) -> int | None:
    return 1 if session.account.traits.one_by_one else _room(session)


def _room(session: Session) -> int | None:
    """How many more keys the account takes; None: nobody declared it. At least one: Kraken itself knows best."""
    limit = keys_limit(session.account.keys_limit, session.memory.limit, session.count)
    return None if limit is None else max(limit - session.count, 1)


def wave(session: Session, works: Sequence[Work]) -> bool:
    """One wave to its end. False: nothing came of it, so another would not help either."""
    issued = _issue(session, works)
    complete(session, issued, session.list_for(issued))
    return any(not work.open for work in works)


def complete(session: Session, works: Sequence[Work], live: Live) -> None:
    """Everything after the secret is stored; or after the promotion, for those that an earlier run had promoted."""
    for work in works:
        if work.open and (parts := _parts(work)):
            check_and_promote(session, work, *parts, live.get(parts[0].name))
    take_back_contained(session, works)
    _retire(session, [work for work in works if work.open and work.change.overlap])
    replaced = [work for work in works if work.open and work.change.old]
    revoke_old(session, [work for work in replaced if not work.change.overlap and not work.change.gap])
    finish(works)


def _issue(session: Session, wave: Sequence[Work]) -> list[Work]:
    """Those that got a key. When Kraken says “too many”, the rest waits until this wave has made room."""
    issued: list[Work] = []
    for work in session.each(wave, interruptible=not wave[0].change.gap):
        if parts := _parts(work):
            issue_and_store(session, work, *parts)
        if isinstance(work.problem, TooManyKeys):
            session.learn_limit()
            if any(other.open and other.change.old for other in issued):
                work.reopen()
                return issued
        issued.append(work)
    return issued


def _retire(session: Session, works: Sequence[Work]) -> None:
    """The old key gets an end on the exchange too, so that it ends even if nobody runs krakenctl again."""
    for work in session.each(works, interruptible=False):
        if old := work.change.old:
            with work.step(Verb.RETIRE, old.name) as leave:
                leave()
                refuse_early(session, work.change, old)
                if session.account.traits.ends_retired:
                    _set_end(session, work.change, old)
                with work.telling() as deeds:
                    name = work.change.new.name if work.change.new else ""
                    session.ports.state.finish(work.change.address, name, deeds=deeds)


def _set_end(session: Session, change: Change, old: OldKey) -> None:
    record = session.memory.by_name.get(old.name)  # retired already, where an earlier run came so far
    end = (record.retired_until if record else 0) or session.ports.now() + change.overlap
    if old.spec.valid_until and old.spec.valid_until <= end:
        return
    ended = replace(old.spec, valid_until=end)
    try:
        session.surface.update(old.name, ended)
    except AnswerLost:  # to say it twice does no harm; an overlap without an end would
        session.surface.update(old.name, ended)


def _parts(work: Work) -> tuple[NewKey, SecretRef] | None:
    """Every issuing change has both; this tells the type checker so."""
    new, secret = work.change.new, work.change.secret
    return (new, secret) if new is not None and secret is not None else None
