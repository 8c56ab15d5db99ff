"""Asks the keys of one account about themselves, where their consumers do not notice and few calls are refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from krakenctl.errors import ExchangeError, KrakenctlError, LockedOut, RateLimited, Refused
from krakenctl.model.allow_list import AllowList
from krakenctl.model.description import Description
from krakenctl.model.holding import Holding
from krakenctl.model.key import KeyPair, KeySpec, LiveKey
from krakenctl.model.plight import Background
from krakenctl.model.recorded import EndProof
from krakenctl.model.silence import (
    TWICE,
    Refusal,
    is_fenced_off,
    is_silence,
    is_silent_twice,
    is_unknown,
    silence_proves,
)
from krakenctl.model.verification import Probed, Verdict
from krakenctl.surfaces.kraken.answers import said as words
from krakenctl.surfaces.kraken.ending import is_refused_again, may_be_proved
from krakenctl.surfaces.kraken.gently import Caller
from krakenctl.surfaces.kraken.probes import Pace, probe
from krakenctl.tasks.verification.asked import Asked
from krakenctl.tasks.verification.meaning import ENDED_OR_FENCED, FORMER, meaning


class _Refused(NamedTuple):
    holding: Holding
    pair: KeyPair
    said: str
    before: bool  # an earlier command was told that there is no such key


@dataclass(slots=True, kw_only=True)
class Asking:
    """One account in one run. For one thread. `lists`: what its list shows of these keys, by recorded name."""

    caller: Caller  # with the memory of what was answered and refused, and what may still be
    gone: Callable[[str], EndProof | None]  # by public key: what proved its end
    pace: Callable[[], Pace]  # anew for each key
    now: int  # unix seconds on the exchange's clock
    lists: Mapping[str, LiveKey]
    probing: bool
    _every: list[Holding] = field(default_factory=list)
    _refused: dict[str, _Refused] = field(default_factory=dict)  # by recorded name, in this run

    def all(self, holdings: list[Holding]) -> dict[str, Asked]:
        """By recorded name. Those that are sure to answer first: then there is one to end a row of refusals with."""
        self._every = sorted(holdings, key=self._is_rather_last)
        try:
            asked = {one.record.live_name: self._ask(one) for one in self._every}
            for name, refused in self._refused.items():  # only now it is known which lists let this host in
                asked[name] = self._judged(refused)
        finally:
            self.caller.keep()
        return asked

    def _judged(self, refused: _Refused) -> Asked:
        holding, said = refused.holding, refused.said
        try:
            if is_unknown(said) and not self._is_listed(holding) and self._is_provable(refused):
                return self._once_more(refused)
        except KrakenctlError as problem:
            return Asked(verdict=_verdict(problem), why=problem.message)
        if (known := self._refusal(holding)) is not None and is_unknown(said) and is_fenced_off(known.said):
            return self._meant(holding, known.said, shut=False)  # an earlier command was shown that it lives
        return self._meant(holding, said, shut=self._is_shut(holding) and not self._was_let_in(holding))

    def _meant(self, holding: Holding, said: str, *, shut: bool) -> Asked:
        known = Background(listed=self._is_listed(holding), shut=shut, answered=self._has_answered(holding))
        meant = meaning(said, known)
        return Asked(verdict=meant.verdict, why=meant.why, lives=meant.lives)

    def _is_provable(self, refused: _Refused) -> bool:
        """Whether another refusal would prove its end, or an earlier command's has done so already."""
        may_be = may_be_proved(self.caller, refused.holding, refused.pair, self._every) and not self.caller.row.refused
        return may_be and (refused.before or not self.caller.row.spent)

    def _is_rather_last(self, holding: Holding) -> tuple[bool, tuple[object, ...]]:
        return self._is_doubtful(holding), self.caller.likelihood(holding)

    def _is_doubtful(self, holding: Holding) -> bool:
        return bool(self._networks(holding)) and not self._has_answered(holding)

    def _ask(self, holding: Holding) -> Asked:
        if why := self.caller.held.locked():
            return Asked(verdict=Verdict.LOCKED_OUT, why=why)
        if why := self._end_of(holding):
            return Asked(verdict=Verdict.REVOKED, why=why)
        if holding.pair is None:
            return Asked(why=holding.problem)
        if holding.record.public_key not in ("", holding.pair.public_key):
            return Asked(verdict=Verdict.DENIED, why="what the store keeps for it is the pair of another key")
        if why := next(self._objections(holding), ""):
            return self._remembered(holding, why)
        return self._asked(holding, holding.pair)

    def _end_of(self, holding: Holding) -> str:
        """Why it is taken for gone, unasked; empty: it is not. Somebody's word is put to the test where it can be."""
        proof = self.gone(holding.record.public_key)
        if proof is None or self._is_listed(holding):
            return ""
        if proof.host:
            return f"{proof.told}, so it is not asked again"
        return proof.told if holding.pair is None or next(self._objections(holding), "") else ""

    def _objections(self, holding: Holding) -> Iterator[str]:
        """Why it is not to be asked."""
        networks, end = self._networks(holding), self._known_spec(holding).valid_until
        if why := self.caller.objection(holding, self.now, end):
            yield why
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
        may_be_shut = bool(self._networks(holding)) and not self._was_let_in(holding)
        meant = self._meant(holding, before.said, shut=may_be_shut)
        return replace(meant, why=f"{meant.why}; {why}")

    def _asked(self, holding: Holding, pair: KeyPair) -> Asked:
        pace, before = self.pace(), self._refusal(holding)
        try:
            pace.before(holding.scale, 1)
            told = self.caller.describe_twice(holding, pair, lambda: pace.before(holding.scale, 1))
        except (LockedOut, RateLimited) as problem:
            return Asked(verdict=_verdict(problem), why=problem.message)
        except Refused as problem:
            had_gone = before is not None and is_silence(before.said)
            self._refused[holding.record.live_name] = _Refused(holding, pair, words(problem), had_gone)
            self._rest(holding)
            return Asked(verdict=Verdict.UNKNOWN)  # until all have been asked
        except KrakenctlError as problem:
            return Asked(verdict=Verdict.UNKNOWN, why=problem.message)
        return Asked(told=told, probed=self._probed(pair, told, pace) if self.probing else ())

    def _probed(self, pair: KeyPair, told: Description, pace: Pace) -> tuple[Probed, ...]:
        own = self.caller.own(pair)
        probed = probe(own, told, pace=pace)
        self.caller.has_seen(pair, told.scale, own)
        return probed

    def _once_more(self, refused: _Refused) -> Asked:
        """It answered from here before, and this host may use it: a second refusal, where no earlier command has it.

        Of a key that was heard right before somebody claimed its end, that is the proof; another may be fenced off.
        """
        holding, why = refused.holding, f"{FORMER} (“{refused.said}”)"
        if refused.before:
            return self._silent(holding, f"{why}, and said so to an earlier command")
        is_silent = is_refused_again(self.caller, refused.pair, ends=holding.is_ending)
        self._rest(holding)
        if is_silent:
            return self._silent(holding, f"{why}, twice")
        after = self._refusal(holding)
        if after is not None and is_fenced_off(after.said):
            return self._meant(holding, after.said, shut=False)
        return Asked(verdict=Verdict.DENIED, why=f"{why}; asked again, it told neither")

    def _silent(self, holding: Holding, why: str) -> Asked:
        if not holding.is_ending:
            return Asked(verdict=Verdict.DENIED, why=f"{why}: {ENDED_OR_FENCED}")
        self.caller.held.note_gone(holding.record.public_key, TWICE)
        return Asked(verdict=Verdict.REVOKED, why=why)

    def _rest(self, holding: Holding) -> None:
        """End a row of refusals, if another key can."""
        if not self.caller.row.spent:
            with suppress(ExchangeError):  # a lockout is noted, and the next key is told of it
                self.caller.rest([one for one in self._every if one is not holding])

    def _refusal(self, holding: Holding) -> Refusal | None:
        return self.caller.held.refusal(holding.record.public_key)

    def _was_let_in(self, holding: Holding) -> bool:
        """Whether this host was, when it was refused: only then is a key asked twice."""
        before = self._refusal(holding)
        return before is not None and is_silent_twice(before.said)

    def _has_answered(self, holding: Holding) -> bool:
        return self.caller.held.answer(holding.record.public_key) is not None

    def _is_listed(self, holding: Holding) -> bool:
        return holding.record.live_name in self.lists

    def _is_shut(self, holding: Holding) -> bool:
        """Whether its allow-list, as last seen, may leave this host out: none that answered shows the contrary."""
        let_in = self.caller.let_in - {holding.record.public_key}
        return not silence_proves(self._networks(holding), [self.caller.lists[each] for each in let_in])

    def _known_spec(self, holding: Holding) -> KeySpec:
        listed = self.lists.get(holding.record.live_name)
        return listed.spec if listed else holding.record.spec

    def _networks(self, holding: Holding) -> AllowList:
        return self._known_spec(holding).ip_allowlist


def _verdict(problem: KrakenctlError) -> Verdict:
    return Verdict.LOCKED_OUT if isinstance(problem, LockedOut) else Verdict.UNKNOWN
