"""A key's one-time secret, from the intent to its slot: steps 2 to 5 of the eight.

1 the store is proved writable (executor) · 2 intent · 3 issue · 4 secret to pending · 5 stored · 6 check (examine) ·
7 pending → current (promote) · 8 the old key is retired or revoked (waves).
Between 3 and 4 the secret is only in this process: nothing else happens in between, and a failure there takes the
new key back.
"""

from __future__ import annotations

from dataclasses import replace

from krakenctl.apply.grants import renewed
from krakenctl.apply.patience import patiently
from krakenctl.apply.session import Session
from krakenctl.apply.steps.takeback import take_back
from krakenctl.apply.work import KeptKey, Work, joined
from krakenctl.errors import (
    AnswerLost,
    KrakenctlError,
    LockedOut,
    NeedsPerson,
    NonceRefused,
    NotAuthorised,
    PermissionDenied,
    RateLimited,
    Refused,
    StoreError,
    TooManyKeys,
)
from krakenctl.model.desired import SecretRef
from krakenctl.model.journal import Stage, dated
from krakenctl.model.key import IssuedKey, KeySpec
from krakenctl.model.plan import NewKey, Verb
from krakenctl.stores.base import Entry, Slot

_NOT_THE_NAME = (NotAuthorised, PermissionDenied, NonceRefused, LockedOut, TooManyKeys, RateLimited)


def issue_and_store(session: Session, work: Work, new: NewKey, secret: SecretRef) -> None:
    """Whatever goes wrong, no live key is left behind whose name is not journalled."""
    _issue_and_store(session, work, new, secret)
    fresh = work.change.new
    if _may_be_the_name(work.problem) and fresh is not None and fresh.name != new.name:
        session.ports.say(f"Kraken does not take {new.name}; perhaps a key that no list shows has that name.")
        work.reopen()
        _issue_and_store(session, work, fresh, secret)


def _issue_and_store(session: Session, work: Work, new: NewKey, secret: SecretRef) -> None:
    work.announce(Verb.ISSUE, new.name)
    with work.hushed():
        with work.step(Verb.ISSUE, new.name) as leave:
            leave()
            work.issued = _issue(session, work, new)
        if work.issued is not None:
            with work.step(Verb.STORE, new.name) as leave:
                leave()
                keep(session, work, work.issued, new, secret)
                with work.telling() as deeds:
                    session.advance(work, new.name, Stage.STORED, public_key=work.issued.public_key, deeds=deeds)


def _issue(session: Session, work: Work, new: NewKey) -> IssuedKey:
    name, tries = new.name, 0

    def attempt() -> IssuedKey:
        nonlocal tries
        tries += 1
        return session.surface.issue(name, _begin(session, work, new))

    try:
        return patiently(attempt, session.ports, abandon=not work.change.gap)
    except NeedsPerson as problem:
        _untyped(session, work, name)
        hint = f"{work.again}: it asks for the same key; if you have made {name}, give it its pair then, or delete it"
        raise NeedsPerson(problem.message, hint=joined(hint, work.owed)) from None
    except Refused as problem:
        if tries == 1:  # a plain no: there is nothing to look for. After a second try the first may have been heard
            _refused(session, work, name, problem)
        problem.hint = joined(problem.hint, work.owed)
        raise
    except AnswerLost as problem:
        raise AnswerLost(
            f"{problem.message}. It is not tried again: the name {name} is burned",
            hint=f"{work.again}: if the key came to be it is revoked, and the next generation is issued",
        ) from None


def _begin(session: Session, work: Work, new: NewKey) -> KeySpec:
    """Before each try: what is asked for, and that it is. An intent that began with a revoke goes on."""
    shown = session.memory.intents.get(new.name)
    sent = dated(new, session.ports.now(), shown)
    began = work.intent or session.intent(work.change)
    if work.intent is None or began.sent != sent:
        since = began.began
        if began.sent is None:  # nobody had asked for this name before, unless they were shown it
            since = session.ports.now() if shown is None else shown.began
        work.intent = replace(began, sent=sent, began=since)
        session.ports.state.begin(work.intent)
    return sent


def _untyped(session: Session, work: Work, name: str) -> None:
    """Somebody was told to make it, and stopped: whether it was made, nobody knows. So it is asked for again."""
    if work.intent is not None and work.change.gap:
        work.intent = replace(work.intent, stage=Stage.REVOKED, sent=None)
        session.ports.state.begin(work.intent)
    elif work.intent is not None:
        session.ports.state.advance(work.change.address, name, Stage.SHOWN)


def _refused(session: Session, work: Work, name: str, problem: KrakenctlError) -> None:
    """Nothing came of it. What has revoked a key for its successor goes on owing it.

    A plain no may be about the name: somebody's key may have it that no list shows. How Kraken words that is
    unconfirmed; so the next number is asked for, and another reason is simply told once more. Where it certainly
    was not the name, its number stays free: a run that is refused every five minutes must not burn them all.
    """
    if work.intent is None:
        return
    owed = replace(work.intent, stage=Stage.REVOKED, sent=None)
    if _may_be_the_name(problem):
        owed = renewed(work.intent, {}, session.names)
        work.change = owed.change
    if work.change.gap:
        session.ports.state.begin(owed)
    if owed.live_name != name or not work.change.gap:
        free = work.intent.generation if isinstance(problem, _NOT_THE_NAME) else 0
        session.ports.state.finish(work.change.address, name, free=free)
    work.intent = owed if work.change.gap else None


def _may_be_the_name(problem: KrakenctlError | None) -> bool:
    """A plain no, and none of its kinds, each of which says what it was."""
    return type(problem) is Refused


def keep(session: Session, work: Work, issued: IssuedKey, new: NewKey, secret: SecretRef) -> None:
    """To pending, flushed and read back. Raises StoreError once the key, which nobody could use, is taken back."""
    entry = Entry(
        address=str(work.change.address),
        lineage=session.lineage,
        live_name=new.name,
        generation=new.generation,
        created=issued.live.created,
        public_key=issued.public_key,
        secret=issued.secret,
        spec=work.intent.sent if work.intent and work.intent.sent else new.spec,
    )
    session.places.stored(secret, session.owner(new.name))
    try:
        session.ports.store(secret.store).put(secret.path, Slot.PENDING, entry)
    except StoreError as problem:
        taken_back = take_back(session, work, new.name)
        raise StoreError(f"{problem.message}; {taken_back}", hint=joined(problem.hint, work.owed)) from None
    work.kept = kept_key(entry)


def kept_key(entry: Entry) -> KeptKey:
    return KeptKey(created=entry.created, public_key=entry.public_key, pair=entry.pair)
