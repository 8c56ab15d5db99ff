"""When a key may be asked by a clock again: once that shows more than the highest nonce that the key has seen. Pure.

Kraken refuses what is not above it (docs.kraken.com, Spot REST authentication), and failures in a row lock an account.
Most of the time it is a number of our own that is in our way: whoever guesses at a clock sends it some seconds ahead.
"""

from __future__ import annotations

import math

from krakenctl.model.description import CLOCKS, NonceScale, nonce_at
from krakenctl.model.time import show_time

HIGHEST = 21  # nonce of ours for a key whose consumer may count: far below whatever it will send
SECOND = 1_000_000_000  # nanoseconds
PATIENCE = 5.0  # seconds that a command waits for a clock to pass, over all keys of an account
_OURS = 60  # seconds, more than we ever send ahead
_SHOWN = 10 * 365 * 86_400  # seconds: what is farther ahead is no time that anybody waits for


def missing(scale: NonceScale, at: int, seen: int) -> float:
    """Seconds until a clock that shows `at` (nanoseconds since 1970) shows more than `seen`."""
    if not seen or scale not in CLOCKS:
        return 0.0
    return max((seen + 1) / nonce_at(scale, SECOND) - at / SECOND, 0.0) if nonce_at(scale, at) <= seen else 0.0


def early(scale: NonceScale, at: int, seen: int, patience: float = PATIENCE, *, ahead: int = 0) -> str:
    """Why a number `ahead` seconds ahead is not worth a call now; empty: it is, after `patience` seconds at most."""
    gap = missing(scale, at + ahead * SECOND, seen)
    if gap <= patience:
        return ""
    if gap > _SHOWN:
        return (
            f"not asked: it has seen {seen}, which is more than a clock in {scale} shows: its program has a finer clock"
            " or counts (correct consumer.nonce)"
        )
    when = f"not asked before {show_time(math.ceil(at / SECOND + gap))}"
    by = math.ceil(seen / nonce_at(scale, SECOND) - at / SECOND)
    if gap > _OURS:
        return f"{when}: it has seen a number that is {by} s ahead (is consumer.nonce right?)"
    return f"{when}: krakenctl itself has sent a number that is {by} s ahead"
