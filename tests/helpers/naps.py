"""Pauses that are over at once: whoever sleeps finds that so much time has passed."""

from __future__ import annotations

import time
from typing import Any

import pytest

# Who pauses between two calls of an exchange. What waits for another process does not: that one needs its time.
_NAPPERS = (
    "krakenctl.pipeline.recollection",
    "krakenctl.tasks.oracle",
    "krakenctl.tasks.verification.run",
    "krakenctl.wiring.exchange",
    "krakenctl.workflow",
)
_SECOND = 1_000_000_000  # nanoseconds
_LOOK = 10_000_000  # a command makes a few calls between two looks


class Naps:
    """In place of `time`, for all who nap: they agree on what time it is."""

    def __init__(self) -> None:
        self._slept = 0.0

    def sleep(self, seconds: float) -> None:
        self._slept += seconds

    def monotonic(self) -> float:
        return time.monotonic() + self._slept

    def time(self) -> float:
        return time.time() + self._slept

    def time_ns(self) -> int:
        return time.time_ns() + self._slept_ns

    @property
    def _slept_ns(self) -> int:
        return int(self._slept * _SECOND)

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)


class Looks(Naps):
    """Only sleeping and looking at the clock take time, however slow the machine is.

    A sandbox whose clock stands refuses a command whose numbers are below those of the one before: so each look finds
    a later part of the second.
    """

    def __init__(self) -> None:
        super().__init__()
        self._parts = iter(range(0, _SECOND, _LOOK))  # who looks more often is to move the sandbox on

    def monotonic(self) -> float:
        return self._slept

    def time_ns(self) -> int:
        return int(time.time()) * _SECOND + next(self._parts) + self._slept_ns


def skip_naps(monkeypatch: pytest.MonkeyPatch, naps: Naps | None = None) -> Naps:
    naps = naps or Naps()
    for module in _NAPPERS:
        monkeypatch.setattr(f"{module}.time", naps)
    return naps
