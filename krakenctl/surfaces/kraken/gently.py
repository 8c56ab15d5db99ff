"""Signed calls with the keys of one account, of which few are refused: failures in a row lock it (errors guide)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from krakenctl.errors import LockedOut, NonceRefused, RateLimited, Refused
from krakenctl.model.allow_list import AllowList, lies_within
from krakenctl.model.description import CLOCKS, Description, NonceScale
from krakenctl.model.holding import Holding
from krakenctl.model.key import KeyPair
from krakenctl.model.silence import MOST_REFUSED, NO_KEY, NO_NONCE, Answer, shows_life
from krakenctl.surfaces.kraken.answers import said
from krakenctl.surfaces.kraken.held import Held, stop_if_locked
from krakenctl.surfaces.kraken.look import barred, not_asked
from krakenctl.surfaces.kraken.numbers import HIGHEST, PATIENCE, early, missing
from krakenctl.surfaces.kraken.own_key import OwnKey
from krakenctl.surfaces.kraken.row import Row
from krakenctl.transport.http import Http

MOST_FORGOTTEN = 2  # refused calls in a row, where nothing is remembered of them
PAUSE = 1.0  # seconds, in which whatever was done on Kraken has spread, and every clock shows another number

T = TypeVar("T")


@dataclass(slots=True, kw_only=True)
class Caller:
    """Makes the signed calls of one command on one account, few of which may be refused, and notes what comes of each.

    While Kraken is known to have locked the account, each raises LockedOut instead of being made.

    `lists`: as the keys told them in this run, by public key. `let_in`: those that answered the last time.
    """

    http: Http
    held: Held
    clock: Callable[[], int]  # nanoseconds since 1970
    wait: Callable[[float], None]  # seconds
    budget: Row = field(default_factory=Row)  # what this command allows itself
    lists: dict[str, AllowList] = field(default_factory=dict)
    let_in: set[str] = field(default_factory=set)
    patience: float = PATIENCE  # seconds that may still be waited for a clock to be above what a key has seen
    _spent: dict[str, int] = field(default_factory=dict)  # by public key: the highest nonce of ours below `HIGHEST`
    _seen: dict[str, tuple[NonceScale, int]] = field(default_factory=dict)  # by public key: of clocks, in this run

    @property
    def row(self) -> Row:
        if self.budget.held is None:
            self.budget.begin(self.held)
        return self.budget

    @property
    def has_enough(self) -> bool:
        """No more refusals by keys that somebody may be using."""
        return self.row.refused >= (MOST_REFUSED if self.held.remembers else MOST_FORGOTTEN)

    @property
    def has_had_all(self) -> bool:
        """No more refusals at all."""
        return self.row.is_full

    @property
    def enough(self) -> str:
        """In words."""
        return not_asked(self.held.enough())

    def likelihood(self, holding: Holding) -> tuple[bool | int | float, ...]:
        """Of being refused, to sort by: a full row is worth one call, and whoever is asked first takes it.

        Whatever has made the row was refused, here or elsewhere. Whoever was not goes before all that were, also before
        a busy key, whose program may be quicker again.
        """
        held, public_key = self.held, holding.record.public_key
        refusal = held.refusal(public_key)
        is_by_nonce, at = (shows_life(refusal.said), refusal.at) if refusal else (False, 0)
        was_refused = (refusal is not None, held.refused_elsewhere(public_key))
        is_claimed, is_new_here = bool(holding.record.claimed_by), held.answer(public_key) is None
        return is_claimed, *was_refused, is_new_here, is_by_nonce, at, _is_slow(holding), self.missing(holding)

    def has_enough_of(self, public_key: str) -> bool:
        """Whether this one is asked no more.

        Where other commands have left a full row, the first that has answered here is asked: else a few dead keys would
        keep the others from being asked. It is one refusal more at most: after that the row is longer, or has ended.
        """
        if not self.has_enough:
            return False
        return self.row.found != MOST_REFUSED or self.held.answer(public_key) is None

    def objection(self, holding: Holding, now: int, end: int | None = None) -> str:
        """Why a key that may be in use is not to be asked; empty: it may be. `end`: see `barred`."""
        public_key = holding.record.public_key
        why = barred(holding, now, end) or self.held.rests(public_key) or self.row.spent
        return why or (self.enough if self.has_enough_of(public_key) else self.early(holding))

    def early(self, holding: Holding) -> str:
        """Why its clock will not be above what it has seen for a while; empty: it is, or will be soon."""
        seen = self._highest(holding.record.public_key)
        return early(holding.scale, self.clock(), seen, self.patience) if seen else ""

    def missing(self, holding: Holding) -> float:
        """Seconds until then. Whoever asks the others first waits once for all."""
        seen = self._highest(holding.record.public_key)
        return missing(holding.scale, self.clock(), seen) if seen else 0.0

    def _highest(self, public_key: str) -> int:
        return max(self._seen.get(public_key, (NonceScale.UNKNOWN, 0))[1], self.held.nonce(public_key))

    def keep(self) -> None:
        """What keys have seen in this run, and the next command's clock may be below: it is to wait then."""
        ahead = [key for key, (scale, seen) in self._seen.items() if missing(scale, self.clock(), seen)]
        if ahead:
            self.held.keep_nonces(ahead)

    def grant_one(self) -> None:
        """A person has typed in another pair, or has edited again: that is worth a call, though the row may be full."""
        self.row.grant()

    def describe(self, pair: KeyPair, scale: NonceScale) -> Description:
        """As its consumer would ask. NonceRefused: it was quicker, or sends something else."""
        own = self.own(pair)
        try:
            return self._described(pair, lambda: own.describe(scale))
        finally:
            self.has_seen(pair, scale, own)

    def has_seen(self, pair: KeyPair, scale: NonceScale, own: OwnKey) -> None:
        """Its calls by a clock are over."""
        if scale in CLOCKS and own.seen:
            self._seen[pair.public_key] = scale, own.seen

    def describe_twice(self, holding: Holding, pair: KeyPair, pause: Callable[[], None] | None = None) -> Description:
        """A refused nonce is tried once more: its consumer was quicker, or an earlier command of ours."""
        scale = holding.scale
        try:
            return self.describe(pair, scale)
        except NonceRefused:
            if self.has_enough or self.row.spent:
                raise
        if pause is None:
            self.wait(PAUSE if scale is NonceScale.SECONDS else 0.0)
        else:
            pause()
        return self.describe(pair, scale)

    def describe_with(self, pair: KeyPair, nonce: int) -> Description:
        """With a small nonce: nobody uses it yet."""
        told = self._described(pair, lambda: self.own(pair).describe_with(nonce), nonce)
        self._spent[pair.public_key] = max(nonce, self.spent(pair))
        return told

    def spent(self, pair: KeyPair) -> int:
        """The highest small nonce that a key which nobody uses yet has seen of us, as far as anybody knows."""
        known = self.held.answer(pair.public_key)
        return max(self._spent.get(pair.public_key, 0), known.spent or 1 if known else 0)

    def lives(self, pair: KeyPair, before: str = "") -> bool | None:
        """As far as one call tells that no consumer notices; None: nobody is asked any more, or it tells neither.

        An address that its allow-list leaves out may be told that the key does not exist. `before`: what Kraken said
        of it just now, so that both are remembered.
        """
        if self.has_had_all:
            return None
        try:
            lives = self._counted(self.own(pair).lives)
        except (LockedOut, RateLimited):
            raise
        except Refused as problem:
            self.held.note_refused(pair.public_key, both(before, said(problem)))
            return None
        if lives and self.held.answer(pair.public_key) is None:
            self.held.note(pair.public_key, answers=True)
        self.held.note_refused(pair.public_key, both(before, NO_NONCE if lives else NO_KEY))
        return lives

    def rest(self, others: Iterable[Holding], within: AllowList = ()) -> None:
        """End a row of refusals with a call that is sure to be answered, if there is another key for it.

        Rather one whose allow-list lies in `within`: whether it is still let in tells of this host's address. Even one
        that has just answered may be refused: its consumer was quicker. So a full row is worth one such call.
        """
        if self.row.refused > MOST_REFUSED:
            return
        fit = [each for each in others if each.pair is not None and each.pair.public_key in self.let_in]
        for each in sorted(fit, key=lambda one: (not self._is_let_in(one, within), one.fresh, _is_slow(one))):
            if each.pair is not None and self._answers(each, each.pair):
                return

    def _is_let_in(self, holding: Holding, within: AllowList) -> bool:
        return holding.pair is not None and lies_within(self.lists[holding.pair.public_key], within)

    def _answers(self, holding: Holding, pair: KeyPair) -> bool:
        """Or there is no asking any more."""
        try:
            if self.early(holding):
                return False
            if holding.scale in CLOCKS and not holding.fresh:
                self.wait(PAUSE if _is_slow(holding) else 0.0)
                self.describe(pair, holding.scale)
            elif holding.fresh and self.spent(pair) < HIGHEST:
                self.describe_with(pair, self.spent(pair) + 1)
            else:
                return False
        except (LockedOut, RateLimited):
            raise
        except Refused:
            return self.row.refused >= MOST_REFUSED
        return True

    def _described(self, pair: KeyPair, ask: Callable[[], Description], spent: int = 0) -> Description:
        public_key = pair.public_key
        try:
            told = self._counted(ask)
        except (LockedOut, RateLimited):
            raise
        except Refused as problem:
            if not isinstance(problem, NonceRefused):
                self.let_in.discard(public_key)
            elif spent and self.held.answer(public_key) is not None:  # it would refuse the same number for ever
                self.held.note(public_key, answers=True, told=Answer(spent=spent))
            self.held.note_refused(public_key, said(problem))
            raise
        self.lists[public_key] = told.live.spec.ip_allowlist
        self.let_in.add(public_key)
        self.held.note(public_key, answers=True, told=Answer(told.iiban, spent, told.nonce))
        return told

    def stop_if_locked(self) -> None:
        """Raises LockedOut."""
        stop_if_locked(self.held)

    def _counted(self, deed: Callable[[], T]) -> T:
        self.stop_if_locked()
        return deed()

    def own(self, pair: KeyPair) -> OwnKey:
        """Whatever is asked of it counts, but is not noted."""
        seen = self._highest(pair.public_key)
        return OwnKey(self.http, pair, self.clock, wait=self._let_pass, row=self.row, seen=seen, patience=self.patience)

    def _let_pass(self, seconds: float) -> None:
        self.patience -= seconds
        self.wait(seconds)


def both(first: str, second: str) -> str:
    """Two refusals, in Kraken's words."""
    return f"{first}, {second}" if first else second


def _is_slow(holding: Holding) -> bool:
    """Two calls within a second would have the same nonce."""
    return holding.scale is NonceScale.SECONDS and not holding.fresh
