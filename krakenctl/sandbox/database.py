"""The sandbox's one file: its schema, a connection per thread, and write transactions. It knows no rule of Kraken's.

The file is built under another name and linked into place, so nobody ever sees half a schema and two processes may
start at once. WAL with synchronous=NORMAL: a power cut may cost the last calls, which is fine for a sandbox.

A log (`-wal`) that outlived its file would be taken for the new file's own and ruin it. So whoever makes or removes the
file holds a lock on its folder, and a log goes before a file does, and before a file comes.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import sqlite3
import threading
import time
import weakref
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote

from krakenctl.errors import WorkspaceError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

VERSION = 3
_APPLICATION = 0x4B724B21  # “KrK!”, so that another program's database is not taken for a sandbox
_BUSY_SECONDS = 10.0
_AFRESH = (
    "name another file with --db; or, if nobody needs this one, delete it: a workspace's own with"
    " `krakenctl sandbox reset`, any other yourself"
)

_BESIDE = ("-wal", "-shm", "-journal")  # what SQLite keeps beside a file
_SCHEMA = Path(__file__).with_name("schema.sql")
_PRAGMAS = f"""
PRAGMA journal_mode = WAL;
PRAGMA application_id = {_APPLICATION};
PRAGMA user_version = {VERSION};
"""


_File = tuple[int, int]  # device and inode


class _Busy(sqlite3.OperationalError):
    """Other threads wrote for too long. To the caller it is as if SQLite had said so of other processes."""

    sqlite_errorname = "SQLITE_BUSY"


class _Connection(sqlite3.Connection):
    """Closes itself when its thread is gone: an abandoned connection is a ResourceWarning from Python 3.13 on."""

    file: _File | None = None  # which one it has open, whatever the path has come to mean

    def __del__(self) -> None:
        with suppress(sqlite3.ProgrammingError):  # it could not even be opened
            self.close()


class Database:
    """One file, used by any number of threads and processes at once.

    Somebody may remove the file meanwhile, to start afresh. The next use of the database goes to the file that is there
    by then, or to a new one. What is being read is read to its end as it was. A transaction that was written to the
    removed file raises WorkspaceError; one whose commit came before the removal was done, and is gone with the rest.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._all: weakref.WeakSet[_Connection] = weakref.WeakSet()
        self._here = threading.local()
        self._process = os.getpid()
        self._inherited: list[threading.local] = []  # a forked child may neither use nor close its parent's
        self.connection()

    @property
    def database(self) -> Database:
        return self

    def connection(self) -> sqlite3.Connection:
        """This thread's connection. Use it as it is to read; to write, use `write`."""
        if self._process != os.getpid():
            self._leave_parent()
        connection: _Connection | None = getattr(self._here, "connection", None)
        if connection is None or not (connection.in_transaction or connection.file == _file(self.path)):
            connection = self._here.connection = _connect(self.path)  # the one before closes when nobody reads it
            with self._lock:
                self._all.add(connection)
        return connection

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """One transaction that may write, undone when the block raises.

        Within one of this thread's, a part of it: undone alone when the block raises, and kept only with the whole.
        """
        connection = self.connection()
        part = connection.in_transaction
        with _part(connection) if part else self._whole(connection):
            yield connection

    @contextmanager
    def _whole(self, connection: sqlite3.Connection) -> Iterator[None]:
        with self._turn(connection):
            connection.execute("BEGIN IMMEDIATE")  # processes wait for their turn here, never half-way
            try:
                yield
                connection.execute("COMMIT")
            except BaseException as error:
                with suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")
                if isinstance(error, sqlite3.Error):
                    self._refuse_removed(connection)
                raise
            self._refuse_removed(connection)

    @contextmanager
    def _turn(self, connection: sqlite3.Connection) -> Iterator[None]:
        """Threads queue here, since SQLite would let them sleep and try again. Both waits together have one end."""
        writing, end = self._writing, time.monotonic() + _BUSY_SECONDS
        if not writing.acquire(timeout=_BUSY_SECONDS):
            raise _Busy("database is locked")
        try:
            left = max(0, int(1000 * (end - time.monotonic())))
            connection.execute(f"PRAGMA busy_timeout = {left}")
            yield
        finally:
            writing.release()
            with suppress(sqlite3.Error):  # reads that follow wait as long as ever
                connection.execute(f"PRAGMA busy_timeout = {int(1000 * _BUSY_SECONDS)}")

    def _refuse_removed(self, connection: sqlite3.Connection) -> None:
        assert isinstance(connection, _Connection)  # noqa: S101 - there is no other sort here
        if connection.file != _file(self.path):
            raise WorkspaceError(
                f"the sandbox {self.path} was removed while it was written to; what was being done is gone",
                hint="the next use of it begins afresh",
                file=str(self.path),
            )

    def close(self) -> None:
        with self._lock:
            for connection in tuple(self._all):
                connection.close()
            self._all.clear()
        self._here = threading.local()

    def _leave_parent(self) -> None:
        """What the parent's threads hold is not ours to wait for.

        SQLite itself knows no fork: a child that was forked in the middle of another thread's transaction finds the
        file busy for as long as it lives.
        """
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
    """The database of an open sandbox, or that of a file for as long as the block runs.

    Raises WorkspaceError where the file cannot be used, also in the midst of the block.
    """
    if not isinstance(where, Path):
        yield where.database
        return
    database = Database(where)
    try:
        yield database
    except sqlite3.Error as error:  # an open sandbox answers it in Kraken's words instead
        raise _unusable(where, error) from error
    finally:
        database.close()


