"""Step 6 of the eight: is the new key what was declared, to the bit? Else it is put right, or taken back.

The account's list says so, where there is one; the key itself, where its allow-list is sure to let us.
"""

from __future__ import annotations

from dataclasses import replace

from krakenctl.apply.session import Session
from krakenctl.apply.steps import check
from krakenctl.apply.steps.advice import COMPARE
from krakenctl.apply.steps.mend import doubted, given_again, keep_other, mismatch, put_right, unkept
from krakenctl.apply.work import KeptKey, Work, joined
from krakenctl.errors import ExchangeError, NeedsPerson, NotAuthorised
from krakenctl.model.human import Mended, Revocation
from krakenctl.model.journal import ACCEPTED, Intent, Stage, Verdict
from krakenctl.model.key import KeyPair, KeySpec, LiveKey
from krakenctl.model.plan import Verb

PROPAGATION_TRIES = 3
PROPAGATION_SECONDS = 1.0
UNSEEN = "whether that is so still cannot be seen from here: "
LISTED, VERIFIED = "listed", "verified"
_UNASKED = "could not be asked from here"
_ATTESTED = "was attested elsewhere, but this may be another pair"
_ATTEST = "run `krakenctl attest {address}` where the key may be used (with --otp if it has a second factor)"


def examine(session: Session, work: Work, name: str, kept: KeptKey, sent: KeySpec, *, listed: LiveKey | None) -> str:
    """LISTED, VERIFIED, or ACCEPTED with the reason. Raises KeyMismatch once the wrong key is gone."""
    if work.intent is not None and work.intent.vouched:
        if verdict := _vouched(session, work, name, sent, work.intent):
            return verdict
        listed = None
    live = listed or _look_again(session, name)
    if live is None:
        raise ExchangeError(
            f"the new key {name} does not show in the account's list; its secret stays in pending",
            hint="run apply again: it finishes with that key if it shows by then, and issues another one if not",
        )
    live = _mended(session, work, name, sent, live)
    aside = session.aside(name)
    if why := aside.unasked:
        return str(Verdict(ACCEPTED, _accepted(session, work, name, sent, why)))
    work.kept, work.note = replace(work.kept or kept, created=live.created), aside.remark or work.note
    has_said_so = session.account.traits.proved_by_pair or _says_so_itself(session, work, name, kept.pair, sent)
    return VERIFIED if has_said_so else LISTED


def _vouched(session: Session, work: Work, name: str, sent: KeySpec, before: Intent) -> str:
    """The verdict of `before`; empty: the key is looked at as any other, for it answers here, or may have been edited.

    The key that was attested elsewhere need not be the pair that is kept. Where Kraken says that this is none, it
    waits, as attested as it was, until one is typed in that answers, or somebody gives a reason. One that is typed
    alike twice may have been copied wrongly twice.
    """
    if not before.is_untried:
        return before.vouched
    word, stays, typed = before.vouched, True, None  # what is typed in is not kept before it answers
    while why := _no_pair(session, name, typed):
        mended = doubted(session, name, sent, why)
        if mended is None:
            return _with_reason(session, work, name, sent, why, before=before, word=word, stays=stays, typed=typed)
        _reopen(session, work, name, why)  # first: who dies now leaves no word that may be of another pair
        if mended.deleted is not None and typed is not None and typed.public_key != before.public_key:
            is_proved = mended.deleted is Revocation.PROVED  # of what they had typed in; what is kept is as it was
            unkept(session, work, name, Mended(mistaken=None if is_proved else mended.mistaken))
            typed = None
            continue
        unkept(session, work, name, mended)
        word, typed = (word, mended.pair) if mended.pair else ("", typed)
        stays = stays and bool(word) and (typed is None or _is_told_apart(session, name, before, typed))
    if typed is not None:
        keep_other(session, work, name, sent, typed)
    return word if typed is None and session.aside(name).unasked else ""


def _no_pair(session: Session, name: str, typed: KeyPair | None) -> str:
    """Why what is kept, or what was typed in since, may not be the pair that was attested; empty: no such doubt."""
    aside = session.aside(name)
    if typed is None:
        return aside.unasked if aside.mispaired else ""
    return "; ".join(filter(None, (aside.unasked, *aside.odd)))


def _is_told_apart(session: Session, name: str, before: Intent, typed: KeyPair) -> bool:
    """What is remembered of a refusal does not tell which private key it was: the one that is kept, or this one."""
    return session.aside(name).mispaired or typed.public_key != before.public_key


