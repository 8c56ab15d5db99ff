"""Run as a program: `kill_driver.py SIGNAL TEMPLATE FOLDER`. For n = 0, 1, 2 … it copies the workspace TEMPLATE to
FOLDER/n, forks a process that applies it, and lets that process send itself SIGNAL just before its n-th deed, until one
comes to its end unharmed. Prints what became of each, as JSON.

For SIGKILL a deed is what outlives the process: an HTTP call that changes something, a method of the store or the state
that writes, a rename within the store, and the end. Only the moment before each is tried: nothing durable happens
between the end of one and the beginning of the next. For SIGINT it is every HTTP call.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from desk import MEANT, StandingTime
from krakenctl import exchange, workflow
from krakenctl.cli import main
from krakenctl.state.sql import SqlState
from krakenctl.stores.age import AgeStore
from krakenctl.transport.wsgi import WsgiAdapter

STATE = ("remember_account", "begin", "advance", "promote", "update", "revoked", "forget")
STORE = ("prove_writable", "put", "promote", "remove")
DEEDS: tuple[tuple[type, tuple[str, ...]], ...] = ((SqlState, STATE), (AgeStore, STORE), (Path, ("replace",)))


def run(number: int, sort: signal.Signals, root: Path, *, only_calls: bool) -> tuple[str, int]:
    """The boundary's name (empty: there was no such boundary) and how the process ended (negative: by a signal)."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        _apply(number, sort, root, write, only_calls=only_calls)
    os.close(write)
    with os.fdopen(read) as pipe:
        where = pipe.read()
    return where, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _apply(number: int, sort: signal.Signals, root: Path, write: int, *, only_calls: bool) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever runs us in the background has it ignored
    still: Any = StandingTime()
    exchange.time = workflow.time = still
    count = 0

    def before(what: str, *args: Any) -> None:
        nonlocal count
        if not only_calls and what == "WsgiAdapter.send" and args[1].method == "GET":
            return
        if count == number:
            os.write(write, what.encode())
            os.kill(os.getpid(), sort)
        count += 1

    for owner, names in ((WsgiAdapter, ("send",)), *(() if only_calls else DEEDS)):
        for name in names:
            setattr(owner, name, _announced(before, f"{owner.__name__}.{name}", getattr(owner, name)))
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123 - Path.replace is wrapped, Path.open need not be
        sys.stdout = sys.stderr = nowhere
        code = main(["-C", str(root), "apply", "--yes", *MEANT])
    if not only_calls:
        before("the end")
    os._exit(code)


def _announced(before: Callable[..., None], what: str, method: Callable[..., Any]) -> Callable[..., Any]:
    def announced(*args: Any, **more: Any) -> Any:
        before(what, *args)
        return method(*args, **more)

    return announced


def all_of_them(sort: signal.Signals, template: Path, folder: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while True:
        number = len(found)
        root = folder / str(number)
        shutil.copytree(template, root)
        where, code = run(number, sort, root, only_calls=sort is signal.SIGINT)
        if not where:
            return found
        found.append({"root": str(root), "where": where, "code": code})


if __name__ == "__main__":
    json.dump(all_of_them(signal.Signals[sys.argv[1]], Path(sys.argv[2]), Path(sys.argv[3])), sys.stdout)
