"""A roll-call of the keys that we hold: each is asked about itself where its consumer does not notice. Changes nothing.

No call lists keys that people made on the website (docs.kraken.com, GetApiKeyInfo: it describes the key that signs it).
So what is known of an account is what its own keys say, and for the others what was recorded.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeVar

from krakenctl.errors import LockedOut, NonceRefused, NotAuthorised, RateLimited, Refused, SafetyStop
from krakenctl.model.description import CLOCKS, Description, NonceScale
from krakenctl.model.holding import Holding
from krakenctl.model.key import KeyPair, LiveKey
from krakenctl.surfaces.kraken.own_key import OwnKey
from krakenctl.transport.http import Http

_NO_KEY = "EAPI:Invalid key"
MOST_FORGOTTEN = 2  # the same where nothing is remembered of them
MOST_REFUSED = 3  # calls in a row, then nobody is asked any more: failures in a row lock an account (errors guide)
SPREAD = (1.0, 2.0, 0.0)  # seconds between the tries of a new key: news need a moment
_SECRET_BYTES = 64
_2020 = 1_577_836_800
_FIRST = (1, 11, 21)  # nonces for a key that nobody uses yet: far below whatever its consumer will send

T = TypeVar("T")


class Held(Protocol):
    """What we hold of one account's keys, and which of them have answered from this host. Asked anew for every call."""

    def holdings(self) -> Iterable[Holding]:
        """Current and retired keys, and those that a person has made and nobody uses yet."""
        ...

    def other_accounts(self) -> Mapping[str, str]:
        """The workspace's other accounts that are known by now: names by IIBAN. A new key must be of none of them."""
        ...

    def answers(self, public_key: str) -> bool | None:
        """Whether it answered to the last call from this host that told; None: nobody knows."""
        ...

    def note(self, public_key: str, *, answers: bool | None) -> None: ...

    @property
    def remembers(self) -> bool:
        """Whether what is noted outlives this command. Else the next one would have as many calls refused."""
        ...

    def is_gone(self, public_key: str) -> bool:
        """Whether an earlier command, or this one, has proved it."""
        ...

    def note_gone(self, public_key: str, said: str) -> None:
        """It is proved, by refusals in these words."""
        ...


class NothingHeld:
    """See `Held`: of an account whose list tells."""

    def holdings(self) -> Iterable[Holding]:
        return ()

    def other_accounts(self) -> Mapping[str, str]:
        return {}

    def answers(self, public_key: str) -> bool | None:
        pass

    def note(self, public_key: str, *, answers: bool | None) -> None:
        pass

    @property
    def remembers(self) -> bool:
        return False

    def is_gone(self, public_key: str) -> bool:  # noqa: ARG002
        return False

    def note_gone(self, public_key: str, said: str) -> None:
        pass


@dataclass(frozen=True, slots=True)
class Look:
    """`live` None: it is gone, and that is proved. `unasked`: why it is as recorded. `odd`: what is wrong beside."""

    live: LiveKey | None
    unasked: str = ""
    odd: tuple[str, ...] = ()
    iiban: str = ""
    vanished: bool = False  # it is refused where it answered before, and half a proof is not written down
    pair_is_wrong: bool = False  # there is no such key, or the secret is another one's


