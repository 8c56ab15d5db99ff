"""What is ours on each account and may be asked about itself: keys with their secrets, and what they have answered."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import TypeVar

from krakenctl.model.address import Address
from krakenctl.model.desired import DesiredKey
from krakenctl.model.holding import Holding
from krakenctl.model.recorded import Gone, Recorded
from krakenctl.model.run import Run
from krakenctl.model.silence import CLOCK_SLACK, LOCKOUT_SECONDS, MOST_REFUSED, ROW_SECONDS, UNTOLD, Answer, Refusal
from krakenctl.model.time import show_time
from krakenctl.observe.holdings import OpenStore, holdings, under_way
from krakenctl.state.base import State

T = TypeVar("T")
Jot = Callable[[Callable[[State], None]], bool]  # see `state.base.StateHome`


@dataclass(frozen=True, slots=True, kw_only=True)
class Estate:
    """For one command; its accounts' threads share it. Nothing is read before an account is asked about, and then anew
    for every look."""

    recorded: Callable[[], Recorded]
    declared: Mapping[Address, DesiredKey]
    open_store: OpenStore
    host: str
    now: Callable[[], int]  # unix seconds on the exchange's clock
    jot: Jot
    holding: Callable[[], tuple[State, Run] | None]  # the state, while it may be written
    pinned: Mapping[str, str] = field(default_factory=dict)  # accounts by IIBAN, as manifests declare them
    named: Collection[Address] = ()  # keys that the user has named: asked, though they were refused not long ago
    _claimed: dict[str, str] = field(default_factory=dict)  # by IIBAN: accounts that showed it in this run
    _shares: dict[str, Share] = field(default_factory=dict)  # by account
    _turn: Lock = field(default_factory=Lock)  # of who claims, or asks for a share

    def of(self, account: str) -> Share:
        """The same for all who ask: what one of them has heard, none of them may ask again. It is read anew."""
        with self._turn:
            share = self._shares.setdefault(account, Share(self, account))
        share.look_again()
        return share

    def whose(self, iiban: str, claimant: str = "") -> str:
        """The account that has it; empty: nobody's is known to. Whoever claims it first in a run has it from then."""
        recorded = (each.name for each in self.recorded().accounts.values() if each.iiban == iiban)
        known = self.pinned.get(iiban) or next(recorded, "")
        with self._turn:
            return known or (self._claimed.setdefault(iiban, claimant) if claimant else self._claimed.get(iiban, ""))

    def write(self, deed: Callable[[State], None]) -> bool:
        """With the lease, or as well as it goes without; False: it is forgotten."""
        if (held := self.holding()) is None:
            return self.jot(deed)
        deed(held[0])
        return True


