"""Time in a cell: our own clock stands, whoever waits moves the exchange's, and nobody sleeps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from desk import NOW, Desk
from krakenctl import workflow
from krakenctl.pipeline import recollection
from krakenctl.sandbox import clock
from krakenctl.tasks.containment import sweep, switch
from krakenctl.wiring import exchange


class _Time:
    """In place of `time`: whoever waits moves the exchange's clock, and nobody sleeps."""

    def __init__(self, desk: Desk | None, number: int) -> None:
        self._desk = desk
        self._gone = 0.0
        self._nonce = NOW * 1000 + number * 1_000_200  # milliseconds; within one second too, above the run before

    def monotonic(self) -> float:
        return self._gone

    def time(self) -> float:
        return NOW + self._gone

    def time_ns(self) -> int:
        self._nonce += 15  # a command makes some calls, a millisecond apart
        return self._nonce * 1_000_000

    def sleep(self, seconds: float) -> None:
        self._gone += seconds
        if self._desk is not None:
            clock.advance(self._desk.db, seconds)


@contextmanager
def still(desk: Desk | None, number: int = 0) -> Iterator[None]:
    """Our own clock stands but for what is waited; the exchange's is frozen in its file."""
    modules: tuple[Any, ...] = (exchange, recollection, workflow, switch, sweep)
    real, still = [module.time for module in modules], _Time(desk, number)
    for module in modules:
        module.time = still
    try:
        yield
    finally:
        for module, time in zip(modules, real, strict=True):
            module.time = time
