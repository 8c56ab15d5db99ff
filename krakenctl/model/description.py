"""What a key says of itself, and how it was asked without getting in its consumer's way."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from krakenctl.model.key import LiveKey


class NonceScale(StrEnum):
    """What a program that uses a key sends as its nonce: a clock in one of these units, or a number it counts up.

    Kraken keeps the highest nonce of each key and refuses what is not above it. Whoever asks a key with a clock of a
    finer unit than its consumer's locks the consumer out for good: nothing lowers that number again.
    Source: docs.kraken.com, Spot REST authentication.
    """

    SECONDS = "s"
    MILLISECONDS = "ms"
    MICROSECONDS = "us"
    NANOSECONDS = "ns"
    COUNTER = "counter"
    UNKNOWN = "unknown"


_PER_SECOND = {
    NonceScale.SECONDS: 1,
    NonceScale.MILLISECONDS: 1_000,
    NonceScale.MICROSECONDS: 1_000_000,
    NonceScale.NANOSECONDS: 1_000_000_000,
}
_IN_2001 = 10**18  # nanoseconds since 1970
CLOCKS = tuple(_PER_SECOND)  # from the coarsest: each is refused by a key whose consumer sends a finer one


def coarser(one: NonceScale, other: NonceScale) -> NonceScale:
    """Which of them gets in nobody's way that sends either; what is no clock comes before all of them."""
    return min(one, other, key=_fineness)


def finer(one: NonceScale, other: NonceScale) -> NonceScale:
    """The other one; the first of two that are no clocks."""
    return max(one, other, key=_fineness)


def _fineness(scale: NonceScale) -> int:
    return CLOCKS.index(scale) if scale in CLOCKS else -1


def sent_by(number: int) -> NonceScale:
    """The clock that shows it at some time between the years 2001 and 33658; UNKNOWN: none does."""
    return next((each for each in reversed(CLOCKS) if number >= nonce_at(each, _IN_2001)), NonceScale.UNKNOWN)


def tells_no_clock(nonce: object, seen: int) -> bool:
    """A number that somebody chose may look like a clock's: a program that counts may have begun at one."""
    return isinstance(nonce, int) and sent_by(seen) in CLOCKS


def nonce_at(scale: NonceScale, nanoseconds: int) -> int:
    """The nonce of a clock that shows this many nanoseconds since 1970. Only for `CLOCKS`."""
    return nanoseconds * _PER_SECOND[scale] // 1_000_000_000


def tick(scale: NonceScale) -> float:
    """Seconds after which such a clock shows another number. Only for `CLOCKS`."""
    return 1 / _PER_SECOND[scale]


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """The answer to GetApiKeyInfo. It has no word for a second factor of the key, nor for the right to use FIX."""

    live: LiveKey
    iiban: str  # of the account that it belongs to, as `AA12 N84G EXAM PLE1`; empty: not told
    nonce: int  # the highest that the key has seen; this question's own, most likely
    modified: int = 0  # unix seconds; 0: not told
    last_used: int = 0  # unix seconds; 0: never, or not told
    scale: NonceScale = NonceScale.UNKNOWN  # of the clock that it answered to
