"""Keys that a person makes on Kraken's website: we say what to do, and look at what was done.

Source: support.kraken.com, "How to create an API key on Kraken Pro"; docs.kraken.com, GetApiKeyInfo. No public API
makes, lists, edits or deletes these keys. What a person says is never taken for what is: a key is right when it says so
itself, and gone when it does not answer any more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from krakenctl.errors import ExchangeError, LockedOut, NeedsPerson, NonceRefused, Refused
from krakenctl.model.address import key_address
from krakenctl.model.coverage import Coverage
from krakenctl.model.description import NonceScale
from krakenctl.model.desired import SecretRef
from krakenctl.model.holding import Holding
from krakenctl.model.human import Deleted, HumanStep, Mended, Mistaken, Revocation, Site, Slip, Successor
from krakenctl.model.key import IssuedKey, KeyPair, KeySpec, LiveKey
from krakenctl.model.live import NOTHING
from krakenctl.model.plan import Verb
from krakenctl.model.recorded import RecordedKey
from krakenctl.surfaces.base import Listing
from krakenctl.surfaces.ground import Ground
from krakenctl.surfaces.kraken.gently import Caller
from krakenctl.surfaces.kraken.held import Held
from krakenctl.surfaces.kraken.look import GONE, Look
from krakenctl.surfaces.kraken.newcomer import still_answers
from krakenctl.surfaces.kraken.roll import RollCall
from krakenctl.surfaces.person import Nobody, Person
from krakenctl.transport.http import Http

_ABOVE = 20  # how far above a refused nonce the second try of `inspect` is
_STILL = "it still answers: it was not deleted"


def opened(ground: Ground) -> Website:
    premises = ground.premises
    return Website(
        site=premises.site,
        http=ground.http,
        person=premises.person,
        held=premises.held,
        clock=ground.clock,
        wait=ground.wait,
        now=ground.now,
        expected=premises.steps,
    )


@dataclass(slots=True, kw_only=True)
class Website:
    """See `base.Surface`. For one thread at a time: a person does one thing after another."""

    site: Site
    http: Http
    person: Person
    held: Held
    clock: Callable[[], int]  # nanoseconds since 1970
    wait: Callable[[float], None]
    now: Callable[[], int]  # the exchange's clock, unix seconds
    expected: Callable[[], int] = lambda: 1  # how many steps a person takes on this account in this run
    _taken: int = 0  # of these, so far
    _fresh: dict[str, Holding] = field(default_factory=dict)  # by name: made in this run
    _attested: set[str] = field(default_factory=set)  # by name: elsewhere, when this run first asked about it
    _unheard: set[str] = field(default_factory=set)  # by name: a pair of it that never answered made way for another
    _caller: Caller = field(init=False)
    _roll: RollCall = field(init=False)

    def __post_init__(self) -> None:
        self._caller = Caller(http=self.http, held=self.held, clock=self.clock, wait=self.wait)
        self._roll = RollCall(self._caller, self.now, attended=not isinstance(self.person, Nobody))

    def iiban(self) -> str:
        """As any key in use tells it, now or before; empty: none has. Raises SafetyStop when they differ."""
        self._looks()
        return self._roll.account

    def list_keys(self) -> Listing:
        looks = {name: look for name, look in self._looks().items() if look.live is not None}
        return Listing(
            keys=tuple(look.live for look in looks.values() if look.live is not None),
            coverage=Coverage.HELD,
            asides={name: look.aside for name, look in looks.items() if look.aside != NOTHING},
        )

    def ready(self, verb: Verb, name: str) -> None:
        self.person.ready(self._step(verb, name))

    def issue(self, name: str, spec: KeySpec) -> IssuedKey:
        """What a person types in, at once: it is kept before it is looked at. Its creation is told when it is asked."""
        if name in self._looks():
            raise Refused(f"{self.site.account} has a key named {name} already")
        pair = self.person.issue(self._next(Verb.ISSUE, name, wanted=spec))
        self._take(name, spec, pair)
        live = LiveKey(name=name, spec=spec, created=0, public_key=pair.public_key)
        return IssuedKey(live=live, public_key=pair.public_key, secret=pair.secret)

    def update(self, name: str, spec: KeySpec) -> None:
        before = self._present(name, "updated")
        self.person.update(self._next(Verb.UPDATE, name, before=before.spec, wanted=spec))
        if before.spec.ip_allowlist != spec.ip_allowlist:  # what has answered from here need not do so any more
            self.held.note(before.public_key, answers=False)
        self._roll.forget(name)

    def revoke(self, name: str) -> Revocation:
        self._present(name, "revoked")
        step, pair = replace(self._next(Verb.REVOKE, name), successor=self._successor(name)), self._pair(name)
        is_heard = pair is not None and self._is_heard(name, pair)
        self.person.revoke(step)
        if pair is None or not is_heard:
            self._fresh.pop(name, None)
            return Revocation.UNHEARD
        proved = self._is_gone(step, pair)
        self._roll.forget(name)
        self._fresh.pop(name, None)
        if not proved:
            return Revocation.UNHEARD if self.held.answered_elsewhere(pair.public_key) else Revocation.CLAIMED
        self._roll.looks[name] = GONE
        return Revocation.PROVED

    def _is_heard(self, name: str, pair: KeyPair) -> bool:
        """That it answers now is half of the proof that it does not later. Raises LockedOut: nobody is walked on."""
        self._caller.stop_if_locked()
        if self._roll.looks[name].silent:
            return False
        if pair.public_key in self._caller.let_in:
            return True
        try:
            self._roll.rest(name)
            return self._caller.lives(pair) is True
        except LockedOut:
            raise
        except ExchangeError:  # then it cannot be proved, and is claimed
            return False

    def _is_gone(self, step: HumanStep, pair: KeyPair) -> bool:
        """Whether that is proved. Raises NeedsPerson for a key that still answers, and whoever said so stops.

        Where Kraken cannot be asked it is not: a later run proves it. The person is not asked twice for that, and so
        a lockout, too, does not undo what they said: it stops what comes next.
        """
        try:
            while lives := self._caller.lives(pair):
                self.person.again(step, (_STILL,))
                self._roll.rest(step.name)
            return lives is False and self._roll.is_proved_gone(step.name, pair)
        except ExchangeError:
            return False

    def amend(self, name: str, spec: KeySpec, wrong: tuple[str, ...]) -> Mended:
        is_new, slip = self._is_new(name), self._slip(name, wrong)
        step = self._step(Verb.ISSUE if is_new else Verb.UPDATE, name, wanted=spec)
        doubted = replace(step, slip=slip, attested=slip is Slip.UNSEEN and self._is_attested(name))
        try:
            said = self.person.again(doubted, wrong)
            if is_new and said is None and slip is Slip.PAIR:
                said = self.person.issue(step)
            if is_new and said is Deleted.SAID:
                return self._deleted_instead(name)
        except NeedsPerson:
            self._left(name, slip)
            raise
        if is_new and isinstance(said, KeyPair):
            return self._other_pair(name, spec, said)
        self._attested.discard(name)
        self._roll.forget(name)
        self._caller.grant_one()
        return Mended()

    def _left(self, name: str, slip: Slip) -> None:
        """They stopped. What could not be seen is as it was, and is not asked again: that would be refused again."""
        self._fresh.pop(name, None)
        if slip is not Slip.UNSEEN:
            self._roll.forget(name)

    def _deleted_instead(self, name: str) -> Mended:
        deleted, told = self._deleted(name), self._roll.looks.get(name, GONE).told
        self._roll.forget(name)
        if deleted is Revocation.PROVED and name in self._unheard and told and told.live.name != name:
            return Mended(deleted=Revocation.CLAIMED)  # the key whose pair was typed in before may live
        return Mended(deleted=deleted, mistaken=Mistaken(told.live, told.iiban) if told else None)

    def _other_pair(self, name: str, spec: KeySpec, given: KeyPair) -> Mended:
        mistaken, before = self._mistaken(name, given), self._pair(name)
        if before is not None and before.public_key not in {given.public_key, *self._caller.let_in}:
            self._unheard.add(name)
        self._take(name, spec, given)
        return Mended(pair=given, mistaken=mistaken)

    def _mistaken(self, name: str, given: KeyPair) -> Mistaken | None:
        """The key whose pair was typed in before. One of that name in this account is gone: names are unique there."""
        look, pair = self._roll.looks.get(name, GONE), self._pair(name)
        told = look.told
        if told is None or pair is None or pair.public_key == given.public_key:
            return None
        is_here = look.slip is not Slip.ACCOUNT and told.live.name == name
        return None if is_here or not still_answers(self._caller, pair) else Mistaken(told.live, told.iiban)

    def _slip(self, name: str, wrong: tuple[str, ...]) -> Slip:
        """What an earlier look has found wrong is more than a doubt, though it cannot be seen now."""
        look = self._roll.looks.get(name, GONE)
        return Slip.FORM if look.slip is Slip.UNSEEN and wrong != (look.unasked,) else look.slip

    def _is_new(self, name: str) -> bool:
        """Whether a person has made it, in this run or an earlier one, and nobody uses it yet."""
        return name in self._fresh or any(one.fresh and one.record.live_name == name for one in self.held.holdings())

    def _is_attested(self, name: str) -> bool:
        """Elsewhere, and not edited since. What is typed in meanwhile is not kept before it answers."""
        before = (one.record for one in self.held.holdings() if one.fresh and one.record.live_name == name)
        if any(record.unverified for record in before):
            self._attested.add(name)
        return name in self._attested

    def _deleted(self, name: str) -> Revocation:
        """They say so of a new key. Raises NeedsPerson for one that still answers, and whoever said so stops."""
        pair = self._pair(name)
        is_heard = pair is not None and pair.public_key in self._caller.let_in
        is_proved = pair is not None and is_heard and self._is_gone(self._step(Verb.REVOKE, name), pair)
        self._fresh.pop(name, None)
        return Revocation.PROVED if is_proved else Revocation.CLAIMED

    def accept(self, name: str, spec: KeySpec, why: str) -> str:
        """With Kraken's words, if it has said any: whoever reads the reason later sees what it was given for."""
        reason, pair = self.person.accepts(self._step(Verb.CHECK, name, wanted=spec), why), self._pair(name)
        refusal = pair and self.held.refusal(pair.public_key)
        return f"{reason} (Kraken: {refusal.said})" if refusal else reason

    def inspect(self, pair: KeyPair, nonce: int) -> LiveKey:
        try:
            return self._caller.describe_with(pair, nonce).live
        except NonceRefused:  # it has told already, for one
            return self._caller.describe_with(pair, nonce + _ABOVE).live

    def take_request(self) -> str:
        return ""

    def _looks(self) -> dict[str, Look]:
        try:
            return self._roll.call(self._fresh, self.site.iiban)
        except LockedOut:
            self._caller.stop_if_locked()  # in words that say until when
            raise

    def _present(self, name: str, done: str) -> LiveKey:
        look = self._looks().get(name)
        if look is None or look.live is None:
            raise Refused(f"{name} is not among the keys that are held of {self.site.account}: it cannot be {done}")
        return look.live

    def _successor(self, name: str) -> Successor | None:
        """Of a key that was replaced."""
        records = [each.record for each in self.held.holdings() if not each.fresh]
        homes = {each.address for each in records if each.live_name == name}
        current = (each for each in records if each.address in homes and not each.retired_until)
        return Successor.to(name, next(current, None))

    def _pair(self, name: str) -> KeyPair | None:
        held = self._fresh.get(name)
        every = [held] if held else [each for each in self.held.holdings() if each.record.live_name == name]
        return every[0].pair if every else None

    def _take(self, name: str, spec: KeySpec, pair: KeyPair) -> None:
        record = RecordedKey(
            address=key_address(self.site.account, "-"),  # it is not recorded yet
            live_name=name,
            generation=0,
            created=0,
            public_key=pair.public_key,
            spec=spec,
            secret=SecretRef("", ""),
            issued=0,
        )
        self._fresh[name] = Holding(record=record, scale=NonceScale.UNKNOWN, pair=pair, fresh=True)
        self._roll.forget(name)
        self._caller.grant_one()

    def _next(
        self, verb: Verb, name: str, *, before: KeySpec | None = None, wanted: KeySpec | None = None
    ) -> HumanStep:
        self._taken += 1
        return self._step(verb, name, before=before, wanted=wanted)

    def _step(
        self, verb: Verb, name: str, *, before: KeySpec | None = None, wanted: KeySpec | None = None
    ) -> HumanStep:
        return HumanStep(
            verb=verb,
            account=self.site.account,
            username=self.site.username,
            iiban=self.site.iiban or self._roll.account,
            name=name,
            page=self.site.page,
            before=before,
            wanted=wanted,
            number=max(self._taken, 1),
            of=max(self._taken, self.expected(), 1),
        )
