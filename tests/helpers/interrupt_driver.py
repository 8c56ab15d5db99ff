"""Run as a program: `interrupt_driver.py TEMPLATE FOLDER`. For n = 0, 1, 2 … it copies the workspace TEMPLATE to
FOLDER/n, forks a process that applies it, and lets that process get a Ctrl-C just before its n-th HTTP call, until one
comes to its end unharmed. Prints where each stands and its exit code, as JSON.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from pathlib import Path
from typing import Any, NoReturn

sys.path.insert(0, str(Path(__file__).parent))

from desk import MEANT, StandingTime
from krakenctl import workflow
from krakenctl.cli import main
from krakenctl.transport.wsgi import WsgiAdapter
from krakenctl.wiring import exchange


def interrupted(number: int, root: Path) -> tuple[bool, int]:
    """Whether there was such a call, and the exit code."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        _apply(number, root, write)
    os.close(write)
    with os.fdopen(read) as pipe:
        struck = bool(pipe.read())
    return struck, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _apply(number: int, root: Path, write: int) -> NoReturn:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever runs us in the background has it ignored
    still: Any = StandingTime()
    exchange.time = workflow.time = still
    real, count = WsgiAdapter.send, 0

    def send(*args: Any, **more: Any) -> Any:
        nonlocal count
        if count == number:
            os.write(write, b"!")
            os.kill(os.getpid(), signal.SIGINT)
        count += 1
        return real(*args, **more)

    WsgiAdapter.send = send  # type: ignore[method-assign]
    with Path(os.devnull).open("w") as nowhere:
        sys.stdout = sys.stderr = nowhere
        os._exit(main(["-C", str(root), "apply", "--yes", *MEANT]))


def all_of_them(template: Path, folder: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while True:
        root = folder / str(len(found))
        shutil.copytree(template, root)
        struck, code = interrupted(len(found), root)
        if not struck:
            return found
        found.append({"root": str(root), "code": code})


if __name__ == "__main__":
    json.dump(all_of_them(Path(sys.argv[1]), Path(sys.argv[2])), sys.stdout)
