"""Asks the keys of one account about themselves, where their consumers do not notice and few calls are refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple

from krakenctl.errors import ExchangeError, KrakenctlError, LockedOut, NonceRefused, RateLimited, Refused
from krakenctl.model.description import CLOCKS, Description
from krakenctl.model.holding import Holding
from krakenctl.model.key import KeyPair, LiveKey
from krakenctl.model.recorded import Gone
from krakenctl.model.silence import AllowList, Refusal, silence_proves
from krakenctl.model.time import show_time
from krakenctl.model.verification import Probed, Verdict
from krakenctl.surfaces.kraken.answers import NO_KEY
from krakenctl.surfaces.kraken.answers import said as words
from krakenctl.surfaces.kraken.ending import is_refused_again, may_be_proved
from krakenctl.surfaces.kraken.gently import Caller
from krakenctl.surfaces.kraken.look import ENOUGH
from krakenctl.surfaces.kraken.own_key import OwnKey
from krakenctl.surfaces.kraken.probes import Allowance, Pace, probe
from krakenctl.tasks.verification.meaning import FENCED, FORMER, NO_NONCE, Known, meaning


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """How one key was asked. `verdict`: what its refusal means; None: it answered, or was not asked."""

    told: Description | None = None
    verdict: Verdict | None = None
    why: str = ""  # of the verdict, or why it was not asked
    lives: bool = False  # it did not answer, and what Kraken said proves that it is there
    probed: tuple[Probed, ...] = ()


class _Refused(NamedTuple):
    holding: Holding
    pair: KeyPair
    said: str
    before: bool  # an earlier command was told that there is no such key


@dataclass(slots=True, kw_only=True)
class Asking:
    """One account in one run. For one thread. `lists`: what its list shows of these keys, by recorded name."""

    caller: Caller  # with the memory of what was answered and refused
    gone: Callable[[str], Gone | None]  # by public key: what proved its end
    pace: Callable[[], Pace]  # anew for each key
    now: int  # unix seconds on the exchange's clock
    lists: Mapping[str, LiveKey]
    probing: bool
    allowance: Allowance
    _every: list[Holding] = field(default_factory=list)
    _refused: dict[str, _Refused] = field(default_factory=dict)  # by recorded name, in this run

    def all(self, holdings: list[Holding]) -> dict[str, Asked]:
        """By recorded name. Those that are sure to answer first: then there is one to end a row of refusals with."""
        self._every = sorted(holdings, key=self._is_rather_last)
        asked = {one.record.live_name: self._ask(one) for one in self._every}
        for name, refused in self._refused.items():  # only now it is known which lists let this host in
            asked[name] = self._judged(refused)
        return asked

    def _judged(self, refused: _Refused) -> Asked:
        holding, said = refused.holding, refused.said
        try:
            if said.startswith(NO_KEY) and not self._is_listed(holding) and self._is_provable(refused):
                return self._once_more(refused)
        except KrakenctlError as problem:
            return Asked(verdict=_verdict(problem), why=problem.message)
        listed, shut = self._is_listed(holding), self._is_shut(holding)
        meant = meaning(said, Known(listed=listed, shut=shut, answered=self._has_answered(holding)))
        return Asked(verdict=meant.verdict, why=meant.why, lives=meant.lives)

    def _is_provable(self, refused: _Refused) -> bool:
        """Whether another refusal would prove its end, or an earlier command's has done so already."""
        may_be = may_be_proved(self.caller, refused.holding, refused.pair, self._every) and not self.caller.row
        return may_be and (refused.before or not self.allowance.spent)

    def _is_rather_last(self, holding: Holding) -> tuple[bool, bool, bool]:
        has_answered = self._has_answered(holding)
        return self._is_doubtful(holding), self._refusal(holding) is not None, not has_answered

    def _is_doubtful(self, holding: Holding) -> bool:
        return bool(self._networks(holding)) and not self._has_answered(holding)

    def _ask(self, holding: Holding) -> Asked:
        if self.allowance.locked or self.caller.held.locked():
            return Asked(verdict=Verdict.LOCKED_OUT, why=self.caller.held.locked() or self.allowance.spent)
        if (proof := self.gone(holding.record.public_key)) and not self._is_listed(holding):
            said = f"refused twice ({proof.said}) at {show_time(proof.since)}, seen from {proof.host}"
            return Asked(verdict=Verdict.REVOKED, why=f"proved before, so it is not asked again: {said}")
        if holding.pair is None:
            return Asked(why=holding.problem)
        if holding.record.public_key not in ("", holding.pair.public_key):
            return Asked(verdict=Verdict.DENIED, why="what the store keeps for it is the pair of another key")
        if why := next(self._objections(holding), ""):
            return self._remembered(holding, why)
        return self._asked(holding, holding.pair)

    def _objections(self, holding: Holding) -> Iterator[str]:
        """Why it is not to be asked."""
        networks, end = self._networks(holding), self._known_spec(holding).spec.valid_until
        if 0 < end <= self.now:
            yield "its end has passed"
        if holding.scale not in CLOCKS:
            yield f"consumer.nonce is {holding.scale}, and a call could lock its consumer out"
        if why := self.caller.held.rests(holding.record.public_key):
            yield why
        if self.allowance.spent:
            yield self.allowance.spent
        if self.caller.has_enough:
            yield ENOUGH
        if not self._is_doubtful(holding) or not self._is_shut(holding):
            return
        alike = (name for name, one in self._refused.items() if self._networks(one.holding) == networks)
        if other := next(alike, ""):
            yield f"{other}, which has the same allow-list, was refused from this host"
        if self._is_listed(holding) and not self.probing:
            yield "its allow-list may leave this host out, and its account's list describes it (--probe asks it)"

    def _remembered(self, holding: Holding, why: str) -> Asked:
        """Not asked. Where no list tells of it, it is judged by what was said when it was: else that were told once."""
        before = self._refusal(holding)
        if before is None or self._is_listed(holding):
            return Asked(why=why)
        may_be_shut = bool(self._networks(holding))  # this host may have had another address then
        known = Known(listed=False, shut=may_be_shut, answered=self._has_answered(holding))
        meant = meaning(before.said, known)
        return Asked(verdict=meant.verdict, why=f"{meant.why}; {why}", lives=meant.lives)

    def _asked(self, holding: Holding, pair: KeyPair) -> Asked:
        pace, before = self.pace(), self._refusal(holding)
        try:
            told = self._described(holding, pair, pace)
        except (LockedOut, RateLimited) as problem:
            return Asked(verdict=_verdict(problem), why=problem.message)
        except Refused as problem:
            had_gone = before is not None and before.said.startswith(NO_KEY)
            self._refused[holding.record.live_name] = _Refused(holding, pair, words(problem), had_gone)
            self._rest(holding)
            return Asked(verdict=Verdict.UNKNOWN)  # until all have been asked
        except KrakenctlError as problem:
            return Asked(verdict=Verdict.UNKNOWN, why=problem.message)
        return Asked(told=told, probed=self._probed(pair, told, pace) if self.probing else ())

    def _probed(self, pair: KeyPair, told: Description, pace: Pace) -> tuple[Probed, ...]:
        own = OwnKey(self.caller.http, pair, self.caller.clock)
        probed = probe(own, told, pace=pace, allowance=self.allowance)
        if self.allowance.locked:
            self.caller.held.note_lockout()
        return probed

    def _described(self, holding: Holding, pair: KeyPair, pace: Pace, tries: int = 2) -> Description:
        """A refused nonce is tried once more: its consumer was quicker."""
        pace.before(holding.scale, 1)
        try:
            return self.allowance.counted(lambda: self.caller.describe(pair, holding.scale))
        except NonceRefused:
            if tries > 1 and not self.allowance.spent and not self.caller.has_enough:
                return self._described(holding, pair, pace, tries - 1)
            raise

    def _once_more(self, refused: _Refused) -> Asked:
        """It answered from here before, and this host may use it. A second refusal in the same words proves it."""
        holding, why = refused.holding, f"{FORMER} (“{refused.said}”)"
        if refused.before:
            self.caller.held.note_gone(holding.record.public_key, f"{NO_KEY}, {refused.said}")
            return Asked(verdict=Verdict.REVOKED, why=f"{why}, and said so to an earlier command")
        is_gone = is_refused_again(self.caller, refused.pair, refused.said)
        self.allowance.left -= 1  # whatever it told, it told by a refusal
        self._rest(holding)
        if is_gone:
            return Asked(verdict=Verdict.REVOKED, why=f"{why}, twice")
        after = self._refusal(holding)
        if after is not None and after.said.startswith(NO_NONCE):
            return Asked(verdict=Verdict.DENIED, why=FENCED, lives=True)
        return Asked(verdict=Verdict.DENIED, why=f"{why}; asked again, it told neither")

    def _rest(self, holding: Holding) -> None:
        """End a row of refusals, if another key can."""
        if not self.allowance.spent:
            with suppress(ExchangeError):
                self.caller.rest([one for one in self._every if one is not holding])

    def _refusal(self, holding: Holding) -> Refusal | None:
        return self.caller.held.refusal(holding.record.public_key)

    def _has_answered(self, holding: Holding) -> bool:
        return self.caller.held.answer(holding.record.public_key) is not None

    def _is_listed(self, holding: Holding) -> bool:
        return holding.record.live_name in self.lists

    def _is_shut(self, holding: Holding) -> bool:
        """Whether its allow-list, as last seen, may leave this host out: none that answered shows the contrary."""
        let_in = self.caller.let_in - {holding.record.public_key}
        return not silence_proves(self._networks(holding), [self.caller.lists[each] for each in let_in])

    def _known_spec(self, holding: Holding) -> LiveKey:
        record = holding.record
        recorded = LiveKey(name=record.live_name, spec=record.spec, created=record.created)
        return self.lists.get(record.live_name, recorded)

    def _networks(self, holding: Holding) -> AllowList:
        return self._known_spec(holding).spec.ip_allowlist


def _verdict(problem: KrakenctlError) -> Verdict:
    return Verdict.LOCKED_OUT if isinstance(problem, LockedOut) else Verdict.UNKNOWN
