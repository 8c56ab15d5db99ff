"""What can be learned with a key's own pair, so that its consumer does not notice. Nothing is changed on the exchange.

Source: docs.kraken.com, GetApiKeyInfo (needs no permission; describes the key that signs it), and the errors guide.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from krakenctl.errors import ExchangeError, NonceRefused, NotAuthorised, Refused
from krakenctl.model.description import Description, NonceScale, nonce_at
from krakenctl.model.iiban import normal_iiban
from krakenctl.model.key import KeyPair
from krakenctl.model.secret import Secret
from krakenctl.model.silence import NO_KEY
from krakenctl.surfaces.kraken import answers, shapes, spot
from krakenctl.surfaces.kraken.numbers import PATIENCE, SECOND, early, missing
from krakenctl.surfaces.kraken.row import Row
from krakenctl.transport.http import Http

# Clocks, and how many seconds ahead of now. Four covers a clock three seconds ahead, and the second that it has just
# used; thirty-one one that is thirty seconds ahead, or the number that another question has just used.
# What is finer than milliseconds is never reached by guessing: from here a program with a finer clock looks like one
# whose clock in milliseconds is ahead, and that one would be locked out for good.
FARTHEST = 31
_LADDER = (
    (NonceScale.SECONDS, 4),
    (NonceScale.SECONDS, FARTHEST),
    (NonceScale.MILLISECONDS, 0),
)
MARGIN = 0.005  # seconds, by which a clock that shows another number at every look may be ahead of itself
# A nonce that gets in nobody's way: a key that was ever used refuses it, and one that is gone is told first.
LOWEST = 1


class OwnKey:
    """One key, asked by whoever holds it. Raises ExchangeError.

    `clock`: nanoseconds since 1970; `wait`: seconds. `otp`: the static password of a key with a second factor; None: it
    has none. `row`: None: one of its own. `seen`: the highest nonce that it is known to have seen: a clock that will be
    above it within `patience` seconds is waited for, and it is for the caller to ask no key `early`.
    """

    def __init__(
        self,
        http: Http,
        pair: KeyPair,
        clock: Callable[[], int],
        otp: Secret | None = None,
        wait: Callable[[float], None] = time.sleep,
        *,
        row: Row | None = None,
        seen: int = 0,
        patience: float = PATIENCE,
    ) -> None:
        self._http = http
        self._pair = pair
        self._clock = clock
        self._otp = otp
        self._wait = wait
        self.row = row or Row()
        self.seen = seen
        self._patience = patience
        self._answered: tuple[NonceScale, int] | None = None  # to which clock, and how far ahead
        self.is_cut_short = False  # it was not asked with every clock that may be guessed at

    def describe(self, scale: NonceScale) -> Description:
        """Ask as its consumer would ask right now. NonceRefused: the consumer was quicker, or sends something else."""
        return self._described(scale, 0)

    def discover(self, may_go_on: Callable[[], bool] = lambda: True) -> Description:
        """Ask a key of whose consumer nobody knows what it sends: in seconds, then milliseconds, three calls at most.

        An answer to too coarse a clock does no harm, one to too fine a clock locks the consumer out for good. So the
        coarsest is asked first, and milliseconds only after seconds far ahead were refused too. A consumer whose clock
        shows seconds or milliseconds, and is within thirty seconds of this one, is then refused for no longer than
        `FARTHEST`, a second, and what its clock is behind. A consumer that counts is locked out by any clock.
        Raises NonceRefused: its consumer's clock is finer, or is ahead; or one was not to be asked any more.
        """
        *ladder, last = _LADDER
        for scale, ahead in ladder:
            try:
                told = self._described(scale, ahead)
            except NonceRefused:
                if may_go_on():
                    continue
                self.is_cut_short = True
                raise
            if ahead == FARTHEST:
                self._end_second(self._clock())
            return told
        return self._described(*last)

    def repeat(self) -> bool:
        """Ask once more what it has answered to, which ends the row; False: it has answered to no clock."""
        if self._answered is None:
            return False
        scale, ahead = self._answered
        self._described(scale, ahead)
        return True

    def early(self, scale: NonceScale | None) -> str:
        """Why it is not to be asked by this clock now, None: by any; empty: it may be."""
        ahead = _LADDER[0][1] if scale is None else 0
        return early(scale or _LADDER[0][0], self._clock(), self.seen, self._patience, ahead=ahead) if self.seen else ""

    def until_next(self) -> float:
        """Seconds until the same question is answered again, of whoever knows nothing of this one."""
        if self._answered is None:
            return 0.0
        scale, ahead = self._answered
        return missing(scale, self._clock() + ahead * SECOND, self.seen)

    def _end_second(self, at: int) -> None:
        """Whoever asks next has a higher number then, and does not take this one for a finer clock's.

        `at`: what the clock has just shown.
        """
        self._wait(1 - at % SECOND / SECOND + MARGIN)

    def _described(self, scale: NonceScale, ahead: int) -> Description:
        result = self._result("GetApiKeyInfo", self._number(scale, ahead), "describe the key")
        self._answered = scale, ahead
        return self._read(result, scale)

    def _number(self, scale: NonceScale, ahead: int = 0) -> int:
        """Of that clock, once it is above what the key has seen, if that is soon.

        A clock that was looked at often is ahead of itself, by a millisecond a look: then the rest is waited for too.
        """
        for _ in range(2):
            seconds = missing(scale, self._clock() + ahead * SECOND, self.seen) if self.seen else 0.0
            if 0 < seconds <= self._patience:
                self._wait(seconds + MARGIN)
        return nonce_at(scale, self._clock() + ahead * SECOND)

    def describe_with(self, nonce: int) -> Description:
        """What the key tells of itself, by a nonce that the caller has chosen: for a key whose consumer counts."""
        return self._read(self._result("GetApiKeyInfo", nonce, "describe the key"), NonceScale.COUNTER)

    def call(self, name: str, scale: NonceScale, /, **fields: str) -> Any:
        """Any other private call, and its result. The caller answers for its being harmless."""
        return self._result(name, self._number(scale), f"answer {name}", **fields)

    def lives(self) -> bool:
        """Whether Kraken still knows it, by one call that a living key refuses for its nonce. Raises what is neither.

        False also from an address that the key's allow-list leaves out, should Kraken say so with the same words
        (unconfirmed): it proves the end only of a key that has answered from here before.
        """
        try:
            self._result("GetApiKeyInfo", LOWEST, "say whether the key lives")
        except NonceRefused:
            return True
        except NotAuthorised as problem:
            if answers.says(problem, NO_KEY):
                return False
            raise
        return True

    def _result(self, name: str, nonce: int, deed: str, /, **fields: str) -> Any:
        answer = spot.send(self._http, self._pair, name, nonce, self._otp, **fields)
        try:
            result = answers.result(answer, deed)
        except Refused as problem:
            self.row.note(problem)
            raise
        self.row.end()
        self.seen = max(self.seen, nonce)
        return result

    def _read(self, row: Any, scale: NonceScale) -> Description:
        """From the answer's result. Raises ExchangeError when it describes no key."""
        if not isinstance(row, dict):
            raise ExchangeError("Kraken's answer describes no key: this krakenctl does not understand it")
        self.seen = max(self.seen, shapes.number(row.get("nonce")))
        return Description(
            live=shapes.live_key(row),
            iiban=normal_iiban(str(row.get("iban") or "")),
            nonce=self.seen,
            modified=_told(row, "modified_time", "modifiedTime"),
            last_used=_told(row, "last_used", "lastUsed"),
            scale=scale,
        )


def _told(row: dict[str, Any], snake: str, camel: str) -> int:
    return shapes.moment(row[snake] if snake in row else row.get(camel))
