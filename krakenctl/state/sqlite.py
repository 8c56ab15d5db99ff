"""The state in one SQLite file. Durable after each method; readable with the ordinary sqlite3 program."""

from __future__ import annotations

import os
import sqlite3
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import RLock
from typing import Any, TypeVar

from krakenctl.errors import StateBusy, StateError
from krakenctl.model.recorded import Recorded
from krakenctl.state import tables
from krakenctl.state.base import State
from krakenctl.state.database import Execute, Rows, as_damage, labels
from krakenctl.state.mounts import refuse_network
from krakenctl.state.sql import SqlState
from krakenctl.state.upgrade import refuse_newer, upgrade, upgraded

T = TypeVar("T")

BUSY_SECONDS = 10
JOT_SECONDS = 1  # for what may as well be forgotten
_BACKUP = "restore it from a backup; or move it away, and see `krakenctl state rebuild`"
_SYNCED = "PRAGMA synchronous = FULL"  # a step that is recorded survives a power cut
_BUSY = ("SQLITE_BUSY", "SQLITE_LOCKED")


class SqliteDatabase:
    """See `database.Database`. `open_state` makes one."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._db = connection
        self._path = path
        self._turn = RLock()  # SQLite would let two threads into one transaction

    def read(self, deed: Callable[[Execute], T]) -> T:
        with self._transaction("BEGIN"):
            return deed(self._execute)

    def write(self, deed: Callable[[Execute], T]) -> T:
        with self._transaction("BEGIN IMMEDIATE"):
            done = deed(self._execute)
            self._db.execute(tables.COUNT_UP)
            return done

    def now(self) -> float:
        return time.time()

    def another(self) -> SqliteDatabase:
        with _as_state_error(self._path):
            connection = _connect(self._path)
            connection.execute(_SYNCED)
            return SqliteDatabase(connection, self._path)

    def copy(self, label: str) -> str:
        with self._turn, _as_state_error(self._path), _open_new(self._path, label) as (path, file):
            self._db.execute("VACUUM INTO ?", (str(path),))  # into an empty file: with our mode, not SQLite's
            os.fsync(file)
        return str(path)

    def close(self) -> None:
        with self._turn:
            self._db.close()

    def _execute(self, statement: str, *values: Any) -> Rows:
        return self._db.execute(statement, values).fetchall()

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[None]:
        with self._turn, as_damage(f"the state {self._path}", _BACKUP), _as_state_error(self._path):
            self._db.execute(begin)
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:  # a full disk makes SQLite roll back by itself
                    self._db.execute("ROLLBACK")
                raise


@dataclass(frozen=True, slots=True)
class SqliteHome:
    """See `base.StateHome`."""

    path: Path

    def read(self) -> Recorded:
        return read_only(self.path)

    def look(self) -> AbstractContextManager[SqlState | None]:
        return looking(self.path)

    def jot(self, deed: Callable[[State], None]) -> bool:
        try:
            with _as_state_error(self.path), closing(_connect(self.path, JOT_SECONDS, "rw")) as connection:
                refuse_network(self.path)
                if connection.execute("PRAGMA user_version").fetchone()[0] != tables.VERSION:
                    return False
                connection.execute(_SYNCED)
                deed(SqlState(SqliteDatabase(connection, self.path)))
        except StateError:
            return False
        return True

    def open(self) -> SqlState:
        return open_state(self.path)

    def remove(self) -> None:
        with _as_state_error(self.path):
            for file in with_journals(self.path):
                file.unlink(missing_ok=True)

    def __str__(self) -> str:
        return f"the state {self.path}"


def with_journals(path: Path) -> list[Path]:
    """A database, after what SQLite keeps beside it."""
    return [path.with_name(path.name + suffix) for suffix in ("-wal", "-shm", "-journal", "")]


def open_state(path: Path, mounts: Callable[[], str] | None = None) -> SqlState:
    """Open the file, or make it with a lineage of its own. Raises StateError, also on a network file system."""
    refuse_network(path, mounts)
    with _as_state_error(path):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        connection = _connect(path)
        try:
            _prepare(connection, path)
        except BaseException:
            connection.close()
            raise
    return SqlState(SqliteDatabase(connection, path))


def read_only(path: Path) -> Recorded:
    """What is recorded, without making or touching the file. A missing file is an empty state without a lineage."""
    with looking(path) as state:
        return Recorded(lineage="") if state is None else state.read()


@contextmanager
def looking(path: Path) -> Iterator[SqlState | None]:
    """The state in that file, to be read only; None: there is none."""
    with _as_state_error(path):
        if not path.exists() or not path.stat().st_size:
            connection = None
        else:
            refuse_network(path)
            connection = _connect(path, mode="ro")
    if connection is None:
        yield None
        return
    try:
        with _as_state_error(path):
            made = _is_made(connection, path)
            connection = upgraded(connection, path) if made else connection
        yield SqlState(SqliteDatabase(connection, path)) if made else None
    finally:
        connection.close()


@contextmanager
def _open_new(beside: Path, label: str) -> Iterator[tuple[Path, int]]:
    """A file that was not there before, and is not there afterwards if it could not be filled."""
    for free in labels(label):
        path = beside.with_name(f"{beside.name}.{free}")
        with suppress(FileExistsError):
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
            break
    try:
        yield path, file
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    finally:
        os.close(file)


def _connect(path: Path, seconds: float | None = None, mode: str = "rwc") -> sqlite3.Connection:
    """`seconds`: how long whoever has it locked is waited for; None: as long as is usual."""
    patience = BUSY_SECONDS if seconds is None else seconds
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    return sqlite3.connect(uri, uri=True, timeout=patience, isolation_level=None, check_same_thread=False)


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(_SYNCED)
    connection.execute("BEGIN IMMEDIATE")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if not _is_made(connection, path):
        for statement in tables.statements():
            connection.execute(statement)
        connection.execute("INSERT INTO meta VALUES ('lineage', ?)", (str(uuid.uuid4()),))
        connection.execute(f"PRAGMA user_version = {tables.VERSION}")
    elif version < tables.VERSION:
        upgrade(connection, path)
    connection.execute("COMMIT")
    refuse_newer(version, path)


def _is_made(connection: sqlite3.Connection, path: Path) -> bool:
    """False: there is nothing in it yet. A run may have died while it made the state."""
    looks = "SELECT user_version, (SELECT count(*) FROM sqlite_master) FROM pragma_user_version"  # of one moment
    version, tables_there = connection.execute(looks).fetchone()
    if version == 0 and tables_there:
        raise StateError(f"{path} is another program's database", hint="name another file as state.path")
    return bool(version)


@contextmanager
def _as_state_error(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as problem:
        kind = StateBusy if _name(problem).startswith(_BUSY) else StateError
        raise kind(f"the state {path} cannot be used: {problem}", hint=_hint(problem)) from problem
    except OSError as problem:
        raise StateError(f"the state {path} cannot be opened: {problem.strerror}") from problem


def _hint(problem: sqlite3.DatabaseError) -> str:
    name = _name(problem)
    if name.startswith(_BUSY):
        return "another krakenctl may be running; run it again when that one is done"
    if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_FULL", "SQLITE_IOERR", "SQLITE_PERM")):
        return "check the modes of the file and its folder, and the disk's space"
    return _BACKUP


def _name(problem: sqlite3.DatabaseError) -> str:
    return str(getattr(problem, "sqlite_errorname", ""))