def remove(path: Path) -> None:
    """Delete the file, after what SQLite keeps beside it. Whoever has it open goes on with another one."""
    if path.parent.is_dir():
        with _folder_locked(path):
            _remove(path)


def damaged(path: Path, error: sqlite3.Error) -> WorkspaceError:
    """What SQLite says, and what to do: to reset is no answer to a folder that cannot be written."""
    locked_away = any(word in str(error) for word in ("readonly", "unable to open", "disk I/O", "full"))
    hint = (
        "it must be possible to write to it and its folder, also to plan: check modes and space"
        if locked_away
        else _AFRESH
    )
    return WorkspaceError(f"the sandbox {path} cannot be used: {error}", hint=hint, file=str(path))


def _unusable(path: Path, error: sqlite3.Error) -> WorkspaceError:
    if not is_busy(error):
        return damaged(path, error)
    return WorkspaceError(
        f"the sandbox {path} is busy: somebody else wrote to it for {_BUSY_SECONDS:g} s; nothing was done",
        hint="try again",
        file=str(path),
    )


def is_busy(error: sqlite3.Error) -> bool:
    """Others wrote for longer than we wait; nothing is wrong with the file."""
    return str(getattr(error, "sqlite_errorname", "")).startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))


@contextmanager
def _part(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("SAVEPOINT part")
    try:
        yield
    except BaseException:
        if connection.in_transaction:  # a full disk has undone the whole already
            connection.execute("ROLLBACK TO part")
            connection.execute("RELEASE part")
        raise
    connection.execute("RELEASE part")


def _file(path: Path) -> _File | None:
    """Which file a path means now; None: none. Asked at every call, so it is one look."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _connect(path: Path) -> _Connection:
    """To the file that is there, or to a new one; and surely to one, while others remove it and make it anew."""
    while True:
        if not path.exists():
            _create(path)
        file = _file(path)
        try:
            connection = _opened(path)
        except WorkspaceError:
            if file is not None and file == _file(path):
                raise
            continue  # it was removed in the midst of it
        if file == _file(path):
            connection.file = file
            return connection
        connection.close()


def _opened(path: Path) -> _Connection:
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
            hint=_AFRESH,
            file=str(path),
        )
    if version != VERSION:
        raise WorkspaceError(
            f"the sandbox {path} was written by another krakenctl (its version is {version}, ours {VERSION})",
            hint=f"use that krakenctl, or {_AFRESH}",
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
        with _folder_locked(path):
            if not path.exists():  # else somebody was faster, whose file is as good and whose log is alive
                _remove(path, _BESIDE)
                os.link(draft, path)
    finally:
        _remove(draft)


def _remove(path: Path, suffixes: Iterable[str] = (*_BESIDE, "")) -> None:
    for suffix in suffixes:
        path.with_name(path.name + suffix).unlink(missing_ok=True)


@contextmanager
def _folder_locked(path: Path) -> Iterator[None]:
    """On the folder itself, so that no file is left behind. Ends with the process, should that be killed."""
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _build(draft: Path) -> None:
    connection = _raw(draft)
    try:
        connection.execute("PRAGMA synchronous = OFF")
        connection.executescript(_PRAGMAS + _SCHEMA.read_text(encoding="utf-8"))
    finally:
        connection.close()
