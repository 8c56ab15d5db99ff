"""Run as a program: `racer.py` reads lines of JSON, races two applies for each, and prints a line for each: their exit
codes, and what they printed.

A line names a workspace's `root`, and at which `step` the first one waits until the second one is about to take the
lease: at its n-th call to the exchange, or transaction of the state, whichever comes. From there both go on in the same
moment. `words` are added to both commands. The processes are forked from this one, which has everything imported.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout, suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import desk as d
from krakenctl.apply import executor  # noqa: F401 - so that no child has to import them
from krakenctl.apply.recovery import run as recovery  # noqa: F401 - so that no child has to import them
from krakenctl.cli import main
from krakenctl.state.leases import SqlLeases
from krakenctl.state.postgres import PostgresDatabase
from krakenctl.state.sqlite import SqliteDatabase

Meet = Callable[[], None]
SECONDS = 60  # after which a race that hangs is ended


def race(root: str, step: int, words: list[str]) -> list[tuple[int, str]]:
    racers = [Racer(root, words, lambda meet: at_step(step, meet)), Racer(root, words, at_lease)]
    for racer in racers:
        racer.arrived()
    for racer in racers:
        racer.let_go()
    return [racer.end() for racer in racers]


class Racer:
    """An apply in a process of its own, which waits where `place` says."""

    def __init__(self, root: str, words: list[str], place: Callable[[Meet], None]) -> None:
        self._told: IO[str] = TemporaryFile("w+")  # noqa: SIM115 - closed in `end`
        (heard, says), (told, tells) = os.pipe(), os.pipe()
        self._pid = os.fork()
        if not self._pid:
            os.close(heard)
            os.close(tells)
            code = self._run(root, words, place, says, told)
            self._told.flush()
            os._exit(code)
        os.close(says)
        os.close(told)
        self._heard, self._tells = heard, tells

    def _run(self, root: str, words: list[str], place: Callable[[Meet], None], says: int, told: int) -> int:
        import signal

        signal.alarm(SECONDS)

        @cache
        def meet() -> None:
            os.write(says, b".")
            os.read(told, 1)

        place(meet)
        with redirect_stdout(self._told), redirect_stderr(self._told):
            code = main(["-C", root, "apply", "--yes", *words])
        return code

    def arrived(self) -> None:
        """Or ended: it has no such step."""
        os.read(self._heard, 1)

    def let_go(self) -> None:
        with suppress(BrokenPipeError):
            os.write(self._tells, b".")
        os.close(self._tells)

    def end(self) -> tuple[int, str]:
        _, status = os.waitpid(self._pid, 0)
        os.close(self._heard)
        with self._told as told:
            told.seek(0)
            return os.waitstatus_to_exitcode(status), " ".join(told.read().split())


def at_step(number: int, meet: Meet) -> None:
    seen = 0

    def step(*_: object) -> None:
        nonlocal seen
        seen += 1
        if seen > number:
            meet()

    patch = pytest.MonkeyPatch()
    d.Wire(before=step).install(patch)
    for database in (SqliteDatabase, PostgresDatabase):
        for method in ("read", "write"):
            patch.setattr(database, method, _after(step, getattr(database, method)))


def at_lease(meet: Meet) -> None:
    pytest.MonkeyPatch().setattr(SqlLeases, "acquire", _after(lambda *_: meet(), SqlLeases.acquire))


def _after(step: Callable[..., None], deed: Callable[..., Any]) -> Callable[..., Any]:
    def later(*args: Any, **more: Any) -> Any:
        step()
        return deed(*args, **more)

    return later


if __name__ == "__main__":
    for line in sys.stdin:
        told = json.loads(line)
        sys.stdout.write(json.dumps(race(told["root"], told["step"], told["words"])) + "\n")
        sys.stdout.flush()
