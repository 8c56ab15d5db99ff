"""Kraken's call counters, kept on our side too, so that we slow down before Kraken says no.

Source: docs.kraken.com, Spot REST rate limits: one counter per API key, most calls add 1, it falls steadily, and above
its maximum calls are refused. A counter says how long to wait; it does not wait.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limit:
    maximum: float
    decay: float  # a second


# By verification tier. Nobody can ask Kraken which one an account has, so the lowest is the safe one.
TIERS = {"starter": Limit(15, 0.33), "intermediate": Limit(20, 0.5), "pro": Limit(20, 1.0)}


class Counter:
    """The state of one counter. `now` is any clock that never goes back, in seconds."""

    def __init__(self, limit: Limit) -> None:
        self._limit = limit
        self._level = 0.0
        self._at = float("-inf")  # when it stood there; ahead of now while calls are waiting for their turn

    def take(self, now: float, cost: float = 1.0) -> float:
        """Count a call, and return how many seconds it has to wait to stay within the limit."""
        self._fall_until(max(now, self._at))
        missing = self._level + cost - self._limit.maximum
        if missing > 0:
            self._fall_until(self._at + missing / self._limit.decay)
        self._level += cost
        return max(0.0, self._at - now)

    def full(self, now: float) -> None:
        """Kraken has refused a call: the counter was higher than we knew, because others use the key too."""
        self._fall_until(max(now, self._at))
        self._level = self._limit.maximum

    def _fall_until(self, at: float) -> None:
        if at > self._at:
            self._level = max(0.0, self._level - (at - self._at) * self._limit.decay)
            self._at = at


class Meter:
    """A counter with a clock and the patience to wait for it. Threads may share it."""

    def __init__(self, limit: Limit, clock: Callable[[], float], wait: Callable[[float], None]) -> None:
        self._counter = Counter(limit)
        self._clock = clock
        self._wait = wait
        self._turn = threading.Lock()

    def before_call(self) -> None:
        with self._turn:
            seconds = self._counter.take(self._clock())
        if seconds:
            self._wait(seconds)

    def refused(self) -> None:
        with self._turn:
            self._counter.full(self._clock())
