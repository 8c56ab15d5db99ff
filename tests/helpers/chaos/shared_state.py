"""A state that is shared: a schema of a real PostgreSQL server, which is cut off, killed and started again.

Each workspace of a part has a database of its own there, so that it can be copied as its folder is.
"""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from desk import Desk

if TYPE_CHECKING:
    from postgres import Server

TEMPLATE = "template"
_DSN = ".krakenctl/state.dsn"


@dataclass(frozen=True)
class SharedState:
    server: Server

    def settle(self, desk: Desk) -> None:
        """That workspace's state is kept here from now on."""
        desk.settings(state={"type": "postgres", "dsn": f"file:{_DSN}"})
        self.copy(desk, TEMPLATE, like="template0")

    def copy(self, desk: Desk, database: str, like: str = f"ws_{TEMPLATE}") -> None:
        """Give a workspace that was copied a copy of its state."""
        name = f"ws_{database}"
        file = desk.root / _DSN
        file.touch(mode=0o600)
        file.write_text(self.server.fresh_database(name, like))

    def cut(self, desk: Desk) -> None:
        self.server.cut(_database(desk))

    def kill(self) -> None:
        """As a power cut would; returns when nobody listens any more."""
        assert self.server.process is not None
        os.kill(self.server.process.pid, signal.SIGQUIT)
        with suppress(OSError):
            while True:
                socket.create_connection(("127.0.0.1", self.server.port)).close()

    def revive(self) -> None:
        """In the process that started it."""
        from psycopg import OperationalError

        try:
            self.server.connect("postgres").close()
        except OperationalError:
            self.server.restart()


def _database(desk: Desk) -> str:
    words = (desk.root / _DSN).read_text().split()
    return next(word.removeprefix("dbname=") for word in words if word.startswith("dbname="))


@contextmanager
def shared_state() -> Iterator[SharedState]:
    from postgres import running

    with running() as server:
        yield SharedState(server)


def available() -> bool:
    """Whether there is psycopg, and a server to start."""
    try:
        from postgres import programs
    except ImportError:
        return False
    return programs() is not None
