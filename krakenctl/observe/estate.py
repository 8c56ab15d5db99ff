"""What is ours on each account and may be asked about itself: keys with their secrets, and what they have answered."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from threading import Lock

from krakenctl.model.address import Address
from krakenctl.model.desired import DesiredKey
from krakenctl.model.holding import Holding
from krakenctl.model.recorded import EndProof, Recorded
from krakenctl.model.run import Run
from krakenctl.model.silence import (
    CLOCK_SLACK,
    LOCKOUT_SECONDS,
    MOST_REFUSED,
    NO_ROW,
    UNTOLD,
    Answer,
    Refusal,
    RefusalRow,
)
from krakenctl.model.time import show_time
from krakenctl.observe.holdings import OpenStore, holdings, under_way
from krakenctl.state.base import State

Jot = Callable[[Callable[[State], None]], bool]  # see `state.base.StateHome`


@dataclass(frozen=True, slots=True, kw_only=True)
class Estate:
    """What is ours on each account, for one command; threads may share it. The state is read when an account is first
    asked about, and again for every look."""

    recorded: Callable[[], Recorded]
    declared: Mapping[Address, DesiredKey]
    open_store: OpenStore
    host: str
    now: Callable[[], int]  # unix seconds on the exchange's clock
    jot: Jot
    holding: Callable[[], tuple[State, Run] | None]  # the state, while it may be written
    pinned: Mapping[str, str] = field(default_factory=dict)  # accounts by IIBAN, as manifests declare them
    rotating: bool = False  # whatever is declared may speak of the next key's program
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
    _gone: dict[str, EndProof | None] = field(default_factory=dict)
    _counted: RefusalRow | None = None  # None: no call of this command has changed it
    _locked_out: int = 0  # unix seconds; 0: not in this command
    _recorded: Recorded | None = None
    _nonces: dict[str, int] | None = None  # by public key, as recorded of all hosts

    def look_again(self) -> None:
        """At what is recorded; it is read when it is needed."""
        self._recorded = self._nonces = None

    def holdings(self) -> Iterator[Holding]:
        self.look_again()
        estate, recorded = self.estate, self._known()
        ours = [each for each in recorded.ours if each.account == self.account]
        begun = [intent for intent in recorded.intents if intent.account == self.account]
        yield from holdings(
            ours,
            begun,
            estate.declared,
            estate.open_store,
            estate.now(),
            seen=self.nonce,
            rotating=estate.rotating,
        )
        yield from under_way(begun, estate.declared, estate.open_store, estate.now(), seen=self.nonce)

    def claim(self, iiban: str) -> str:
        owner = self.estate.whose(iiban, self.account)
        return "" if owner == self.account else owner

    def answer(self, public_key: str) -> Answer | None:
        if public_key in self._answers:
            return self._answers[public_key]
        return self._known().answered.get((public_key, self.estate.host))

    def answered_elsewhere(self, public_key: str) -> bool:
        return any(key == public_key and host != self.estate.host for key, host in self._known().answered)

    def nonce(self, public_key: str) -> int:
        if self._nonces is None:
            self._nonces = self._known().seen()
        heard = self._answers.get(public_key)
        return max(heard.nonce if heard else 0, self._nonces.get(public_key, 0))

    def keep_nonces(self, public_keys: Iterable[str]) -> None:
        """If it cannot be done, the next command is refused once more at most."""
        heard = {each: self._answers.get(each) for each in public_keys if self._refusals.get(each) is None}
        told = {each: answer for each, answer in heard.items() if answer}

        def deed(state: State) -> None:
            for public_key, answer in told.items():
                state.hear(public_key, self.estate.host, answers=True, told=answer)

        if told:
            self.estate.write(deed)

    def note_nonce(self, public_key: str, nonce: int) -> None:
        """A key of a record has answered somebody who asked it on its own account. Of others nothing is kept."""
        known = self._known()
        if any(each.public_key == public_key for each in known.ours):
            self.note(public_key, answers=True, told=Answer(nonce=nonce))
            self.keep_nonces([public_key])

    def refusal(self, public_key: str) -> Refusal | None:
        if public_key in self._refusals:
            return self._refusals[public_key]
        return self._known().refused.get((public_key, self.estate.host))

    def refused_elsewhere(self, public_key: str) -> bool:
        return any(key == public_key and host != self.estate.host for key, host in self._known().refused)

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
        records = recorded.ours if self.estate.named else ()
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
        """In a row: since any key of the account has answered any host. Kraken locks the account."""
        return self._row().counts(self.estate.now())

    def is_quiet(self) -> bool:
        return self._row().is_quiet(self.estate.now())

    def enough(self) -> str:
        """Why not even one more may be refused; empty: it may."""
        if (refused := self.refusals()) < MOST_REFUSED:
            return ""
        told = f"{refused} calls of {self.account} were refused in a row, and more failures could lock it"
        return f"{told}: it is not asked before {show_time(self._row().until)}"

    def _row(self) -> RefusalRow:
        """As this command has counted it, unless another one has gone on since."""
        known = self._known().rows.get(self.account, NO_ROW)
        return known if self._counted is None or known.is_later(self._counted) else self._counted

    def count_refused(self) -> int:
        at = self.estate.now()
        self._counted = self._row().after(at)
        self._write(lambda state: state.count_refused(self.account, at))
        self.look_again()
        return self.refusals()

    def end_row(self) -> None:
        if self.refusals():
            self._counted = RefusalRow(at=self.estate.now())
            self._write(lambda state: state.end_row(self.account))

    def note(self, public_key: str, *, answers: bool, told: Answer = UNTOLD) -> None:
        before = self.answer(public_key)
        after = (before or UNTOLD).joined(told) if answers else None
        is_changed = after.is_news_after(before) if after else before is not None
        is_news = is_changed or self.refusal(public_key) or (answers and self.gone(public_key))
        self._answers[public_key], self._refusals[public_key] = after, None
        if answers:
            self._gone[public_key] = None
        if is_news:
            host, told = self.estate.host, after or UNTOLD
            self._write(lambda state: state.hear(public_key, host, answers=answers, told=told))

    def note_refused(self, public_key: str, said: str) -> None:
        at, before = self.estate.now(), self.refusal(public_key)
        refusal = before.again(at, said) if before else Refusal(at=at, times=1, said=said)
        self._refusals[public_key] = refusal
        self._write(lambda state: state.refused(public_key, self.estate.host, refusal))

    def note_lockout(self) -> None:
        at = self._locked_out = self.estate.now()
        self._write(lambda state: state.locked_out(self.account, at))

    def gone(self, public_key: str) -> EndProof | None:
        """What proved its end."""
        return self._gone[public_key] if public_key in self._gone else self._known().gone.get(public_key)

    def is_gone(self, public_key: str) -> bool:
        return self.gone(public_key) is not None

    def is_said_gone(self, public_key: str) -> bool:
        proof = self.gone(public_key)
        return proof is not None and not proof.host

    def note_gone(self, public_key: str, said: str) -> None:
        proof = self._gone[public_key] = EndProof(since=self.estate.now(), host=self.estate.host, said=said)
        self._write(lambda state: state.gone(public_key, proof))

    def _lasts(self, since: int, until: int) -> bool:
        """Not what was noted on a clock that has been put back since."""
        return since - CLOCK_SLACK <= self.estate.now() < until

    def _write(self, deed: Callable[[State], None]) -> None:
        self.remembers = self.estate.write(deed) and self.remembers

    def _known(self) -> Recorded:
        known = self._recorded
        if known is None:
            known = self._recorded = self.estate.recorded()
        return known
