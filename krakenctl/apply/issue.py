"""A key's one-time secret, from the intent to its consumer: steps 2 to 7 of the eight.

1 the store is proved writable (executor) · 2 intent · 3 issue · 4 secret to pending · 5 stored · 6 check ·
7 pending → current · 8 the old key is retired or revoked (waves).
Between 3 and 4 the secret is only in this process: nothing else happens in between, and a failure there takes the
new key back.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from krakenctl.apply import check
from krakenctl.apply.grants import renewed
from krakenctl.apply.patience import patiently
from krakenctl.apply.session import Session
from krakenctl.apply.work import KeptKey, Work
from krakenctl.errors import (
    AnswerLost,
    Contained,
    ExchangeError,
    KeyMismatch,
    KrakenctlError,
    LockedOut,
    NeedsPerson,
    NonceRefused,
    NotAuthorised,
    PermissionDenied,
    RateLimited,
    Refused,
    SecretGone,
    StoreError,
    TooManyKeys,
)
from krakenctl.model.desired import SecretRef
from krakenctl.model.human import Revocation
from krakenctl.model.journal import ACCEPTED, MISMATCH, Stage
from krakenctl.model.key import IssuedKey, KeyPair, KeySpec, LiveKey
from krakenctl.model.plan import NewKey, Verb
from krakenctl.model.recorded import RecordedKey
from krakenctl.state.base import Told
from krakenctl.stores.base import Entry, Slot

PROPAGATION_TRIES = 3
PROPAGATION_SECONDS = 1.0
_NOT_THE_NAME = (
    NotAuthorised.code,
    PermissionDenied.code,
    NonceRefused.code,
    LockedOut.code,
    TooManyKeys.code,
    RateLimited.code,
)
VERIFIED = "verified"
_UNTOUCHED = "the key in use was not touched; run apply again"


class Issuer:
    """Takes one change of an account through its steps. One per account and run."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._ports = session.ports
        self._surface = session.surface

    def issue_and_store(self, work: Work, new: NewKey, secret: SecretRef) -> None:
        """Steps 2 to 5. Whatever goes wrong, no live key is left behind whose name is not journalled."""
        self._issue_and_store(work, new, secret)
        fresh = work.change.new
        if work.code == Refused.code and fresh is not None and fresh.name != new.name:
            self._ports.say(f"Kraken does not take {new.name}; perhaps a key that no list shows has that name.")
            work.reopen()
            self._issue_and_store(work, fresh, secret)

    def _issue_and_store(self, work: Work, new: NewKey, secret: SecretRef) -> None:
        work.announce(Verb.ISSUE, new.name)
        with work.hushed():
            with work.step(Verb.ISSUE, new.name) as leave:
                leave()
                work.issued = self._issue(work, new)
            if work.issued is not None:
                with work.step(Verb.STORE, new.name) as leave:
                    leave()
                    self._store(work, work.issued, new, secret)

    def check_and_promote(self, work: Work, new: NewKey, secret: SecretRef, listed: LiveKey | None) -> None:
        """Steps 6 and 7. Nothing is promoted that is not, to the bit, what was declared."""
        kept, sent = work.kept, work.intent.sent if work.intent else None
        if kept is None or sent is None:
            return
        with work.step(Verb.CHECK, new.name) as leave:
            leave()
            work.verdict = self._check(work, new.name, kept, sent, listed)
            with work.telling(message=work.verdict if ": " in work.verdict else "") as deeds:
                self._advance(work, new.name, Stage.CHECKED, work.verdict, deeds=deeds)
        if work.open:
            with work.step(Verb.PROMOTE, new.name) as leave:
                leave()
                self._promote(work, work.kept or kept, sent, new, secret)

    def take_back_contained(self, works: Sequence[Work]) -> None:
        """The kill switch was used while these keys were on their way: those that it was used on are not kept."""
        for work in works:
            waits = work.kept is not None and all(step.verb is not Verb.PROMOTE for step in work.done)
            if waits and work.change.new is not None and (problem := self._contained(work)):
                with suppress(KrakenctlError):  # else it stays in the journal, and recovery takes it back
                    taken_back = self._take_back(work, work.change.new.name)
                    work.reopen()
                    work.fail(Contained(f"{problem.message}; {taken_back}", hint=problem.hint))

    def _contained(self, work: Work) -> Contained | None:
        try:
            self._ports.state.check()
        except Contained as problem:
            ours = {str(work.change.address), str(work.change.renamed_from)}
            return None if ours.isdisjoint(problem.addresses) else problem
        except KrakenctlError:  # whoever has taken over sees to it
            return None
        return None

    def _dated(self, new: NewKey) -> KeySpec:
        """`validFor` becomes an absolute time here, on the exchange's clock."""
        return new.spec if new.valid_for is None else replace(new.spec, valid_until=self._ports.now() + new.valid_for)

    def _begin(self, work: Work, new: NewKey) -> KeySpec:
        """Before each try: what is asked for, and that it is. An intent that began with a revoke goes on."""
        sent = self._dated(new)
        began = work.intent or self._session.intent(work.change)
        if work.intent is None or began.sent != sent:
            since = self._ports.now() if began.sent is None else began.began  # nobody had asked for this name before
            work.intent = replace(began, sent=sent, began=since)
            self._ports.state.begin(work.intent)
        return sent

    def _issue(self, work: Work, new: NewKey) -> IssuedKey:
        name, tries = new.name, 0

        def attempt() -> IssuedKey:
            nonlocal tries
            tries += 1
            return self._surface.issue(name, self._begin(work, new))

        try:
            return patiently(attempt, self._ports, abandon=not work.change.gap)
        except NeedsPerson as problem:
            self._unasked(work, name, problem)
            hint = f"if you have made {name} on the website all the same, delete it there: the next has another name"
            raise NeedsPerson(problem.message, hint=_joined(hint, self._owed(work))) from None
        except Refused as problem:
            if tries == 1:  # a plain no: there is nothing to look for. After a second try the first may have been heard
                self._unasked(work, name, problem)
            problem.hint = _joined(problem.hint, self._owed(work))
            raise
        except AnswerLost as problem:
            raise AnswerLost(
                f"{problem.message}. It is not tried again: the name {name} is burned",
                hint="run apply again: if the key came to be it is revoked, and the next generation is issued",
            ) from None

    def _unasked(self, work: Work, name: str, problem: KrakenctlError) -> None:
        """Nothing came of it. What has revoked a key for its successor goes on owing it.

        A plain no may be about the name: somebody's key may have it that no list shows. How Kraken words that is
        unconfirmed; so the next number is asked for, and another reason is simply told once more. Where it certainly
        was not the name, its number stays free: a run that is refused every five minutes must not burn them all.
        """
        if work.intent is None:
            return
        owed = replace(work.intent, stage=Stage.REVOKED, sent=None)
        if problem.code == Refused.code or (work.change.gap and problem.code == NeedsPerson.code):
            owed = renewed(work.intent, {}, self._session.names)
            work.change = owed.change
        if work.change.gap:
            self._ports.state.begin(owed)
        if owed.live_name != name or not work.change.gap:
            free = work.intent.generation if problem.code in _NOT_THE_NAME else 0
            self._ports.state.finish(work.change.address, name, free=free)
        work.intent = owed if work.change.gap else None

    def _owed(self, work: Work) -> str:
        """What to do about a consumer without a key; empty: it has one."""
        if not work.change.gap or work.change.old is None:
            return ""
        return f"{work.change.old.name} had been revoked already: run `krakenctl recover`, which issues its successor"

    def _store(self, work: Work, issued: IssuedKey, new: NewKey, secret: SecretRef) -> None:
        self._keep(work, issued, new, secret)
        with work.telling() as deeds:
            self._advance(work, new.name, Stage.STORED, public_key=issued.public_key, deeds=deeds)

    def _keep(self, work: Work, issued: IssuedKey, new: NewKey, secret: SecretRef) -> None:
        entry = Entry(
            address=str(work.change.address),
            lineage=self._session.lineage,
            live_name=new.name,
            generation=new.generation,
            created=issued.live.created,
            public_key=issued.public_key,
            secret=issued.secret,
            spec=work.intent.sent if work.intent and work.intent.sent else new.spec,
        )
        self._session.places.stored(secret, self._session.owner(new.name))
        try:
            self._ports.store(secret.store).put(secret.path, Slot.PENDING, entry)
        except StoreError as problem:
            taken_back = self._take_back(work, new.name)
            hint = _joined(problem.hint, self._owed(work))
            raise StoreError(f"{problem.message}; {taken_back}", hint=hint) from None
        work.kept = kept_key(entry)

    def _advance(
        self, work: Work, name: str, stage: Stage, verdict: str = "", public_key: str = "", *, deeds: Sequence[Told]
    ) -> None:
        self._ports.state.advance(work.change.address, name, stage, verdict, public_key, deeds=deeds)
        if work.intent is not None:
            work.intent = replace(work.intent, stage=stage, verdict=verdict)

    def _check(self, work: Work, name: str, kept: KeptKey, sent: KeySpec, listed: LiveKey | None) -> str:
        """`listed` or `verified`. Raises KeyMismatch once the wrong key is gone."""
        if work.intent is not None and work.intent.vouched:
            return work.intent.vouched
        live = listed or self._look_again(name)
        if live is None:
            raise ExchangeError(
                f"the new key {name} does not show in the account's list; its secret stays in pending",
                hint="run apply again: it finishes with that key if it shows by then, and issues another one if not",
            )
        while wrong := (*self._session.odd.get(name, ()), *check.differences(sent, live.spec)):
            live = self._put_right(work, name, sent, wrong)
        if why := self._session.unasked.get(name):
            return f"{ACCEPTED}: {self._accepted(work, name, sent, why)}"
        work.kept = replace(work.kept or kept, created=live.created)
        if self._session.spoke:
            return VERIFIED
        inspected = self._inspect(name, kept.pair, sent)
        if inspected and (wrong := check.differences(sent, inspected.spec)):
            raise self._mismatch(work, name, wrong)
        return VERIFIED if inspected else "listed"

    def _put_right(self, work: Work, name: str, sent: KeySpec, wrong: tuple[str, ...]) -> LiveKey:
        """Where somebody can. Raises KeyMismatch once the wrong key is gone, or NeedsPerson once they stop."""
        self._surface.ready(Verb.CHECK, name)  # where nobody is there, all stays as it is
        try:
            mended = self._surface.amend(name, sent, wrong)
        except NeedsPerson as problem:
            raise self._stopped(work, name, problem) from None
        if mended is None:
            raise self._mismatch(work, name, wrong)
        if mended.pair is not None and work.change.new is not None and work.change.secret is not None:
            live = LiveKey(name=name, spec=sent, created=0, public_key=mended.pair.public_key)
            issued = IssuedKey(live=live, public_key=mended.pair.public_key, secret=mended.pair.secret)
            self._keep(work, issued, work.change.new, work.change.secret)
            with work.telling_rest() as deeds:
                self._advance(work, name, Stage.STORED, public_key=issued.public_key, deeds=deeds)
        if (seen := self._session.list().get(name)) is None:
            message = f"the new key {name} is gone again; its secret stays in pending"
            raise ExchangeError(message, hint="run apply again")
        return seen

    def _stopped(self, work: Work, name: str, problem: NeedsPerson) -> NeedsPerson:
        """Nothing stays half done: what was typed in goes, and whoever made the key deletes it."""
        if secret := work.change.secret:
            self._ports.store(secret.store).remove(secret.path, Slot.PENDING)
            self._session.places.emptied(secret, Slot.PENDING)
        work.kept = None
        self._unasked(work, name, problem)
        hint = f"nothing of it is kept: delete {name} on the website, if it is there; apply asks for the next one"
        return NeedsPerson(problem.message, hint=_joined(hint, self._owed(work)))

    def _accepted(self, work: Work, name: str, sent: KeySpec, why: str) -> str:
        """The reason for which somebody answers for it. Raises NeedsPerson: then it waits, and its secret is kept."""
        try:
            return self._surface.accept(name, sent, why)
        except NeedsPerson:
            raise NeedsPerson(
                f"{name} could not be asked from here: {why}. Its secret is kept, and nobody reads it yet",
                hint=f"run `krakenctl attest {work.change.address}` where the key may be used; or put on the record why"
                " nobody looks: `krakenctl apply --accept-unverified REASON`",
            ) from None

    def _look_again(self, name: str) -> LiveKey | None:
        """A new key may need a moment to show."""
        for _ in range(PROPAGATION_TRIES):
            self._ports.wait(PROPAGATION_SECONDS)
            for live in self._surface.list_keys().keys:
                if live.name == name:
                    return live
        return None

    def _inspect(self, name: str, pair: KeyPair | None, sent: KeySpec) -> LiveKey | None:
        """Ask the key about itself, where its allow-list is sure to let us: a refused call counts towards a lockout.

        Nonces start at 1, because the key's consumer may count from anywhere above. None: no answer to be had.
        """
        if pair is None or sent.ip_allowlist or self._session.stopped:
            return None
        for nonce in range(1, PROPAGATION_TRIES + 1):
            try:
                return self._surface.inspect(pair, nonce)
            except NotAuthorised:
                self._ports.wait(PROPAGATION_SECONDS)
            except ExchangeError as problem:  # the list has confirmed the key; a lockout still ends this account's run
                self._session.stop_after(problem, f"the check of {name}")
                return None
        return None

    def _mismatch(self, work: Work, name: str, wrong: tuple[str, ...]) -> KeyMismatch:
        taken_back = self._take_back(work, name)
        return KeyMismatch(
            f"the exchange issued {name} differently from what was declared: {'; '.join(wrong)}; {taken_back}",
            hint=_joined(self._owed(work) or _UNTOUCHED, "tell Kraken if it happens again"),
        )

    def _take_back(self, work: Work, name: str) -> str:
        """Revoke a key that only this run has seen; says what came of it. Raises StateError.

        That it has to go is written down first: else a run that finds it gone could not tell by whom.
        """
        with work.telling_rest() as deeds:
            self._advance(work, name, work.intent.stage if work.intent else Stage.BEGUN, MISMATCH, deeds=deeds)
        try:
            revocation = self._surface.revoke(name)
        except NeedsPerson as problem:
            return f"nobody has deleted it on the website ({problem.message}); the next run asks for that"
        except ExchangeError as problem:
            if self._is_gone(name):
                return "it is gone from the account already"
            return f"it could not be revoked either ({problem.message}); the next run sees to it"
        work.did(Verb.REVOKE, name, "it was taken back")
        with suppress(StoreError, Contained):  # then it stays in the journal, and the next run sees to the rest
            if secret := work.change.secret:
                self._ports.store(secret.store).remove(secret.path, Slot.PENDING)
            if work.change.gap and work.intent is not None:  # its consumer is still owed one
                self._ports.state.begin(renewed(work.intent, {}, self._session.names))
            with work.telling_rest() as deeds:
                self._ports.state.revoked(work.change.address, name, deeds=deeds)
        if revocation is Revocation.CLAIMED:
            return "the new key is said to be deleted, which nothing proves"
        return "the new key was revoked at once"

    def _is_gone(self, name: str) -> bool:
        """The kill switch may have been quicker. It stays in the journal all the same: a list may lag behind."""
        try:
            return all(live.name != name for live in self._surface.list_keys().keys)
        except ExchangeError:
            return False

    def _promote(self, work: Work, kept: KeptKey, sent: KeySpec, new: NewKey, secret: SecretRef) -> None:
        change = work.change
        key = RecordedKey(
            address=change.address,
            live_name=new.name,
            generation=new.generation,
            created=kept.created,
            public_key=kept.public_key,
            spec=sent,
            secret=secret,
            issued=kept.created or self._ports.now(),
            trigger=change.trigger,
            protect=change.protect,
            unverified=_unverified(work.verdict),
        )
        self._move(work, new.name, secret)
        self._session.places.promoted(secret, self._session.owner(new.name))
        with work.telling() as deeds:
            self._ports.state.promote(key, self._retired(work), change.renamed_from, deeds=deeds)
        self._end_earlier(key)

    def _end_earlier(self, key: RecordedKey) -> None:
        """Promotions before this one whose old key is still there: it is recorded as replaced."""
        for intent in self._session.memory.intents.values():
            if (intent.address, intent.stage) == (key.address, Stage.PROMOTED) and intent.live_name != key.live_name:
                self._ports.state.finish(intent.address, intent.live_name)

    def _move(self, work: Work, name: str, secret: SecretRef) -> None:
        """A stopped run that woke in the middle of a write may have overwritten the secret: then nobody has it."""
        try:
            self._ports.store(secret.store).promote(secret.path, name)
        except SecretGone as problem:
            taken_back = self._take_back(work, name)
            raise StoreError(f"{problem.message}; {taken_back}", hint=self._owed(work) or _UNTOUCHED) from None

    def _retired(self, work: Work) -> RecordedKey | None:
        """The old key's record, kept until it is revoked. Without an overlap its time is up now."""
        change = work.change
        old = self._session.current(change)
        if old is None or change.old is None or old.live_name != change.old.name or change.gap:
            return None
        return replace(old, address=change.address, retired_until=self._ports.now() + change.overlap)


def _unverified(verdict: str) -> str:
    kind, _, why = verdict.partition(": ")
    return why if kind == ACCEPTED else ""


def _joined(*hints: str) -> str:
    return "; ".join(filter(None, hints))


def kept_key(entry: Entry) -> KeptKey:
    pair = KeyPair(public_key=entry.public_key, secret=entry.secret)
    return KeptKey(created=entry.created, public_key=entry.public_key, pair=pair)
