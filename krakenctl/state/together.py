"""Writes of several threads in one transaction: they share what it costs to be durable, and none waits longer for it.

Alone, a write is a transaction as it was. With n threads, those that come while one is being flushed go together in
the next one; each is undone by itself when it fails by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock, RLock, local
from typing import Any, TypeVar

from krakenctl.errors import KrakenctlError
from krakenctl.state.database import Database, Execute

T = TypeVar("T")


class Together:
    """See `database.Database`; around another one."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._turn = RLock()  # of who writes
        self._door = Lock()  # to those who wait for that
        self._waiting: list[_Write] = []
        self._reader: Database | None = None  # for those who would wait behind a write to look at something
        self._aside = local()  # whether this very thread is looking there

    def read(self, deed: Callable[[Execute], T]) -> T:
        if self._turn.acquire(blocking=False):
            try:
                return self._database.read(deed)
            finally:
                self._turn.release()
        with self._door:
            self._reader = self._reader or self._database.another()
        self._aside.here = True
        try:
            return self._reader.read(deed)
        finally:
            self._aside.here = False

    def write(self, deed: Callable[[Execute], T]) -> T:
        write = _Write(deed)
        with self._door:
            self._waiting.append(write)
        with self._turn:
            if not write.over:
                self._carry_out()
        if write.problem is not None:
            raise write.problem
        made: T = write.made
        return made

    def now(self) -> float:
        """Asked over the connection that this thread is using: the other one may be busy with a write."""
        reader = self._reader if getattr(self._aside, "here", False) else None
        return (reader or self._database).now()

    def another(self) -> Database:
        return self._database.another()

    def copy(self, label: str) -> str:
        with self._turn:
            return self._database.copy(label)

    def close(self) -> None:
        with self._turn:
            self._database.close()
            if self._reader is not None:
                self._reader.close()

    def _carry_out(self) -> None:
        """All that are waiting, by the first of them."""
        with self._door:
            batch, self._waiting = self._waiting, []
        try:
            self._database.write(lambda run: _do_all(batch, run))
        except BaseException as problem:  # noqa: BLE001 - each raises it for itself
            for write in batch:
                write.problem = problem
        for write in batch:
            write.over = True


class _Write:
    """One deed, and what came of it."""

    def __init__(self, deed: Callable[[Execute], Any]) -> None:
        self.deed = deed
        self.made: Any = None
        self.problem: BaseException | None = None
        self.over = False


def _do_all(batch: list[_Write], run: Execute) -> None:
    if len(batch) == 1:
        batch[0].made = batch[0].deed(run)
        return
    for write in batch:
        _do(write, run)


def _do(write: _Write, run: Execute) -> None:
    """An error of ours undoes this deed alone; any other is the database's, and undoes them all."""
    run("SAVEPOINT one_of_several")
    write.problem = None  # it may be run a second time
    try:
        write.made = write.deed(run)
    except KrakenctlError as problem:
        run("ROLLBACK TO SAVEPOINT one_of_several")
        write.problem = problem
    run("RELEASE SAVEPOINT one_of_several")