@dataclass(slots=True, kw_only=True)
class RollCall:
    """One account during one command. A key is asked once, and again when something was done to it.

    A key that is refused and has answered before is asked once more, for that proves its end. Where nothing of it would
    be remembered, only after another one has answered: such commands may follow each other with nothing in between.
    """

    http: Http
    held: Held
    clock: Callable[[], int]  # nanoseconds since 1970
    now: Callable[[], int]  # the exchange's clock, unix seconds
    wait: Callable[[float], None]  # seconds
    looks: dict[str, Look] = field(default_factory=dict)  # by recorded name
    touched: set[str] = field(default_factory=set)  # by recorded name
    refused: int = 0  # calls in a row
    suspects: dict[str, str] = field(default_factory=dict)  # by recorded name: what Kraken said of it, once
    spent: dict[str, int] = field(default_factory=dict)  # by public key: the last nonce that was answered, of new keys

    def call(self, fresh: Mapping[str, Holding], iiban: str) -> dict[str, Look]:
        """All of them, by recorded name. `fresh`: made in this very run; their account has to be `iiban`, if known.

        Raises SafetyStop when two keys that were in use belong to two accounts, and ExchangeError for what passes.
        """
        every = {each.record.live_name: each for each in self.held.holdings()} | dict(fresh)
        self.looks = {name: look for name, look in self.looks.items() if name in every}
        settled = [each for name, each in every.items() if name not in fresh and not each.fresh]
        for each in sorted(settled, key=lambda one: not self.held.answers(one.record.public_key)):
            self._look(each)
        self._prove_suspects(settled, fresh)
        iiban = iiban or _one_account([(each.record.live_name, self.looks[each.record.live_name]) for each in settled])
        for each in every.values():
            if each not in settled:
                self._look_at_new(each, iiban, [one for one in every.values() if one is not each])
                self._refuse_foreign(each.record.live_name)
        return self.looks

    def _refuse_foreign(self, name: str) -> None:
        """Whoever was logged in as somebody else has made it below another ceiling."""
        look, others = self.looks[name], self.held.other_accounts()
        if look.iiban in others and not any("belongs to" in each for each in look.odd):
            odd = (*look.odd, f"it belongs to the account {look.iiban}, which is {others[look.iiban]}")
            self.looks[name] = replace(look, odd=odd)

    def forget(self, name: str) -> None:
        """It is asked again, once also where its allow-list may leave this host out: something was done to it."""
        self.looks.pop(name, None)
        self.suspects.pop(name, None)
        self.touched.add(name)

    def lives(self, pair: KeyPair) -> bool | None:
        """As far as one gentle call tells, which is remembered; None: nobody is asked any more, or it tells neither."""
        if self.refused >= MOST_REFUSED:
            return None
        try:
            lives = self._counted(self._own(pair).lives)
        except (LockedOut, RateLimited):
            raise
        except Refused:
            return None
        if lives:
            self.held.note(pair.public_key, answers=True)
        return lives

    def is_proved_gone(self, pair: KeyPair, said: str = _NO_KEY) -> bool:
        """It has answered from here before, and Kraken says once more that it is no key. `said`: what it said first."""
        if not self.held.answers(pair.public_key):
            return False
        self.wait(SPREAD[0])
        if self.lives(pair) is not False:
            return False
        self.held.note_gone(pair.public_key, f"{said}, {_NO_KEY}")
        return True

    def _prove_suspects(self, settled: Iterable[Holding], fresh: Mapping[str, Holding]) -> None:
        """Nothing would be remembered, so each needs one that answers before it is asked again, and one after it."""
        for each in settled:
            name = each.record.live_name
            if name in self.suspects and each.pair is not None and self._is_rested(fresh, name):
                said = self.suspects.pop(name)
                if self.is_proved_gone(each.pair, said):
                    self.looks[name] = Look(None)
                self.rest(fresh, name)

    def _is_rested(self, fresh: Mapping[str, Holding], but: str) -> bool:
        self.rest(fresh, but)
        return not self.refused

    def rest(self, fresh: Mapping[str, Holding], but: str) -> None:
        """End a row of refusals with a call that is sure to be answered, if there is another key for it."""
        if not self.refused:
            return
        good = [
            name for name, look in self.looks.items() if look.live and not (look.unasked or look.odd or name == but)
        ]
        for each in sorted((*fresh.values(), *self.held.holdings()), key=_is_slow):
            if each.record.live_name in good and each.pair is not None and self._answers(each, each.pair):
                return

    def _answers(self, holding: Holding, pair: KeyPair) -> bool:
        try:
            if holding.fresh:
                self.describe(pair, self._spent(holding, pair) + _FIRST[0])
            elif holding.scale in CLOCKS:
                self.wait(SPREAD[0] if _is_slow(holding) else 0.0)
                self._counted(lambda: self._own(pair).describe(holding.scale))
            else:
                return False
        except (LockedOut, RateLimited):
            raise
        except Refused:
            return self.refused >= MOST_REFUSED  # no more of that
        return True

    def grant_one(self) -> None:
        """A person has typed in another pair: it is worth a call, whatever was refused before."""
        self.refused = min(self.refused, MOST_REFUSED - 1)

    def describe(self, pair: KeyPair, nonce: int) -> Description:
        told = self._counted(lambda: self._own(pair).describe_with(nonce))
        self.spent[pair.public_key] = max(nonce, self.spent.get(pair.public_key, 0))
        return told

    def _spent(self, holding: Holding, pair: KeyPair) -> int:
        """The highest nonce that a new key has seen of us: whoever mends a key twice has it looked at three times.

        An earlier run's is not remembered: there the seconds since 2020 stand for it, far below the clock of any
        consumer.
        """
        if pair.public_key not in self.spent and self.held.answers(pair.public_key):
            return 0 if holding.scale is NonceScale.COUNTER else self.now() - _2020
        return self.spent.get(pair.public_key, 0)

    # One key that may be in use

    def _look(self, holding: Holding) -> None:
        name = holding.record.live_name
        if name not in self.looks:
            self.looks[name] = self._asked(holding)

    def _asked(self, holding: Holding) -> Look:
        if self.held.is_gone(holding.record.public_key) and holding.record.live_name not in self.touched:
            return Look(None)
        if holding.record.claimed_by and holding.pair is not None:
            return self._claimed(holding, holding.pair)
        if holding.pair is None or (why := self._why_not(holding)):
            return _as_recorded(holding, holding.problem if holding.pair is None else why)
        pair = holding.pair
        try:
            told = self._counted(lambda: self._own(pair).describe(holding.scale))
        except (LockedOut, RateLimited):
            raise
        except NonceRefused:
            return _as_recorded(holding, "its consumer uses it at this very moment: it lives")
        except Refused as problem:
            return self._refused(holding, pair, problem)
        self.held.note(pair.public_key, answers=True)
        return _described(holding, told)

    def _why_not(self, holding: Holding) -> str:
        """Why it is not to be asked; empty: it may be."""
        record = holding.record
        if 0 < record.spec.valid_until <= self.now():
            return "it has expired, as recorded"
        if holding.scale not in CLOCKS:
            return "what its consumer sends as nonce is not declared (consumer.nonce), and a call could lock it out"
        answers = self.held.answers(record.public_key)
        if not answers and record.live_name not in self.touched:
            if record.spec.ip_allowlist:
                return "its allow-list may leave this host out"
            if answers is False:
                return _BEFORE
        return "" if self.refused < self._most else _ENOUGH

    @property
    def _most(self) -> int:
        """How many calls in a row may be refused by keys that somebody may be using."""
        return MOST_REFUSED if self.held.remembers else MOST_FORGOTTEN

    def _refused(self, holding: Holding, pair: KeyPair, problem: Refused) -> Look:
        said = ", ".join(problem.errors) or problem.message
        if isinstance(problem, NotAuthorised):
            if self.held.answers(pair.public_key) and _says(problem, _NO_KEY):
                return self._vanished(holding, pair, said)
            if not self.held.answers(pair.public_key):
                self.held.note(pair.public_key, answers=False)
        return _as_recorded(holding, f"refused from here ({said}): {_OR}")

    def _vanished(self, holding: Holding, pair: KeyPair, said: str) -> Look:
        """It answered from here before, and Kraken has just said that there is no such key."""
        if not self.held.remembers:
            self.suspects[holding.record.live_name] = said
        elif self.is_proved_gone(pair, said):
            return Look(None)
        look = _as_recorded(holding, f"refused from here ({said}), where it answered before: {_LIKELY}")
        return replace(look, vanished=not (self.held.remembers or holding.record.claimed_by))

    def _claimed(self, holding: Holding, pair: KeyPair) -> Look:
        """Somebody says that it is revoked. Its consumer is none any more, so any small call will do."""
        if not self.held.answers(pair.public_key):
            return _as_recorded(holding, "it has not answered from here before, so its silence would prove nothing")
        if self.refused >= self._most or (lives := self.lives(pair)) is None:
            return _as_recorded(holding, _ENOUGH)
        if lives:
            return Look(_recorded(holding))
        return self._vanished(holding, pair, _NO_KEY)

    # One key that a person has just made

    def _look_at_new(self, holding: Holding, iiban: str, others: Iterable[Holding]) -> None:
        name = holding.record.live_name
        if name in self.looks:
            return
        if twin := next((one for one in others if _is_same(one, holding)), None):
            odd = (f"this is the pair of {twin.record.live_name}, which is another key of ours",)
            self.looks[name] = Look(_recorded(holding), odd=odd, pair_is_wrong=True)
        elif holding.pair is None:
            self.looks[name] = _as_recorded(holding, holding.problem)
        elif _is_secret(holding.pair.public_key):
            self.looks[name] = _wrong(holding, "the key has the shape of a secret: were the two swapped?")
        elif self.refused >= MOST_REFUSED:
            self.looks[name] = _as_recorded(holding, _ENOUGH)
        elif self.held.answers(holding.pair.public_key) is False and name not in self.touched:
            self.looks[name] = _as_recorded(holding, _BEFORE)
        else:
            self.looks[name] = self._asked_new(holding, holding.pair, iiban)

    def _asked_new(self, holding: Holding, pair: KeyPair, iiban: str) -> Look:
        """A few tries, for it may not have spread yet; fewer where this host may not use it.

        Each with another nonce: one that was refused may be spent.
        """
        spent = self._spent(holding, pair)
        tries = [spent + each for each in _FIRST[: len(_FIRST) - bool(holding.record.spec.ip_allowlist)]]
        for nonce, pause in zip(tries, SPREAD, strict=False):
            try:
                told = self.describe(pair, nonce)
            except (LockedOut, RateLimited):
                raise
            except Refused as problem:
                if self.refused >= MOST_REFUSED or nonce == tries[-1] or _is_final(problem):
                    return self._new_refused(holding, problem)
                if not isinstance(problem, NonceRefused):
                    self.wait(pause)
            else:
                break
        self.held.note(pair.public_key, answers=True)
        return _described(holding, told, iiban)

    def _new_refused(self, holding: Holding, problem: Refused) -> Look:
        """What it means: where other addresses may use the key and this one may not, Kraken may say the same words."""
        said = ", ".join(problem.errors) or problem.message
        if isinstance(problem, NonceRefused):
            return _wrong(holding, "it has been in use already, so it is not the key that was just made")
        if _says(problem, "EAPI:Invalid signature"):
            what = "key and secret do not belong together, or the key has a second factor (2FA), which it must not have"
            return _wrong(holding, f"{what} ({said})")
        if not holding.record.spec.ip_allowlist:
            return _wrong(holding, f"Kraken knows no such key ({said}): was it copied whole, and not deleted since?")
        if holding.pair is not None:
            self.held.note(holding.pair.public_key, answers=False)
        why = f"Kraken refuses it from here ({said}): this host is not in its allow-list, or the key was mistyped"
        return _as_recorded(holding, why)

    def _own(self, pair: KeyPair) -> OwnKey:
        return OwnKey(self.http, pair, self.clock)

    def _counted(self, deed: Callable[[], T]) -> T:
        """Failures in a row are counted, whatever they were; `lives` is answered by a refusal.

        Whoever asks too fast is told so, and that adds up to no lockout.
        """
        try:
            done = deed()
        except RateLimited:
            raise
        except Refused:
            self.refused += 1
            raise
        self.refused = self.refused + 1 if isinstance(done, bool) else 0
        return done


