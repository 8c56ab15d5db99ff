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
        return time.time_ns() + int(self._slept * 1_000_000_000)

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)


def skip_naps(monkeypatch: pytest.MonkeyPatch, naps: Naps | None = None) -> Naps:
    naps = naps or Naps()
    for module in _NAPPERS:
        monkeypatch.setattr(f"{module}.time", naps)
    return naps
