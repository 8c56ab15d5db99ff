"""Another host that shares the workspace's folder or state: a process with a name and an address of its own.

It is forked: nothing is imported anew, so that it can be killed at every one of its deeds, one after the other.
"""

from __future__ import annotations

import gc
import os
import signal
import socket
import sys
import tempfile
from pathlib import Path
from typing import NoReturn

from chaos.boundaries import Boundaries, Boundary
from krakenctl.cli import main
from krakenctl.transport.wsgi import WsgiAdapter
from running import Ran

KILLED = -signal.SIGKILL
_LASTING = ("http", "state", "file")  # a flush to the disk makes no difference to who comes after


def krakenctl_on(
    host: str, address: str, *args: str | Path, root: Path, strike: int = -1, env: dict[str, str] | None = None
) -> Ran:
    """`address`: from which it calls the embedded sandbox of the workspace in `root`.

    `strike`: just before which of its deeds that outlast it, it is killed; -1: it is not.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = os.fork()
        if child == 0:
            os.dup2(out.fileno(), 1)
            os.dup2(err.fileno(), 2)
            os.environ.update(env or {})
            _act(host, address, root.resolve(), strike, [str(arg) for arg in args])
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        return Ran(code, _whole(out), _whole(err))


def _whole(file: object) -> str:
    file.seek(0)  # type: ignore[attr-defined]
    return str(file.read().decode())  # type: ignore[attr-defined]


def _act(host: str, address: str, root: Path, strike: int, args: list[str]) -> NoReturn:
    code = 70
    try:
        gc.disable()
        sys.stdin = os.fdopen(os.open(os.devnull, os.O_RDONLY))
        sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
        socket.gethostname = lambda: host
        assert WsgiAdapter.__init__.__kwdefaults__ is not None
        WsgiAdapter.__init__.__kwdefaults__["remote_addr"] = address
        if strike >= 0:
            _arm(root, strike)
        code = main(["-C", str(root), *args])
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


def _arm(root: Path, strike: int) -> None:
    seen = 0

    def reached(boundary: Boundary) -> None:
        nonlocal seen
        if boundary.sort in _LASTING and not boundary.after:
            if seen == strike:
                os.kill(os.getpid(), signal.SIGKILL)
            seen += 1

    Boundaries(root, reached).install()