_BEFORE = "it was refused from here before, and more refusals could lock the account"
_LIKELY = "it is gone, most likely; the next run that may write it down asks once more, and proves it"
_OR = "gone, expired, or this host is not in its allow-list"
_ENOUGH = "not asked: several calls in a row were refused, and more could lock the account"


def _is_secret(text: str) -> bool:
    """A secret is 64 bytes in base64, and a key is shorter. Source: docs.kraken.com, Spot REST authentication."""
    try:
        return len(b64decode(text, validate=True)) == _SECRET_BYTES
    except ValueError:
        return False


def _says(problem: Refused, *words: str) -> bool:
    """In either spelling: `EAPI:Invalid key` is also written `EAPI: Invalid key`."""
    return any(error.replace(": ", ":", 1).startswith(words) for error in problem.errors)


def _is_final(problem: Refused) -> bool:
    """What another try would not change."""
    return not _says(problem, "EAPI:Invalid key", "EAPI:Invalid nonce")


def _is_slow(holding: Holding) -> bool:
    """Two calls within a second would have the same nonce."""
    return holding.scale is NonceScale.SECONDS and not holding.fresh


def _is_same(one: Holding, other: Holding) -> bool:
    return other.pair is not None and other.pair.public_key in (one.record.public_key, one.pair and one.pair.public_key)