def _with_reason(
    session: Session,
    work: Work,
    name: str,
    sent: KeySpec,
    why: str,
    *,
    before: Intent,
    word: str,
    stays: bool,
    typed: KeyPair | None,
) -> str:
    """Both hosts' word. Raises NeedsPerson where there is none of this one, or where it is surely not its pair.

    `stays`: what is kept is as attested as it was then.
    """
    aside, is_same = session.aside(name), typed is None or typed.public_key == before.public_key
    try:
        if aside.odd:
            raise _waits(work, name, why, is_attested=True)
        reason = _accepted(session, work, name, sent, why, is_attested=True)
    except NeedsPerson:
        if stays and work.intent is not None and not work.intent.vouched:
            with work.telling_rest() as deeds:
                session.advance(work, name, before.stage, word, deeds=deeds)
        raise
    if typed is not None:
        keep_other(session, work, name, sent, typed)
    return str(Verdict(ACCEPTED, joined(reason, Verdict.parse(word).told if is_same else "")))


def _reopen(session: Session, work: Work, name: str, why: str) -> None:
    if work.intent is None or not work.intent.vouched:
        return
    work.did(Verb.CHECK, name, f"it was attested elsewhere, but what was kept here: {why}")
    with work.telling_rest() as deeds:
        session.advance(work, name, Stage.STORED, deeds=deeds)


def _mended(session: Session, work: Work, name: str, sent: KeySpec, live: LiveKey) -> LiveKey:
    """Nothing is wrong with it any more, as far as can be seen from here."""
    while True:
        while wrong := _wrong(session, work, name, sent, live):
            live = put_right(session, work, name, sent, wrong)
        aside = session.aside(name)
        seen = given_again(session, work, name, sent, aside.unasked) if aside.doubtful else None
        if seen is None:
            return live
        live = seen


def _wrong(session: Session, work: Work, name: str, sent: KeySpec, live: LiveKey) -> tuple[str, ...]:
    """What was wrong when it could be asked stays so where it cannot: nobody may answer for that one unseen."""
    aside = session.aside(name)
    found = (*aside.odd, *check.differences(sent, live.spec))
    why, flaw = aside.unasked, work.intent.flaw if work.intent else ""
    return found or ((flaw, f"{UNSEEN}{why}") if why and flaw else ())


def _look_again(session: Session, name: str) -> LiveKey | None:
    """A new key may need a moment to show."""
    for _ in range(PROPAGATION_TRIES):
        session.ports.wait(PROPAGATION_SECONDS)
        if (live := session.list().get(name)) is not None:
            return live
    return None


def _accepted(session: Session, work: Work, name: str, sent: KeySpec, why: str, *, is_attested: bool = False) -> str:
    """The reason for which somebody answers for it. Raises NeedsPerson: then it waits, and its secret is kept."""
    try:
        reason = session.surface.accept(name, sent, why)
    except NeedsPerson:
        raise _waits(work, name, why, is_attested=is_attested) from None
    session.ports.say(f"{name} is taken unseen: {reason}")
    return reason


def _waits(work: Work, name: str, why: str, *, is_attested: bool = False) -> NeedsPerson:
    """To be raised: nobody has to type it in again."""
    told, way = (_ATTESTED, COMPARE) if is_attested else (_UNASKED, _ATTEST)
    return NeedsPerson(
        f"{name} {told}: {why}. Its secret is kept, and nobody reads it yet",
        hint=f"{way.format(address=work.change.address)}; or put on the record why nobody looks: `krakenctl apply"
        " --accept-unverified REASON`",
    )


def _says_so_itself(session: Session, work: Work, name: str, pair: KeyPair | None, sent: KeySpec) -> bool:
    """False: no answer was to be had."""
    inspected = _inspect(session, name, pair, sent)
    if inspected and (wrong := check.differences(sent, inspected.spec)):
        raise mismatch(session, work, name, wrong)
    return inspected is not None


def _inspect(session: Session, name: str, pair: KeyPair | None, sent: KeySpec) -> LiveKey | None:
    """Ask the key about itself, where its allow-list is sure to let us: a refused call counts towards a lockout.

    Nonces start at 1, because the key's consumer may count from anywhere above. None: no answer to be had.
    """
    if pair is None or sent.ip_allowlist or session.stopped:
        return None
    for nonce in range(1, PROPAGATION_TRIES + 1):
        try:
            return session.surface.inspect(pair, nonce)
        except NotAuthorised:
            session.ports.wait(PROPAGATION_SECONDS)
        except ExchangeError as problem:  # the list has confirmed the key; a lockout still ends this account's run
            session.stop_after(problem, f"the check of {name}")
            return None
    return None
