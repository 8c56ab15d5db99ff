"""Signed calls with the keys of one account, of which few are refused: failures in a row lock it (errors guide)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from krakenctl.errors import LockedOut, NonceRefused, RateLimited, Refused
from krakenctl.model.description import CLOCKS, Description, NonceScale
from krakenctl.model.holding import Holding
from krakenctl.model.key import KeyPair
from krakenctl.model.silence import AllowList, Answer, lies_within
from krakenctl.surfaces.kraken.answers import NO_KEY, NO_NONCE, said
from krakenctl.surfaces.kraken.held import Held
from krakenctl.surfaces.kraken.own_key import OwnKey
from krakenctl.transport.http import Http

MOST_REFUSED = 3  # calls in a row, then nobody is asked any more; how many lock an account is unpublished
MOST_FORGOTTEN = 2  # the same where nothing is remembered of them
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
    lists: dict[str, AllowList] = field(default_factory=dict)
    let_in: set[str] = field(default_factory=set)
    _spent: dict[str, int] = field(default_factory=dict)  # by public key: the highest nonce of ours below `HIGHEST`
    _row: int | None = None  # of refusals; None: nobody was asked yet

    @property
    def row(self) -> int:
        """How many calls in a row were refused, by other commands too."""
        if self._row is None:
            self._row = self.held.refusals()
        return self._row

    @property
    def has_enough(self) -> bool:
        """No more refusals by keys that somebody may be using."""
        return self.row >= (MOST_REFUSED if self.held.remembers else MOST_FORGOTTEN)

    @property
    def has_had_all(self) -> bool:
        """No more refusals at all."""
        return self.row >= MOST_REFUSED

    def grant_one(self) -> None:
        """A person has typed in another pair: it is worth a call, whatever was refused before."""
        self._row = min(self.row, MOST_REFUSED - 1)

    def describe(self, pair: KeyPair, scale: NonceScale) -> Description:
        """As its consumer would ask. NonceRefused: it was quicker, or sends something else."""
        return self._described(pair, lambda: self._own(pair).describe(scale))

    def describe_with(self, pair: KeyPair, nonce: int) -> Description:
        """With a small nonce: nobody uses it yet."""
        told = self._described(pair, lambda: self._own(pair).describe_with(nonce), nonce)
        self._spent[pair.public_key] = max(nonce, self.spent(pair))
        return told

    def spent(self, pair: KeyPair) -> int:
        """The highest small nonce that a key which nobody uses yet has seen of us, as far as anybody knows."""
        known = self.held.answer(pair.public_key)
        return max(self._spent.get(pair.public_key, 0), known.spent or 1 if known else 0)

    def lives(self, pair: KeyPair) -> bool | None:
        """As far as one call tells that no consumer notices; None: nobody is asked any more, or it tells neither.

        An address that its allow-list leaves out may be told that the key does not exist.
        """
        if self.has_had_all:
            return None
        try:
            lives = self._counted(self._own(pair).lives)
        except (LockedOut, RateLimited):
            raise
        except Refused as problem:
            self._refused(pair, said(problem))
            return None
        if lives and self.held.answer(pair.public_key) is None:
            self.held.note(pair.public_key, answers=True)
        self._refused(pair, NO_NONCE if lives else NO_KEY)
        return lives

    def _refused(self, pair: KeyPair, said: str) -> None:
        self._row = self.row + 1
        self.held.note_refused(pair.public_key, said)

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
            self._refused(pair, said(problem))
            raise
        self._row = 0
        self.lists[public_key] = told.live.spec.ip_allowlist
        self.let_in.add(public_key)
        self.held.note(public_key, answers=True, told=Answer(told.iiban, spent))
        return told

    def _counted(self, deed: Callable[[], T]) -> T:
        if why := self.held.locked():
            raise LockedOut(why, hint="run it again then; whatever else calls this account has to wait as well")
        try:
            return deed()
        except LockedOut:
            self.held.note_lockout()
            raise

    def _own(self, pair: KeyPair) -> OwnKey:
        return OwnKey(self.http, pair, self.clock)


def _is_slow(holding: Holding) -> bool:
    """Two calls within a second would have the same nonce."""
    return holding.scale is NonceScale.SECONDS and not holding.fresh
