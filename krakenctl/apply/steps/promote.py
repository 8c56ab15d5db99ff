"""Steps 6 and 7 of the eight: a new key that is what was declared, to the bit, becomes the one in use."""

from __future__ import annotations

from dataclasses import replace

from krakenctl.apply.session import Session
from krakenctl.apply.steps.examine import examine
from krakenctl.apply.steps.takeback import take_back
from krakenctl.apply.work import KeptKey, Work
from krakenctl.errors import SecretGone, StoreError
from krakenctl.model.desired import SecretRef
from krakenctl.model.journal import ACCEPTED, Stage, Verdict, counted_from
from krakenctl.model.key import KeySpec, LiveKey
from krakenctl.model.plan import NewKey, Verb
from krakenctl.model.recorded import RecordedKey


def check_and_promote(session: Session, work: Work, new: NewKey, secret: SecretRef, listed: LiveKey | None) -> None:
    kept, sent = work.kept, work.intent.sent if work.intent else None
    if kept is None or sent is None:
        return
    with work.step(Verb.CHECK, new.name) as leave:
        leave()
        work.verdict = examine(session, work, new.name, kept, sent, listed=listed)
        with work.telling(message=work.verdict if Verdict.parse(work.verdict).told else "") as deeds:
            session.advance(work, new.name, Stage.CHECKED, work.verdict, deeds=deeds)
    if work.open:
        with work.step(Verb.PROMOTE, new.name) as leave:
            leave()
            _promote(session, work, new, secret, kept=work.kept or kept, sent=sent)


def _promote(session: Session, work: Work, new: NewKey, secret: SecretRef, *, kept: KeptKey, sent: KeySpec) -> None:
    change = work.change
    key = RecordedKey(
        address=change.address,
        live_name=new.name,
        generation=new.generation,
        created=kept.created,
        public_key=kept.public_key,
        spec=sent,
        secret=secret,
        issued=counted_from(new, sent, kept.created or session.ports.now()),
        trigger=change.trigger,
        protect=change.protect,
        nonce=change.nonce,
        unverified=_unverified(work.verdict),
    )
    _move(session, work, new.name, secret)
    session.places.promoted(secret, session.owner(new.name))
    with work.telling() as deeds:
        session.ports.state.promote(key, _retired(session, work), change.renamed_from, deeds=deeds)
    _end_earlier(session, key)


def _unverified(verdict: str) -> str:
    parsed = Verdict.parse(verdict)
    return parsed.told if parsed.kind == ACCEPTED else ""


def _move(session: Session, work: Work, name: str, secret: SecretRef) -> None:
    """A stopped run that woke in the middle of a write may have overwritten the secret: then nobody has it."""
    try:
        session.ports.store(secret.store).promote(secret.path, name)
    except SecretGone as problem:
        taken_back = take_back(session, work, name)
        raise StoreError(f"{problem.message}; {taken_back}", hint=work.way_on) from None


def _retired(session: Session, work: Work) -> RecordedKey | None:
    """The old key's record, kept until it is revoked. Without an overlap its time is up now."""
    change = work.change
    old = session.current(change)
    if old is None or change.old is None or old.live_name != change.old.name or change.gap:
        return None
    return replace(old, address=change.address, retired_until=session.ports.now() + change.overlap)


def _end_earlier(session: Session, key: RecordedKey) -> None:
    """Promotions before this one whose old key is still there: it is recorded as replaced."""
    for intent in session.memory.intents.values():
        if (intent.address, intent.stage) == (key.address, Stage.PROMOTED) and intent.live_name != key.live_name:
            session.ports.state.finish(intent.address, intent.live_name)
