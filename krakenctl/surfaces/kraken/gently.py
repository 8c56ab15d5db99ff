"""Signed calls with the keys of one account, of which few are refused: failures in a row lock it (errors guide)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from krakenctl.errors import LockedOut, NonceRefused, RateLimited, Refused
from krakenctl.model.description import CLOCKS, Description, NonceScale
from krakenctl.model.holding import Holding
from krakenctl.model.key import KeyPair
from krakenctl.model.silence import MOST_REFUSED, NO_KEY, NO_NONCE, AllowList, Answer, lies_within
from krakenctl.surfaces.kraken.answers import said
from krakenctl.surfaces.kraken.held import Held
from krakenctl.surfaces.kraken.look import ENOUGH, barred
from krakenctl.surfaces.kraken.own_key import OwnKey
from krakenctl.surfaces.kraken.row import Row
from krakenctl.transport.http import Http

MOST_FORGOTTEN = 2  # refused calls in a row, where nothing is remembered of them
HIGHEST = 21  # nonce of ours for a key whose consumer may count: far below whatever it will send
PAUSE = 1.0  # seconds, in which whatever was done on Kraken has spread, and every clock shows another number

T = TypeVar("T")


@dataclass(slots=True, kw_only=True)
class Caller:
    """For one command. What is answered and refused is noted. Raises LockedOut without a call while it is known.

    `lists`: as the keys told them in this run, by public key. `let_in`: those that answered the last time.
    """

    http: Http
    held: Held
    clock: Callable[[], int]  # nanoseconds since 1970
    wait: Callable[[float], None]  # seconds
    budget: Row = field(default_factory=Row)  # what this command allows itself
    lists: dict[str, AllowList] = field(default_factory=dict)
    let_in: set[str] = field(default_factory=set)
    _spent: dict[str, int] = field(default_factory=dict)  # by public key: the highest nonce of ours below `HIGHEST`
    _is_begun: bool = False

    @property
    def row(self) -> Row:
        """It begins where other commands have left it."""
        if not self._is_begun:
            self.budget.refused, self._is_begun = self.held.refusals(), True
        return self.budget

    @property
    def has_enough(self) -> bool:
        """No more refusals by keys that somebody may be using."""
        return self.row.refused >= (MOST_REFUSED if self.held.remembers else MOST_FORGOTTEN)

    @property
    def has_had_all(self) -> bool:
        """No more refusals at all."""
        return self.row.refused >= MOST_REFUSED

    def objection(self, holding: Holding, now: int, end: int | None = None) -> str:
        """Why a key that may be in use is not to be asked; empty: it may be. `end`: see `barred`."""
        why = barred(holding, now, end) or self.held.rests(holding.record.public_key) or self.row.spent
        return why or (ENOUGH if self.has_enough else "")

    def grant_one(self) -> None:
        """A person has typed in another pair: it is worth a call, whatever was refused before."""
        self.row.refused = min(self.row.refused, MOST_REFUSED - 1)

    def describe(self, pair: KeyPair, scale: NonceScale) -> Description:
        """As its consumer would ask. NonceRefused: it was quicker, or sends something else."""
        return self._described(pair, lambda: self.own(pair).describe(scale))

    def describe_twice(self, pair: KeyPair, scale: NonceScale, pause: Callable[[], None] | None = None) -> Description:
        """A refused nonce is tried once more: its consumer was quicker, or an earlier command of ours."""
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

        Rather one whose allow-list lies in `within`: whether it is still let in tells of this host's address.
        """
        fit = [each for each in others if each.pair is not None and each.pair.public_key in self.let_in]
        for each in sorted(fit, key=lambda one: (not self._is_let_in(one, within), one.fresh, _is_slow(one))):
            if each.pair is not None and self._answers(each, each.pair):
                return

    def _is_let_in(self, holding: Holding, within: AllowList) -> bool:
        return holding.pair is not None and lies_within(self.lists[holding.pair.public_key], within)

    def _answers(self, holding: Holding, pair: KeyPair) -> bool:
        """Or there is no asking any more."""
        try:
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
            return self.has_had_all
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
            self.held.note_refused(public_key, said(problem))
            raise
        self.lists[public_key] = told.live.spec.ip_allowlist
        self.let_in.add(public_key)
        self.held.note(public_key, answers=True, told=Answer(told.iiban, spent))
        return told

    def stop_if_locked(self) -> None:
        """Raises LockedOut."""
        if why := self.held.locked():
            raise LockedOut(why, hint="run it again then; whatever else calls this account has to wait as well")

    def _counted(self, deed: Callable[[], T]) -> T:
        self.stop_if_locked()
        try:
            return deed()
        except LockedOut:
            self.held.note_lockout()
            raise

    def own(self, pair: KeyPair) -> OwnKey:
        """Whatever is asked of it counts, but is not noted."""
        return OwnKey(self.http, pair, self.clock, row=self.row)


def both(first: str, second: str) -> str:
    """Two refusals, in Kraken's words."""
    return f"{first}, {second}" if first else second


def _is_slow(holding: Holding) -> bool:
    """Two calls within a second would have the same nonce."""
    return holding.scale is NonceScale.SECONDS and not holding.fresh
