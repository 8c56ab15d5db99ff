"""The sandbox's one file: its schema, a connection per thread, and write transactions. It knows no rule of Kraken's.

The file is built under another name and linked into place, so nobody ever sees half a schema and two processes may
start at once. WAL with synchronous=NORMAL: a power cut may cost the last calls, which is fine for a sandbox.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
import threading
import weakref
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote

from krakenctl.errors import WorkspaceError

if TYPE_CHECKING:
    from collections.abc import Iterator

VERSION = 2
_APPLICATION = 0x4B724B21  # “KrK!”, so that another program's database is not taken for a sandbox
_BUSY_SECONDS = 10.0
_RESET = "run `krakenctl sandbox reset` to start with an empty one; its accounts and keys are lost"

_SCHEMA = Path(__file__).with_name("schema.sql")
_PRAGMAS = f"""
PRAGMA journal_mode = WAL;
PRAGMA application_id = {_APPLICATION};
PRAGMA user_version = {VERSION};
"""


class _Connection(sqlite3.Connection):
    """Closes itself when its thread is gone: an abandoned connection is a ResourceWarning from Python 3.13 on."""

    def __del__(self) -> None:
        with suppress(sqlite3.ProgrammingError):  # it could not even be opened
            self.close()


class Database:
    """One file, used by any number of threads and processes at once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._all: weakref.WeakSet[_Connection] = weakref.WeakSet()
        self._here = threading.local()
        self._process = os.getpid()
        self._inherited: list[threading.local] = []  # a forked child may neither use nor close its parent's
        if not path.exists():
            _create(path)
        self.connection()

    @property
    def database(self) -> Database:
        return self

    def connection(self) -> sqlite3.Connection:
        """This thread's connection. Use it as it is to read; to write, use `write`."""
        if self._process != os.getpid():
            self._leave_parent()
        connection: _Connection | None = getattr(self._here, "connection", None)
        if connection is None:
            connection = self._here.connection = _connect(self.path)
            with self._lock:
                self._all.add(connection)
        return connection

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """One transaction that may write, undone when the block raises; within one of this thread's, a part of it."""
        connection = self.connection()
        if connection.in_transaction:
            yield connection
            return
        with self._writing:  # threads queue here: SQLite would let them sleep and try again
            connection.execute("BEGIN IMMEDIATE")  # processes wait for their turn here, never half-way
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def close(self) -> None:
        with self._lock:
            for connection in tuple(self._all):
                connection.close()
            self._all.clear()
        self._here = threading.local()

    def _leave_parent(self) -> None:
        self._inherited.append(self._here)
        self._here, self._all = threading.local(), weakref.WeakSet()
        self._lock, self._writing = threading.Lock(), threading.Lock()
        self._process = os.getpid()


class HasDatabase(Protocol):
    @property
    def database(self) -> Database: ...


Where = Path | HasDatabase  # a sandbox's file, or a sandbox that is open


@contextmanager
def opened(where: Where) -> Iterator[Database]:
    """The database of an open sandbox, or that of a file for as long as the block runs."""
    if not isinstance(where, Path):
        yield where.database
        return
    database = Database(where)
    try:
        yield database
    finally:
        database.close()


def remove(path: Path) -> None:
    """Delete the file and what SQLite keeps beside it."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def damaged(path: Path, error: sqlite3.Error) -> WorkspaceError:
    """What SQLite says, and what to do: to reset is no answer to a folder that cannot be written."""
    locked_away = any(word in str(error) for word in ("readonly", "unable to open", "disk I/O", "full"))
    hint = (
        "it must be possible to write to it and its folder, also to plan: check modes and space"
        if locked_away
        else _RESET
    )
    return WorkspaceError(f"the sandbox {path} cannot be used: {error}", hint=hint, file=str(path))


def is_busy(error: sqlite3.Error) -> bool:
    """Others wrote for longer than we wait; nothing is wrong with the file."""
    return str(getattr(error, "sqlite_errorname", "")).startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))


def _connect(path: Path) -> _Connection:
    try:
        connection = _raw(path)
        _check(path, connection)
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
    except sqlite3.Error as error:
        raise damaged(path, error) from error
    return connection


def _raw(path: Path) -> _Connection:
    return sqlite3.connect(
        f"file:{quote(str(path.absolute()))}?mode=rw",  # rw: never makes a file, let alone a readable one
        uri=True,
        timeout=_BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,  # each thread uses its own, but close() may come from another
        factory=_Connection,
    )


def _check(path: Path, connection: sqlite3.Connection) -> None:
    [application] = connection.execute("PRAGMA application_id").fetchone()
    [version] = connection.execute("PRAGMA user_version").fetchone()
    if application != _APPLICATION:
        raise WorkspaceError(
            f"{path} is not a krakenctl sandbox",
            hint=f"name another file; or, if nobody needs this one, {_RESET}",
            file=str(path),
        )
    if version != VERSION:
        raise WorkspaceError(
            f"the sandbox {path} was written by another krakenctl (its version is {version}, ours {VERSION})",
            hint=f"use that krakenctl, or {_RESET}",
            file=str(path),
        )


def _create(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _link_in(path, path.with_name(f".{path.name}.{secrets.token_hex(8)}"))
    except sqlite3.Error as error:
        raise damaged(path, error) from error
    except OSError as error:
        raise WorkspaceError(f"the sandbox {path} cannot be created: {error.strerror}", file=str(path)) from error


def _link_in(path: Path, draft: Path) -> None:
    try:
        os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        _build(draft)
        with suppress(FileExistsError):  # another process was faster, and its file is as good
            os.link(draft, path)
    finally:
        remove(draft)


def _build(draft: Path) -> None:
    connection = _raw(draft)
    try:
        connection.execute("PRAGMA synchronous = OFF")
        connection.executescript(_PRAGMAS + _SCHEMA.read_text(encoding="utf-8"))
    finally:
        connection.close()
