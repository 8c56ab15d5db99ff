"""A new key that is not what was declared: whoever made it puts it right or deletes it; else it is taken back."""

from __future__ import annotations

from krakenctl.apply.decide import MENDING
from krakenctl.apply.grants import renewed
from krakenctl.apply.issue import keep
from krakenctl.apply.session import Session
from krakenctl.apply.takeback import take_back
from krakenctl.apply.work import UNTOUCHED, Work, joined
from krakenctl.errors import ExchangeError, KeyMismatch, NeedsPerson
from krakenctl.model.human import Revocation
from krakenctl.model.journal import WRONG, Stage, Verdict
from krakenctl.model.key import IssuedKey, KeyPair, KeySpec, LiveKey
from krakenctl.model.plan import Verb
from krakenctl.stores.base import Slot


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
    if mended.deleted is not None:
        raise _deleted(session, work, name, mended.deleted)
    if mended.pair is not None:
        _keep_other(session, work, name, sent, mended.pair)
    return _seen_again(session, name)


def given_again(session: Session, work: Work, name: str, sent: KeySpec, why: str) -> LiveKey | None:
    """One that cannot be asked from here may only have been mistyped. None: nobody has more to say of it."""
    try:
        session.surface.ready(Verb.CHECK, name)
        mended = session.surface.amend(name, sent, (why,))
    except NeedsPerson:
        return None
    if mended is None:
        return None
    if mended.deleted is not None:
        raise _deleted(session, work, name, mended.deleted)
    if mended.pair is not None:
        _keep_other(session, work, name, sent, mended.pair)
    return _seen_again(session, name)


def mismatch(session: Session, work: Work, name: str, wrong: tuple[str, ...]) -> KeyMismatch:
    """To be raised: the key is taken back already."""
    taken_back = take_back(session, work, name)
    return KeyMismatch(
        f"the exchange issued {name} differently from what was declared: {'; '.join(wrong)}; {taken_back}",
        hint=joined(work.owed or UNTOUCHED, "tell Kraken if it happens again"),
    )


def _deleted(session: Session, work: Work, name: str, revocation: Revocation) -> NeedsPerson:
    """The wrong key is no more: its name is burned, and the next one is asked for by the next run."""
    is_proved = revocation is Revocation.PROVED
    told = "is deleted, as its own pair proves" if is_proved else "is said to be deleted, which nothing proves"
    work.did(Verb.REVOKE, name, told)
    if secret := work.change.secret:
        session.ports.store(secret.store).remove(secret.path, Slot.PENDING)
        session.places.emptied(secret, Slot.PENDING)
    work.kept = None
    if work.intent is not None and work.change.gap:
        owed = renewed(work.intent, {}, session.names)
        work.change, work.intent = owed.change, owed
        session.ports.state.begin(owed)
    with work.telling_rest() as deeds:
        session.ports.state.finish(work.change.address, name, deeds=deeds)
    hint = joined("run apply again: it asks for the next one", work.owed)
    return NeedsPerson(f"{name} {told}", hint=hint)


def _keep_other(session: Session, work: Work, name: str, sent: KeySpec, pair: KeyPair) -> None:
    """They have typed in another pair."""
    if work.change.new is not None and work.change.secret is not None:
        live = LiveKey(name=name, spec=sent, created=0, public_key=pair.public_key)
        issued = IssuedKey(live=live, public_key=pair.public_key, secret=pair.secret)
        keep(session, work, issued, work.change.new, work.change.secret)
        with work.telling_rest() as deeds:
            session.advance(work, name, Stage.STORED, public_key=issued.public_key, deeds=deeds)


def _seen_again(session: Session, name: str) -> LiveKey:
    if (seen := session.list().get(name)) is None:
        message = f"the new key {name} is gone again; its secret stays in pending"
        raise ExchangeError(message, hint="run apply again")
    return seen
