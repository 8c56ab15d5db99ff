"""A roll-call of the keys that we hold: each is asked about itself where its consumer does not notice. Changes nothing.

No call lists keys that people made on the website (docs.kraken.com, GetApiKeyInfo: it describes the key that signs it).
So what is known of an account is what its own keys say, and for the others what was recorded.

The port to what is known before is `held`; how a call is made, and how few are refused, `gently`; what a look shows
and its words, `look`; a key that was just made, `newcomer`; the proof that one has ended, `ending`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from krakenctl.errors import LockedOut, RateLimited, Refused
from krakenctl.model.holding import Holding
from krakenctl.model.human import Slip
from krakenctl.model.key import KeyPair
from krakenctl.model.silence import NO_KEY, Refusal, is_by_nonce, is_fenced_off, is_silence, is_unknown, was_asked_twice
from krakenctl.surfaces.kraken import look
from krakenctl.surfaces.kraken.answers import said
from krakenctl.surfaces.kraken.ending import is_refused_again, may_be_proved, would_be_let_in
from krakenctl.surfaces.kraken.gently import Caller
from krakenctl.surfaces.kraken.look import GONE, Look
from krakenctl.surfaces.kraken.newcomer import looked_at


@dataclass(slots=True)
class RollCall:
    """One account during one command. A key is asked once, and again when something was done to it."""

    caller: Caller
    now: Callable[[], int]  # the exchange's clock, unix seconds
    attended: bool  # a person is there
    account: str = ""  # the IIBAN that its keys in use told; empty: none has yet
    looks: dict[str, Look] = field(default_factory=dict)  # by recorded name
    _touched: set[str] = field(default_factory=set)  # by recorded name: whatever it answered before, it is asked
    _held: list[Holding] = field(default_factory=list)  # as of the last call
    _every: dict[str, Holding] = field(default_factory=dict)  # the same by recorded name, with those of this run
    _suspects: list[str] = field(default_factory=list)  # by recorded name: what others answer may prove their end

    def call(self, fresh: Mapping[str, Holding], iiban: str) -> dict[str, Look]:
        """All of them, by recorded name. `fresh`: made in this very run; their account has to be `iiban`, if known.

        Raises SafetyStop when two keys that were in use belong to two accounts, and ExchangeError for what passes.
        """
        self._held = list(self.caller.held.holdings())
        every = {each.record.live_name: each for each in self._held}
        every |= {name: replace(each, scale=every.get(name, each).scale) for name, each in fresh.items()}
        self.looks = {name: seen for name, seen in self.looks.items() if name in every}
        self._every = every
        settled = {name: each for name, each in every.items() if name not in fresh and not each.fresh}
        try:
            self._look_at_settled(settled)
            self.account = look.one_account((name, self.looks[name].iiban) for name in settled)
            self._look_at_new([name for name in every if name not in settled], iiban or self.account)
        finally:
            self.caller.keep()
        return self.looks

    def forget(self, name: str) -> None:
        """It is asked again, once also where its allow-list may leave this host out: something was done to it."""
        self.looks.pop(name, None)
        self._touched.add(name)

    def is_proved_gone(self, name: str, pair: KeyPair) -> bool:
        """It was refused just now, and is once more."""
        holding = self._every[name]
        others = self._others(name)
        return may_be_proved(self.caller, holding, pair, others) and is_refused_again(self.caller, pair)

    def rest(self, but: str) -> None:
        """End a row of refusals, if another key can."""
        if self.caller.row.refused:
            self.caller.rest(self._others(but))

    def _others(self, but: str) -> Iterable[Holding]:
        """One of this run may be among them twice: where it is promoted already, its consumer's nonces are known."""
        return [each for each in (*self._held, *self._every.values()) if each.record.live_name != but]

    # Keys that may be in use

    def _look_at_settled(self, settled: Mapping[str, Holding]) -> None:
        """Those that are sure to answer first, and at once; after all of them, what only their answers can prove."""
        self._suspects = []
        for name, each in sorted(settled.items(), key=lambda one: self.caller.likelihood(one[1])):
            if name not in self.looks:
                self._keep(each, self._asked(each))
        for name in tuple(self._suspects):
            holding = settled[name]
            if holding.pair is not None and (seen := self._silent(holding, holding.pair)):
                self._keep(holding, seen)
        if self.caller.row.refused:  # else these refusals would add up with the next command's
            self.caller.rest(settled.values())

    def _keep(self, holding: Holding, seen: Look) -> None:
        """Whose it is stays known of a key that is not asked."""
        told = self.caller.held.answer(holding.record.public_key)
        iiban = seen.iiban or (told.iiban if told and seen.live else "")
        self.looks[holding.record.live_name] = replace(seen, iiban=iiban)

    def _asked(self, holding: Holding) -> Look:
        if self.caller.held.is_gone(holding.record.public_key) and not self._is_touched(holding):
            return self._said_gone(holding) if self.caller.held.is_said_gone(holding.record.public_key) else GONE
        if holding.pair is None:
            return look.as_recorded(holding, holding.problem)
        if holding.record.claimed_by:
            return self._claimed(holding, holding.pair)
        if left := self._left_alone(holding):
            return left
        was_silent = self._was_silent(holding.pair)
        try:
            return look.described(holding, self.caller.describe_twice(holding, holding.pair))
        except (LockedOut, RateLimited):
            raise
        except Refused as problem:
            return self._refused(holding, holding.pair, said(problem), was_silent=was_silent)

    def _was_silent(self, pair: KeyPair) -> bool:
        """An earlier command was told that there is no such key."""
        before = self.caller.held.refusal(pair.public_key)
        return before is not None and is_silence(before.said)

    def _said_gone(self, holding: Holding) -> Look:
        """Nothing has proved it: where it may be asked and shows that it lives, it is no more gone than any other."""
        if holding.pair is None:
            return GONE
        seen = self._left_alone(holding) or self._asked_once(holding, holding.pair)
        return replace(seen, odd=(*seen.odd, look.NOT_GONE)) if seen.lives else GONE

    def _asked_once(self, holding: Holding, pair: KeyPair) -> Look:
        try:
            return look.described(holding, self.caller.describe_twice(holding, pair))
        except (LockedOut, RateLimited):
            raise
        except Refused as problem:
            return look.refused(holding, said(problem), self._how(pair.public_key, said(problem)), has_answered=True)

    def _left_alone(self, holding: Holding) -> Look | None:
        """It is not to be asked; None: it may be."""
        record = holding.record
        if why := look.barred(holding, self.now()):
            return look.as_recorded(holding, why)
        if resting := self._resting(holding):
            return resting
        has_answered = self.caller.held.answer(record.public_key) is not None
        if record.spec.ip_allowlist and not has_answered and not self._is_touched(holding):
            return look.as_recorded(holding, look.ELSEWHERE)
        why = self.caller.enough if self._has_enough_of(holding) else self.caller.early(holding)
        return look.as_recorded(holding, why) if why else None

    def _has_enough_of(self, holding: Holding) -> bool:
        """What a person has edited, and says is right now, is worth the call that they were granted for it."""
        is_granted = self._is_touched(holding) and self.caller.row.is_granted
        return not is_granted and self.caller.has_enough_of(holding.record.public_key)

    def _resting(self, holding: Holding) -> Look | None:
        """It was refused not long ago."""
        held, public_key = self.caller.held, holding.record.public_key
        refusal = held.refusal(public_key)
        if refusal is None or self._is_touched(holding) or held.locked() or not (how := held.rests(public_key)):
            return None
        if seen := self._fenced_off(holding, refusal.said, how):
            return seen
        return look.refused(holding, refusal.said, how, has_answered=held.answer(public_key) is not None)

    def _fenced_off(self, holding: Holding, what: str, how: str) -> Look | None:
        """It has answered from here, and its silence does not prove its end; None: it shows nothing."""
        public_key = holding.record.public_key
        if holding.is_ending or not is_unknown(what):
            return None
        if not was_asked_twice(what) and not would_be_let_in(self.caller, holding, public_key):
            return None
        return look.fenced(holding, how) if is_fenced_off(what) else look.silent(holding, how)

    def _is_touched(self, holding: Holding) -> bool:
        return holding.record.live_name in self._touched

    def _refused(self, holding: Holding, pair: KeyPair, what: str, *, was_silent: bool = False) -> Look:
        """`was_silent`: an earlier command was told the same."""
        if is_unknown(what) and (seen := self._silent(holding, pair, was_silent=was_silent)):
            return seen
        held, public_key = self.caller.held, pair.public_key
        how = self._how(public_key, what)
        if self._is_touched(holding) and not is_by_nonce(what):
            return look.edited(holding, what)
        return look.refused(holding, what, how, has_answered=held.answer(public_key) is not None)

    def _silent(self, holding: Holding, pair: KeyPair, *, was_silent: bool = False) -> Look | None:
        """What two refusals prove, if anything. Else it is suspect: once others have answered, they may."""
        name, public_key = holding.record.live_name, pair.public_key
        if not may_be_proved(self.caller, holding, pair, self._others(name)):
            self._suspects.append(name)
            return None
        if holding.is_ending or not was_silent:
            is_refused = is_refused_again(self.caller, pair, ends=holding.is_ending)
            if is_refused and holding.is_ending:
                return GONE
        refusal = self.caller.held.refusal(public_key)
        if self._is_touched(holding) or refusal is None:
            return None
        return self._fenced_off(holding, refusal.said, self._how(public_key, refusal.said))

    def _how(self, public_key: str, what: str) -> str:
        return self.caller.held.rests(public_key) or f"refused from here ({what})"

    def _claimed(self, holding: Holding, pair: KeyPair) -> Look:
        """Somebody says that it is revoked. Its consumer is none any more, so any small call will do."""
        refusal, was_silent = self.caller.held.refusal(pair.public_key), self._was_silent(pair)
        if self.caller.held.answer(pair.public_key) is None:
            return look.as_recorded(holding, look.UNPROVED)
        if resting := self._resting(holding):
            return resting if refusal is None else self._last_heard(holding, refusal, resting)
        if self.caller.has_enough or (lives := self.caller.lives(pair)) is None:
            return look.as_recorded(holding, look.ENOUGH)
        if lives:
            return look.alive(holding)
        return self._refused(holding, pair, NO_KEY, was_silent=was_silent)

    def _last_heard(self, holding: Holding, refusal: Refusal, resting: Look) -> Look:
        """That it lived belies only whoever had said by then that it does not."""
        if not is_by_nonce(refusal.said):
            return resting
        if refusal.at > holding.record.claimed_at:
            return look.alive(holding)
        return look.alive_before(holding, self.caller.held.rests(holding.record.public_key))

    # Keys that a person has just made

    def _look_at_new(self, names: Iterable[str], iiban: str) -> None:
        """The first one tells whose account it is, where nobody knew; those after it are held to that."""
        for name in names:
            if name not in self.looks:
                self.looks[name] = self._with_owner(self._newly_asked(self._every[name], iiban))
            if not iiban and self.looks[name].iiban and not self.looks[name].odd:
                iiban = self.looks[name].iiban
                remark = f"its account is {iiban} from now on, as this first key of it says"
                self.looks[name] = replace(self.looks[name], remark=remark)

    def _newly_asked(self, holding: Holding, iiban: str) -> Look:
        others, again = self._others(holding.record.live_name), self._is_touched(holding)
        return looked_at(self.caller, holding, iiban, others, again=again, attended=self.attended)

    def _with_owner(self, seen: Look) -> Look:
        """Whoever was logged in as somebody else has made it below another ceiling."""
        if not seen.iiban or seen.slip is Slip.ACCOUNT:
            return seen
        other = self.caller.held.claim(seen.iiban)
        odd = f"it belongs to the account {seen.iiban}, which is {other}"
        return replace(seen, odd=(*seen.odd, odd), slip=Slip.ACCOUNT) if other else seen
