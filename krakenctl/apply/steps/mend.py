"""A new key that is not what was declared: whoever made it puts it right or deletes it; else it is taken back."""

from __future__ import annotations

from dataclasses import replace

from krakenctl.apply.session import Session
from krakenctl.apply.steps.advice import MENDING
from krakenctl.apply.steps.issue import keep
from krakenctl.apply.steps.takeback import forget, hearsay, take_back
from krakenctl.apply.work import Work, joined
from krakenctl.errors import ExchangeError, KeyMismatch, NeedsPerson
from krakenctl.model.human import Mended, Mistaken, Revocation
from krakenctl.model.journal import MISTAKEN, WRONG, Intent, Stage, Verdict
from krakenctl.model.key import IssuedKey, KeyPair, KeySpec, LiveKey
from krakenctl.model.plan import Verb


def put_right(session: Session, work: Work, name: str, sent: KeySpec, wrong: tuple[str, ...]) -> LiveKey:
    """As it is afterwards. Raises KeyMismatch once the wrong key is gone, or NeedsPerson once they stop.

    What is wrong is journalled first: whoever stops then, or dies, leaves a key that every later plan tells of.
    """
    told = "; ".join(wrong)
    if session.account.traits.mendable:
        with work.telling_rest() as deeds:
            session.advance(work, name, Stage.STORED, str(Verdict(WRONG, told)), deeds=deeds)
    try:
        session.surface.ready(Verb.CHECK, name)  # where nobody is there, all stays as it is
        mended = session.surface.amend(name, sent, wrong)
    except NeedsPerson as problem:
        message = f"{problem.message}: {name} was made, and is not as it was asked for: {told}"
        raise NeedsPerson(message, hint=joined(MENDING, work.owed)) from None
    if mended is None:
        raise mismatch(session, work, name, wrong)
    return _as_mended(session, work, name, sent, mended)


def given_again(session: Session, work: Work, name: str, sent: KeySpec, why: str) -> LiveKey | None:
    """What may only have been mistyped is asked for again. The key as it shows then; None: nobody has more to say."""
    mended = doubted(session, name, sent, why)
    return None if mended is None else _as_mended(session, work, name, sent, mended)


def doubted(session: Session, name: str, sent: KeySpec, why: str) -> Mended | None:
    """What cannot be seen from here may only have been mistyped: that is asked before anybody's word is taken."""
    try:
        session.surface.ready(Verb.CHECK, name)
        return session.surface.amend(name, sent, (why,))
    except NeedsPerson:
        return None


def _as_mended(session: Session, work: Work, name: str, sent: KeySpec, mended: Mended) -> LiveKey:
    """As it shows now: another pair is kept first. Raises NeedsPerson once it is deleted."""
    _see_to(session, work, name, mended)
    if mended.pair is not None:
        keep_other(session, work, name, sent, mended.pair)
    return _seen_again(session, name)


def unkept(session: Session, work: Work, name: str, mended: Mended) -> LiveKey:
    """As it shows once it is mended, with what is kept untouched: another pair is only looked at."""
    _see_to(session, work, name, mended)
    return _seen_again(session, name)


def _see_to(session: Session, work: Work, name: str, mended: Mended) -> None:
    if mended.deleted is not None:
        raise _deleted(session, work, name, mended)
    if mended.mistaken is not None and work.intent is not None:
        _tell_of(session, work, work.intent, mended.mistaken)


def mismatch(session: Session, work: Work, name: str, wrong: tuple[str, ...]) -> KeyMismatch:
    """To be raised: the key is taken back already."""
    taken_back = take_back(session, work, name)
    return KeyMismatch(
        f"the exchange issued {name} differently from what was declared: {'; '.join(wrong)}; {taken_back}",
        hint=joined(work.way_on, "tell Kraken if it happens again"),
    )


def _deleted(session: Session, work: Work, name: str, mended: Mended) -> NeedsPerson:
    """The wrong key is no more, or so they say: its name is burned, and the next one is asked for by the next run."""
    is_proved = mended.deleted is Revocation.PROVED
    told = "deleted, as its own pair proves" if is_proved else hearsay(session)
    work.did(Verb.REVOKE, name, f"is {told}")
    forget(session, work, name, proved=is_proved, seen=mended.mistaken)
    named = "" if is_proved else f"each plan names {name} until you have looked whether it is gone"
    hint = joined(f"{work.again}: it asks for the next one", named, work.owed)
    return NeedsPerson(f"{name} is {told}", hint=hint)


def keep_other(session: Session, work: Work, name: str, sent: KeySpec, pair: KeyPair) -> None:
    """They have typed in another pair."""
    if work.change.new is not None and work.change.secret is not None:
        live = LiveKey(name=name, spec=sent, created=0, public_key=pair.public_key)
        issued = IssuedKey(live=live, public_key=pair.public_key, secret=pair.secret)
        keep(session, work, issued, work.change.new, work.change.secret)
        with work.telling_rest() as deeds:
            session.advance(work, name, Stage.STORED, public_key=issued.public_key, deeds=deeds)


def _tell_of(session: Session, work: Work, intent: Intent, mistaken: Mistaken) -> None:
    """Of a key that was made by mistake, before its pair is dropped: every plan tells of it, and of none that was there
    before."""
    live, new = mistaken.live, intent.change.new
    if new is None or (live.name != new.name and not intent.is_before(live)):
        return
    name = f"{live.name} on {mistaken.iiban or session.account.name}"
    session.ports.say(f"{name} was made by mistake, and still answers: delete it there. Each plan says so until then.")
    change = replace(intent.change, new=replace(new, name=name, spec=live.spec), secret=None, old=None, steps=())
    lost = replace(intent, change=change, stage=Stage.LOST, sent=live.spec, public_key=live.public_key)
    work.did(Verb.CHECK, name, "made by mistake, and not deleted")
    with work.telling_rest() as deeds:
        session.ports.state.begin(replace(lost, verdict=MISTAKEN), deeds=deeds)


def _seen_again(session: Session, name: str) -> LiveKey:
    if (seen := session.list().get(name)) is None:
        message = f"the new key {name} is gone again; its secret stays in pending"
        raise ExchangeError(message, hint="run apply again")
    return seen
