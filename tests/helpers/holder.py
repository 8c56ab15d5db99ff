"""Run as a program: `holder.py POINT HOW ROOT ARGS…` runs krakenctl in ROOT, and something happens to it at POINT.

POINT is a word and how often it has to come, as `list:2`: a word of desk's wire, just before that call, or
`after-list`, once its answer has come; `put`, `promote` or `remove` of the store; or `nap`, a pause before a call is
tried again. There it prints “here”, and with `wait` goes on when it reads a line, with `stop` sends itself SIGSTOP, and
with `kill` SIGKILL. Whatever it changes from then on, on the exchange or in the store, it prints too. What krakenctl
prints goes to standard error.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from desk import Desk, StandingTime, Wire
from krakenctl.cli import main
from krakenctl.state.leases import SqlLeases
from krakenctl.stores.age import AgeStore
from krakenctl.transport.wsgi import WsgiAdapter

DEEDS = ("issue", "update", "revoke", "request", "put", "promote", "remove")


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


def wake(running: subprocess.Popen[str]) -> tuple[int, str, list[str]]:
    """One that was stopped: the exit code, everything it said, and what it still changed, or tried to."""
    running.send_signal(signal.SIGCONT)
    did, told = running.communicate()
    return running.returncode, " ".join(told.split()), did.splitlines()


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

    def reached(called: str) -> None:
        nonlocal seen
        passed, what = seen == int(number), called.partition(" ")[0]
        seen += what == word and not passed
        if not passed and seen == int(number):
            happen(how, held)
        elif passed and what in DEEDS:
            print(called, file=sys.__stdout__, flush=True)

    watch(pytest.MonkeyPatch(), reached, held)
    with contextlib.redirect_stdout(sys.stderr):
        return main(["-C", *args])


def watch(patch: pytest.MonkeyPatch, reached: Callable[[str], None], held: list[SqlLeases]) -> None:
    """Tell of every point that a run reaches, and of every lease that it takes."""
    acquire = SqlLeases.acquire

    def noted(leases: SqlLeases, *told: Any) -> Any:
        held.append(leases)
        return acquire(leases, *told)

    patch.setattr(SqlLeases, "acquire", noted)
    wire = Wire(before=reached).install(patch)
    send = WsgiAdapter.send

    def answered(adapter: WsgiAdapter, *told: Any, **more: Any) -> Any:
        response = send(adapter, *told, **more)
        reached(f"after-{wire.calls[-1]}")
        return response

    patch.setattr(WsgiAdapter, "send", answered)
    for word in ("put", "promote", "remove"):
        patch.setattr(AgeStore, word, _told(word, getattr(AgeStore, word), reached))
    naps = StandingTime()
    naps.sleep = lambda _: reached("nap")  # type: ignore[method-assign]
    patch.setattr("krakenctl.workflow.time", naps)


def _told(word: str, deed: Callable[..., Any], reached: Callable[[str], None]) -> Callable[..., Any]:
    def told(store: AgeStore, path: str, *more: Any) -> Any:
        reached(f"{word} {path}")
        return deed(store, path, *more)

    return told


if __name__ == "__main__":
    sys.exit(run(*sys.argv[1:]))
