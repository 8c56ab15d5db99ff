"""Asks the keys of one account about themselves, where their consumers do not notice and few calls are refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from krakenctl.errors import ExchangeError, KrakenctlError, LockedOut, NonceRefused, RateLimited, Refused
from krakenctl.model.description import CLOCKS, Description
from krakenctl.model.holding import Holding
from krakenctl.model.key import KeyPair, LiveKey
from krakenctl.model.recorded import Gone
from krakenctl.model.time import show_time
from krakenctl.model.verification import Probed, Verdict
from krakenctl.surfaces.kraken.own_key import OwnKey
from krakenctl.surfaces.kraken.probes import Allowance, Pace, probe
from krakenctl.surfaces.kraken.roll import MOST_FORGOTTEN

AllowList = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """How one key was asked. `verdict`: what its refusal means; None: it answered, or was not asked."""

    told: Description | None = None
    verdict: Verdict | None = None
    why: str = ""  # of the verdict, or why it was not asked
    lives: bool = False  # it did not answer, and what Kraken said proves that it is there
    probed: tuple[Probed, ...] = ()


@dataclass(slots=True, kw_only=True)
class Asking:
    """One account in one run. For one thread. `lists`: what its list shows of these keys, by recorded name."""

    own_key: Callable[[KeyPair], OwnKey]
    pace: Callable[[], Pace]  # anew for each key
    now: int  # unix seconds on the exchange's clock
    lists: Mapping[str, LiveKey]
    has_answered: Callable[[str], bool]  # by public key: from this host, before
    gone: Callable[[str], Gone | None] = lambda _: None  # by public key: what proved its end
    probing: bool
    allowance: Allowance
    _let_in: dict[AllowList, str] = field(default_factory=dict)  # by which key, of those that answered in this run
    _refused: dict[AllowList, str] = field(default_factory=dict)
    _suspects: dict[str, tuple[OwnKey, str]] = field(default_factory=dict)  # refused once: its pair, and what was said
    _good: tuple[Holding, OwnKey, Pace] | None = None  # the last one that answered

    def all(self, holdings: list[Holding]) -> dict[str, Asked]:
        """By recorded name. Those that are sure to answer first: then there is one to end a row of refusals with."""
        asked = {one.record.live_name: self._ask(one) for one in sorted(holdings, key=self._is_rather_last)}
        for name, (own, said) in self._suspects.items():
            if self._good is not None:  # nothing is remembered of a refusal: another key has to answer in between
                asked[name] = self._gone(own, said)
        return asked

    def _is_rather_last(self, holding: Holding) -> tuple[bool, bool]:
        return self._is_doubtful(holding), not self.has_answered(holding.record.public_key)

    def _is_doubtful(self, holding: Holding) -> bool:
        return bool(self._networks(holding)) and not self.has_answered(holding.record.public_key)

    def _ask(self, holding: Holding) -> Asked:
        if self.allowance.locked:
            return Asked(verdict=Verdict.LOCKED_OUT, why=self.allowance.spent)
        if (proof := self.gone(holding.record.public_key)) and not self._is_listed(holding):
            said = f"refused twice ({proof.said}) at {show_time(proof.since)}, seen from {proof.host}"
            return Asked(verdict=Verdict.REVOKED, why=f"proved before, so it is not asked again: {said}")
        if holding.pair is None:
            return Asked(why=holding.problem)
        if why := next(self._objections(holding), ""):
            return Asked(why=why)
        own, pace = self.own_key(holding.pair), self.pace()
        try:
            told = self._described(holding, own, pace)
        except KrakenctlError as problem:
            return self._unanswered(holding, own, problem)
        return self._answered(holding, own, pace, told)

    def _unanswered(self, holding: Holding, own: OwnKey, problem: KrakenctlError) -> Asked:
        match problem:
            case LockedOut():
                return Asked(verdict=Verdict.LOCKED_OUT, why=problem.message)
            case NonceRefused():
                return Asked(verdict=Verdict.UNKNOWN, why=_BUSY, lives=True)
            case Refused() if not isinstance(problem, RateLimited):
                self._rest()
                return self._explained(holding, own, problem)
        return Asked(verdict=Verdict.UNKNOWN, why=problem.message)

    def _objections(self, holding: Holding) -> Iterator[str]:
        """Why it is not to be asked."""
        networks, end = self._networks(holding), self._known(holding).spec.valid_until
        if 0 < end <= self.now:
            yield "its end has passed"
        if holding.scale not in CLOCKS:
            yield f"consumer.nonce is {holding.scale}, and a call could lock its consumer out"
        if self.allowance.spent:
            yield self.allowance.spent
        if self._good is None and len(self._suspects) >= MOST_FORGOTTEN:
            yield "other keys were refused just now, none has answered, and more refusals could lock the account"
        if not self._is_doubtful(holding) or networks in self._let_in:
            return
        if networks in self._refused:
            yield f"{self._refused[networks]}, which has the same allow-list, was refused from this host"
        if self._is_listed(holding) and not self.probing:
            yield "its allow-list may leave this host out, and its account's list describes it (--probe asks it)"

    def _described(self, holding: Holding, own: OwnKey, pace: Pace, tries: int = 2) -> Description:
        """A refused nonce is tried once more: its consumer was quicker."""
        pace.before(holding.scale, 1)
        try:
            return self.allowance.counted(lambda: own.describe(holding.scale))
        except NonceRefused:
            if tries > 1 and not self.allowance.spent:
                return self._described(holding, own, pace, tries - 1)
            raise

    def _answered(self, holding: Holding, own: OwnKey, pace: Pace, told: Description) -> Asked:
        self._good = (holding, own, pace)
        if networks := told.live.spec.ip_allowlist:
            self._let_in.setdefault(networks, holding.record.live_name)
        probed = probe(own, told, pace=pace, allowance=self.allowance) if self.probing else ()
        return Asked(told=told, probed=probed)

    def _explained(self, holding: Holding, own: OwnKey, problem: Refused) -> Asked:
        """What it means. What Kraken says to an address that is not in an allow-list is unconfirmed."""
        said = ", ".join(problem.errors) or problem.message
        networks, is_listed = self._networks(holding), self._is_listed(holding)
        is_shut = bool(networks) and networks not in self._let_in
        if _says(problem, "EAPI:Invalid signature"):
            verdict, why = Verdict.UNKNOWN, "the store keeps another secret, or it has a second factor (2FA)"
        elif is_listed and is_shut:
            verdict, why = Verdict.BLOCKED_BY_IP, "it lives, and its allow-list leaves this host out, most likely"
        elif not is_listed and _says(problem, _NO_KEY) and self.has_answered(holding.record.public_key):
            self._suspects[holding.record.live_name] = own, said
            why = f"{_WAS} (“{said}”); it was asked once only, for no other key answers in between"
            return Asked(verdict=Verdict.UNKNOWN, why=why)
        elif is_shut:
            verdict, why = Verdict.UNKNOWN, "revoked, expired, or its allow-list leaves this host out"
        elif not _says(problem, _NO_KEY):
            verdict, why = Verdict.UNKNOWN, "nobody knows what that means of a key that any address may use"
        elif is_listed:
            verdict, why = Verdict.DENIED, "its account lists it, and what the store keeps of it does not work"
        else:
            verdict, why = (
                Verdict.DENIED,
                "revoked, expired, or changed by a person: as last sent, this host may use it",
            )
        if is_shut:
            self._refused.setdefault(networks, holding.record.live_name)
        return Asked(verdict=verdict, why=f"Kraken says “{said}” to this host: {why}")

    def _gone(self, own: OwnKey, said: str) -> Asked:
        """It answered from here before. One more gentle call makes that two that say the same."""
        why = f"{_WAS} (“{said}”)"
        if self.allowance.spent:
            return Asked(verdict=Verdict.UNKNOWN, why=f"{why}; it was asked once only: {self.allowance.spent}")
        try:
            lives = own.lives()
        except LockedOut as problem:
            self.allowance.locked = True
            return Asked(verdict=Verdict.LOCKED_OUT, why=problem.message)
        except ExchangeError as problem:
            return Asked(verdict=Verdict.UNKNOWN, why=problem.message)
        self.allowance.left -= 1  # either answer is a refusal
        self._rest()
        if lives:
            return Asked(verdict=Verdict.UNKNOWN, why=_BUSY, lives=True)
        return Asked(verdict=Verdict.REVOKED, why=why)

    def _rest(self) -> None:
        """End a row of refusals with a call that is sure to be answered, if there is a key for it."""
        if self._good is None or self.allowance.spent:
            return
        holding, own, pace = self._good
        pace.before(holding.scale, 1)
        try:
            self.allowance.counted(lambda: own.describe(holding.scale))
        except ExchangeError:
            self._good = None

    def _is_listed(self, holding: Holding) -> bool:
        return holding.record.live_name in self.lists

    def _known(self, holding: Holding) -> LiveKey:
        record = holding.record
        recorded = LiveKey(name=record.live_name, spec=record.spec, created=record.created)
        return self.lists.get(record.live_name, recorded)

    def _networks(self, holding: Holding) -> AllowList:
        return self._known(holding).spec.ip_allowlist


_BUSY = "it lives; its consumer was using it at the same moments, or sends a finer clock than consumer.nonce says"


_WAS = "it has answered from this host before, and Kraken knows it no more"
_NO_KEY = "EAPI:Invalid key"


def _says(problem: Refused, text: str) -> bool:
    """`EAPI: Invalid key` is also written so."""
    return any(error.replace(": ", ":", 1).startswith(text) for error in problem.errors)
