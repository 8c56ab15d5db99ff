"""The state in one SQLite file. Durable after each method; readable with the ordinary sqlite3 program."""

from __future__ import annotations

import os
import re
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
from krakenctl.state.database import Execute, Rows, labels
from krakenctl.state.sql import SqlState

T = TypeVar("T")

BUSY_SECONDS = 10
JOT_SECONDS = 1  # for what may as well be forgotten
_BACKUP = "restore it from a backup; or move it away, and see `krakenctl state rebuild`"
# Locks on these do not hold between hosts: two runs would both believe to be alone.
NETWORK_FILE_SYSTEMS = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "afs", "ceph", "lustre"})
_SYNCED = "PRAGMA synchronous = FULL"  # a step that is recorded survives a power cut
_BUSY = ("SQLITE_BUSY", "SQLITE_LOCKED")
_OCTAL = re.compile(r"\\([0-7]{3})")  # how /proc/self/mounts writes blanks


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
        with self._turn, _as_damage(self._path), _as_state_error(self._path):
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
                _refuse_network(self.path, _read_mounts)
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
    _refuse_network(path, mounts or _read_mounts)
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
            _refuse_network(path, _read_mounts)
            connection = _connect(path, mode="ro")
    if connection is None:
        yield None
        return
    try:
        with _as_state_error(path):
            made = _is_made(connection, path)
            connection = _upgraded(connection, path) if made else connection
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
        _upgrade(connection, path)
    connection.execute("COMMIT")
    _refuse_newer(version, path)


def _is_made(connection: sqlite3.Connection, path: Path) -> bool:
    """False: there is nothing in it yet. A run may have died while it made the state."""
    looks = "SELECT user_version, (SELECT count(*) FROM sqlite_master) FROM pragma_user_version"  # of one moment
    version, tables_there = connection.execute(looks).fetchone()
    if version == 0 and tables_there:
        raise StateError(f"{path} is another program's database", hint="name another file as state.path")
    return bool(version)


def _upgraded(connection: sqlite3.Connection, path: Path) -> sqlite3.Connection:
    """A file of an older format is read as it would be after its upgrade, in memory; the file stays as it is."""
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    _refuse_newer(version, path)
    if version == tables.VERSION:
        return connection
    copy = sqlite3.connect(":memory:", isolation_level=None)
    connection.backup(copy)
    connection.close()
    _upgrade(copy, path)
    return copy


def _upgrade(connection: sqlite3.Connection, path: Path) -> None:
    """Format 1 kept too little of what was under way to finish it here; everything else stays as it is."""
    if connection.execute("SELECT count(*) FROM intent").fetchone()[0]:
        raise StateError(
            f"{path} was written by an older krakenctl, and an apply of its has not ended",
            hint="run `krakenctl apply` once more with the krakenctl that wrote it",
        )
    connection.execute("DROP TABLE intent")
    for statement in tables.additions():
        connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {tables.VERSION}")


def _refuse_newer(version: int, path: Path) -> None:
    if version > tables.VERSION:
        raise StateError(f"{path} was written by a newer krakenctl (format {version})", hint="upgrade krakenctl")


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


@contextmanager
def _as_damage(path: Path) -> Iterator[None]:
    """Rows that read as nothing that was ever written."""
    try:
        yield
    except (ValueError, KeyError, TypeError, IndexError) as problem:
        raise StateError(f"the state {path} is damaged", hint=_BACKUP) from problem


def _refuse_network(path: Path, mounts: Callable[[], str]) -> None:
    kind = _file_system(path.resolve(), mounts())
    if kind in NETWORK_FILE_SYSTEMS:
        raise StateError(
            f"{path} is on a network file system ({kind}), where SQLite's locks do not hold",
            hint="put state.path on a local disk",
        )


def _read_mounts() -> str:
    try:
        return Path("/proc/self/mounts").read_text()
    except OSError:  # not Linux: SQLite's own checks must do
        return ""


def _file_system(path: Path, mounts: str) -> str:
    """The type of the file system with the longest mount point above `path`."""
    best, kind = "", ""
    for line in mounts.splitlines():
        _, escaped, found = line.split()[:3]
        point = _OCTAL.sub(lambda code: chr(int(code[1], 8)), escaped)
        below = str(path).startswith(point.rstrip("/") + "/")
        if below and len(point) >= len(best):
            best, kind = point, found
    return kind
