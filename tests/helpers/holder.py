"""Run as a program: `holder.py POINT HOW ROOT ARGS…` runs krakenctl in ROOT, and something happens to it at POINT.

POINT is a word of desk's wire and how often it has to come, as `list:2`. It happens just before that call: it prints
“here”, and with `wait` goes on when it reads a line, with `stop` sends itself SIGSTOP, with `kill` SIGKILL. What
krakenctl prints goes to standard error.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from desk import Desk, Wire
from krakenctl.cli import main
from krakenctl.state.leases import SqlLeases


@contextmanager
def at(desk: Desk, point: str, how: str) -> Iterator[subprocess.Popen[str]]:
    """An apply in a process of its own, which has reached `point`."""
    words = [sys.executable, __file__, point, how, str(desk.root), "apply", "--yes"]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as running:
        try:
            assert running.stdout is not None
            assert running.stdout.readline() == "here\n", running.communicate()[1]
            yield running
        finally:
            running.kill()


def go_on(running: subprocess.Popen[str]) -> tuple[int, str]:
    """The exit code, and everything it said."""
    told = running.communicate("go\n")[1]
    return running.returncode, " ".join(told.split())


def stopped(running: subprocess.Popen[str]) -> None:
    os.waitid(os.P_PID, running.pid, os.WSTOPPED)


def happen(how: str, leases: list[SqlLeases]) -> None:
    print("here", file=sys.__stdout__, flush=True)
    if how == "wait":
        sys.stdin.readline()
        return
    for each in leases:  # who is stopped in the middle of a heartbeat would stop everybody else too
        each._turn.acquire()
    os.kill(os.getpid(), signal.SIGSTOP if how == "stop" else signal.SIGKILL)
    for each in leases:
        each._turn.release()


def run(point: str, how: str, *args: str) -> int:
    word, _, number = point.partition(":")
    held: list[SqlLeases] = []
    seen = 0
    acquire = SqlLeases.acquire

    def noted(leases: SqlLeases, *told: object) -> object:
        held.append(leases)
        return acquire(leases, *told)  # type: ignore[arg-type]

    def before(called: str) -> None:
        nonlocal seen
        seen += called.partition(" ")[0] == word
        if seen == int(number) and called.partition(" ")[0] == word:
            happen(how, held)

    patch = pytest.MonkeyPatch()
    patch.setattr(SqlLeases, "acquire", noted)
    Wire(before=before).install(patch)
    with contextlib.redirect_stdout(sys.stderr):
        return main(["-C", *args])


if __name__ == "__main__":
    sys.exit(run(*sys.argv[1:]))