@dataclass(slots=True)
class Share:
    """One account's part of it. See `surfaces.kraken.held.Held`.

    What this command has heard counts more than what is recorded: it may be that it could not be written down.
    """

    estate: Estate
    account: str
    remembers: bool = True
    _answers: dict[str, Answer | None] = field(default_factory=dict)  # by public key
    _refusals: dict[str, Refusal | None] = field(default_factory=dict)
    _gone: dict[str, Gone | None] = field(default_factory=dict)
    _locked_out: int = 0  # unix seconds; 0: not in this command
    _recorded: Recorded | None = None

    def look_again(self) -> None:
        """At what is recorded; it is read when it is needed."""
        self._recorded = None

    def holdings(self) -> Iterator[Holding]:
        self.look_again()
        estate, recorded = self.estate, self._known()
        ours = [each for each in (*recorded.keys.values(), *recorded.retired) if each.account == self.account]
        begun = [intent for intent in recorded.intents if intent.account == self.account]
        ending = {intent.old_name for intent in begun if intent.ends_old}
        yield from holdings(ours, estate.declared, estate.open_store, ending)
        yield from under_way(begun, estate.declared, estate.open_store)

    def claim(self, iiban: str) -> str:
        owner = self.estate.whose(iiban, self.account)
        return "" if owner == self.account else owner

    def whose(self, iiban: str) -> str:
        return self.estate.whose(iiban)

    def answer(self, public_key: str) -> Answer | None:
        if public_key in self._answers:
            return self._answers[public_key]
        return self._known().answered.get((public_key, self.estate.host))

    def has_answered(self, public_key: str) -> bool:
        return self.answer(public_key) is not None

    def refusal(self, public_key: str) -> Refusal | None:
        if public_key in self._refusals:
            return self._refusals[public_key]
        return self._known().refused.get((public_key, self.estate.host))

    def rests(self, public_key: str, *, named: bool = False) -> str:
        """`named`: the user wants this very key asked, so that a refusal does not count. A lockout does."""
        if why := self.locked():
            return why
        refusal = self.refusal(public_key)
        if refusal is None or named or self._is_named(public_key) or not self._lasts(refusal.at, refusal.rests_until):
            return ""
        if not self.remembers:
            return f"refused from here ({refusal.said})"
        at, until = show_time(refusal.at), show_time(refusal.rests_until)
        return f"refused from here at {at} ({refusal.said}), and not asked again before {until}"

    def _is_named(self, public_key: str) -> bool:
        recorded = self._known()
        records = (*recorded.keys.values(), *recorded.retired) if self.estate.named else ()
        return any(each.public_key == public_key and each.address in self.estate.named for each in records)

    def locked(self) -> str:
        at = max(self._locked_out, self._known().lockouts.get(self.account, 0))
        if not at or not self._lasts(at, at + LOCKOUT_SECONDS):
            return ""
        until = show_time(at + LOCKOUT_SECONDS)
        return (
            f"Kraken locked {self.account} after too many failed calls, which was told at {show_time(at)};"
            f" each try prolongs that, so none of its keys is asked before {until}"
        )

    def refusals(self) -> int:
        """In a row: since any key of the account has answered any host, or for an hour. Kraken locks the account."""
        return sum(each.calls for each in self._row())

    def enough(self) -> str:
        """Why not even one more may be refused; empty: it may."""
        refused, until = self.refusals(), 0
        for each in sorted(self._row(), key=lambda one: one.at):
            if refused >= MOST_REFUSED:
                refused, until = refused - each.calls, each.at + ROW_SECONDS
        told = f"{self.refusals()} calls of {self.account} were refused in a row, and more failures could lock it"
        return f"{told}: it is not asked before {show_time(until)}" if until else ""

    def _row(self) -> list[Refusal]:
        since, refusals = self._last_answer(), self._of_all_hosts(self._known().refused, self._refusals)
        return [each for each in refusals if self._is_in_row(each, since)]

    def _last_answer(self) -> int:
        """When a key of the account last ended a row of refusals."""
        return max((each.at for each in self._of_all_hosts(self._known().answered, self._answers)), default=0)

    def _of_all_hosts(self, known: Mapping[tuple[str, str], T], heard: Mapping[str, T | None]) -> Iterator[T]:
        """Of the account's keys; what was heard in this run is of this host."""
        ours, host = self._public_keys(), self.estate.host
        yield from (each for each in heard.values() if each is not None)
        for (public_key, where), each in known.items():
            if public_key in ours and not (where == host and public_key in heard):
                yield each

    def _is_in_row(self, refusal: Refusal, since: int) -> bool:
        return refusal.at > since and self._lasts(refusal.at, refusal.at + ROW_SECONDS)

    def note(self, public_key: str, *, answers: bool, told: Answer = UNTOLD) -> None:
        before = self.answer(public_key)
        if answers and self.refusals():
            told = replace(told, at=self.estate.now())
        after = (before or UNTOLD).joined(told) if answers else None
        is_news = after != before or self.refusal(public_key) or (answers and self.gone(public_key))
        self._answers[public_key], self._refusals[public_key] = after, None
        if answers:
            self._gone[public_key] = None
        if is_news:
            host, told = self.estate.host, after or UNTOLD
            self._write(lambda state: state.hear(public_key, host, answers=answers, told=told))

    def note_refused(self, public_key: str, said: str) -> None:
        at, before = self.estate.now(), self.refusal(public_key)
        in_row = before is not None and self._is_in_row(before, self._last_answer())
        refusal = before.again(at, said, in_row=in_row) if before else Refusal(at=at, times=1, said=said)
        self._refusals[public_key] = refusal
        self._write(lambda state: state.refused(public_key, self.estate.host, refusal))

    def note_lockout(self) -> None:
        at = self._locked_out = self.estate.now()
        self._write(lambda state: state.locked_out(self.account, at))

    def gone(self, public_key: str) -> Gone | None:
        """What proved its end."""
        return self._gone[public_key] if public_key in self._gone else self._known().gone.get(public_key)

    def is_gone(self, public_key: str) -> bool:
        return self.gone(public_key) is not None

    def note_gone(self, public_key: str, said: str) -> None:
        proof = self._gone[public_key] = Gone(since=self.estate.now(), host=self.estate.host, said=said)
        self._write(lambda state: state.gone(public_key, proof))

    def _lasts(self, since: int, until: int) -> bool:
        """Not what was noted on a clock that has been put back since."""
        return since - CLOCK_SLACK <= self.estate.now() < until

    def _write(self, deed: Callable[[State], None]) -> None:
        self.remembers = self.estate.write(deed) and self.remembers

    def _public_keys(self) -> set[str]:
        recorded = self._known()
        ours = {each.public_key for each in recorded.traces if each.account == self.account and each.public_key}
        return ours | self._refusals.keys() | self._answers.keys()

    def _known(self) -> Recorded:
        known = self._recorded
        if known is None:
            known = self._recorded = self.estate.recorded()
        return known
