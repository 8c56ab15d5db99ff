"""The same deed for many things at once, in threads. It knows nothing of what is done."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

Thing = TypeVar("Thing")
Made = TypeVar("Made")

MOST = 32


def usual() -> int:
    """How many to do at once where nobody says. They mostly wait for answers, so there are more than cores."""
    return min(MOST, 4 * (os.cpu_count() or 1) + 4)


def each(deed: Callable[[Thing], Made], things: Sequence[Thing], most: int) -> list[Made]:
    """What the deed makes of each, in the order of the things; at most `most` at once, begun in that order.

    After an exception nothing more is begun; what is under way comes to its end, and then the first one is raised.
    """
    if most <= 1 or len(things) <= 1:
        return [deed(thing) for thing in things]
    return _Crew(deed, things).work(min(most, len(things)))


class _Crew(Generic[Thing, Made]):
    """Threads that take one thing after another. They end with the process: Ctrl-C need not wait for those who read."""

    def __init__(self, deed: Callable[[Thing], Made], things: Sequence[Thing]) -> None:
        self._deed = deed
        self._things = things
        self._next = iter(range(len(things)))
        self._turn = threading.Lock()
        self._made: dict[int, Made] = {}
        self._problems: dict[int, BaseException] = {}
        self._over = False

    def work(self, hands: int) -> list[Made]:
        threads = [threading.Thread(target=self._run, name=f"krakenctl-{n}", daemon=True) for n in range(hands)]
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        finally:
            self._over = True
        if self._problems:
            raise self._problems[min(self._problems)]
        return [self._made[number] for number in range(len(self._things))]

    def _run(self) -> None:
        while (number := self._take()) is not None:
            try:
                self._made[number] = self._deed(self._things[number])
            except BaseException as problem:  # noqa: BLE001 - raised again by whoever waits
                self._problems[number] = problem
                self._over = True

    def _take(self) -> int | None:
        with self._turn:
            return None if self._over else next(self._next, None)