def _recorded(holding: Holding) -> LiveKey:
    record = holding.record
    return LiveKey(name=record.live_name, spec=record.spec, created=record.created, public_key=record.public_key)


def _as_recorded(holding: Holding, why: str) -> Look:
    return Look(_recorded(holding), unasked=why)


def _wrong(holding: Holding, why: str) -> Look:
    return Look(_recorded(holding), odd=(why,), pair_is_wrong=True)


def _described(holding: Holding, told: Description, iiban: str = "") -> Look:
    """By its recorded name, whatever Kraken calls it: the pair is what makes it that key."""
    name, odd = holding.record.live_name, list[str]()
    if told.live.name != name:
        odd.append(f"Kraken calls it “{told.live.name}”, not “{name}”")
    if iiban and told.iiban and told.iiban != iiban:
        odd.append(f"it belongs to the account {told.iiban}, not to {iiban}")
    public_key = holding.pair.public_key if holding.pair else told.live.public_key
    created = told.live.created if holding.fresh else holding.record.created  # the same, whether it is asked or not
    live = replace(told.live, name=name, created=created, public_key=public_key)
    return Look(live, odd=tuple(odd), iiban=told.iiban)


def _one_account(looks: Iterable[tuple[str, Look]]) -> str:
    """Whose they all are; empty: none told. Raises SafetyStop."""
    seen: dict[str, str] = {}
    for name, look in looks:
        if look.iiban:
            seen.setdefault(look.iiban, name)
    if len(seen) > 1:
        told = "; ".join(f"{name} belongs to {iiban}" for iiban, name in seen.items())
        raise SafetyStop(
            f"keys that are recorded on one account belong to different ones: {told}",
            hint="which of them is meant? correct the manifests, or the secrets in the store; nothing was changed",
        )
    return next(iter(seen), "")
