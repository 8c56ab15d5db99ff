"""The state in one SQLite file. Durable after each method; readable with the ordinary sqlite3 program."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from krakenctl.errors import StateError
from krakenctl.model import key_json
from krakenctl.model.address import Address
from krakenctl.model.desired import SecretRef
from krakenctl.model.recorded import Intent, Recorded, RecordedAccount, RecordedKey

VERSION = 1
BUSY_SECONDS = 10
# Locks on these do not hold between hosts: two runs would both believe to be alone.
NETWORK_FILE_SYSTEMS = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "afs", "ceph", "lustre"})
_OCTAL = re.compile(r"\\([0-7]{3})")  # how /proc/self/mounts writes blanks
_TABLES = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE account (
  name TEXT PRIMARY KEY, kind TEXT NOT NULL, surface TEXT NOT NULL, username TEXT NOT NULL, iiban TEXT NOT NULL,
  requested INTEGER NOT NULL);
CREATE TABLE key (
  address TEXT NOT NULL, live_name TEXT NOT NULL, generation INTEGER NOT NULL, created INTEGER NOT NULL,
  public_key TEXT NOT NULL, spec TEXT NOT NULL, store TEXT NOT NULL, path TEXT NOT NULL, issued INTEGER NOT NULL,
  trigger_text TEXT NOT NULL, protect INTEGER NOT NULL, retired_until INTEGER NOT NULL,
  PRIMARY KEY (address, live_name));
CREATE TABLE intent (
  address TEXT NOT NULL, live_name TEXT NOT NULL, generation INTEGER NOT NULL, began INTEGER NOT NULL,
  store TEXT NOT NULL, path TEXT NOT NULL, old_name TEXT NOT NULL, stage TEXT NOT NULL,
  PRIMARY KEY (address, live_name));
CREATE TABLE generation (address TEXT PRIMARY KEY, highest INTEGER NOT NULL);
"""


class SqliteState:
    """See `base.State`. `open_state` makes one."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._db = connection
        self._path = path

    def read(self) -> Recorded:
        with _as_damage(self._path), self._transaction("BEGIN"):
            keys = [_key(row) for row in self._db.execute("SELECT * FROM key ORDER BY address, generation")]
            return Recorded(
                lineage=self._meta("lineage"),
                accounts={row[0]: _account(row) for row in self._db.execute("SELECT * FROM account ORDER BY name")},
                keys={key.address: key for key in keys if not key.retired_until},
                retired=tuple(key for key in keys if key.retired_until),
                intents=tuple(_intent(row) for row in self._db.execute("SELECT * FROM intent ORDER BY address")),
                generations={Address.parse(a): n for a, n in self._db.execute("SELECT * FROM generation")},
            )

    def remember_account(self, account: RecordedAccount) -> None:
        with self._transaction():
            row = (account.name, account.kind, account.surface, account.username, account.iiban, account.requested)
            self._db.execute("INSERT OR REPLACE INTO account VALUES (?, ?, ?, ?, ?, ?)", row)

    def begin(self, intent: Intent) -> None:
        with self._transaction():
            row = (str(intent.address), intent.live_name, intent.generation, intent.began)
            tail = (intent.secret.store, intent.secret.path, intent.old_name, intent.stage)
            self._db.execute("INSERT OR REPLACE INTO intent VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row + tail)
            self._burn(intent.address, intent.generation)

    def advance(self, address: Address, live_name: str, stage: str) -> None:
        with self._transaction():
            row = (stage, str(address), live_name)
            self._db.execute("UPDATE intent SET stage = ? WHERE address = ? AND live_name = ?", row)

    def promote(self, key: RecordedKey, retired: RecordedKey | None, former: Address | None = None) -> None:
        with self._transaction():
            self._drop_current(key.address)
            self._drop_current(former)
            self._put(key)
            if retired is not None:
                self._put(retired)
            self._db.execute("DELETE FROM intent WHERE address = ? AND live_name = ?", _handle(key))
            self._burn(key.address, key.generation)

    def update(self, key: RecordedKey, former: Address | None = None) -> None:
        with self._transaction():
            self._drop_current(former)
            if not key.retired_until:
                self._drop_current(key.address)  # under whichever name: an address has one current key
            self._put(key)

    def revoked(self, address: Address, live_name: str) -> None:
        with self._transaction():
            handle = (str(address), live_name)
            self._db.execute("DELETE FROM key WHERE address = ? AND live_name = ?", handle)
            self._db.execute("DELETE FROM intent WHERE address = ? AND live_name = ?", handle)

    def forget(self, address: Address) -> None:
        with self._transaction():
            self._drop_current(address)

    def close(self) -> None:
        self._db.close()

    def _drop_current(self, address: Address | None) -> None:
        self._db.execute("DELETE FROM key WHERE address = ? AND retired_until = 0", (str(address),))

    def _put(self, key: RecordedKey) -> None:
        row = (str(key.address), key.live_name, key.generation, key.created, key.public_key)
        spec = json.dumps(key_json.spec_to_json(key.spec))
        tail = (spec, key.secret.store, key.secret.path, key.issued, key.trigger, key.protect, key.retired_until)
        self._db.execute("INSERT OR REPLACE INTO key VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row + tail)

    def _burn(self, address: Address, generation: int) -> None:
        self._db.execute(
            "INSERT INTO generation VALUES (?, ?)"
            " ON CONFLICT (address) DO UPDATE SET highest = max(highest, excluded.highest)",
            (str(address), generation),
        )

    def _meta(self, name: str) -> str:
        return str(self._db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()[0])

    @contextmanager
    def _transaction(self, begin: str = "BEGIN IMMEDIATE") -> Iterator[None]:
        with _as_state_error(self._path):
            self._db.execute(begin)
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:  # a full disk makes SQLite roll back by itself
                    self._db.execute("ROLLBACK")
                raise


def open_state(path: Path, mounts: Callable[[], str] | None = None) -> SqliteState:
    """Open the file, or make it with a lineage of its own. Raises StateError, also on a network file system."""
    _refuse_network(path, mounts or _read_mounts)
    with _as_state_error(path):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
        try:
            _prepare(connection, path)
        except BaseException:
            connection.close()
            raise
    return SqliteState(connection, path)


def read_only(path: Path) -> Recorded:
    """What is recorded, without making or touching the file. A missing file is an empty state without a lineage."""
    with _as_state_error(path):
        if not path.exists() or not path.stat().st_size:
            return Recorded(lineage="")
        _refuse_network(path, _read_mounts)
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_SECONDS, isolation_level=None
        )
    try:
        with _as_state_error(path):
            _refuse_newer(connection.execute("PRAGMA user_version").fetchone()[0], path)
        return SqliteState(connection, path).read()
    finally:
        connection.close()


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")  # a step that is recorded survives a power cut
    connection.execute("BEGIN IMMEDIATE")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version == 0:
        if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            raise StateError(f"{path} is another program's database", hint="name another file as state.path")
        for statement in _TABLES.split(";"):
            connection.execute(statement)
        connection.execute("INSERT INTO meta VALUES ('lineage', ?)", (str(uuid.uuid4()),))
        connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")
    _refuse_newer(version, path)


def _refuse_newer(version: int, path: Path) -> None:
    if version > VERSION:
        raise StateError(f"{path} was written by a newer krakenctl (format {version})", hint="upgrade krakenctl")


@contextmanager
def _as_state_error(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as problem:
        raise StateError(f"the state {path} cannot be used: {problem}", hint=_hint(problem)) from problem
    except OSError as problem:
        raise StateError(f"the state {path} cannot be opened: {problem.strerror}") from problem


def _hint(problem: sqlite3.DatabaseError) -> str:
    name = str(getattr(problem, "sqlite_errorname", ""))
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return "another krakenctl may be running; run it again when that one is done"
    if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_FULL", "SQLITE_IOERR", "SQLITE_PERM")):
        return "check the modes of the file and its folder, and the disk's space"
    return "restore it from a backup"


@contextmanager
def _as_damage(path: Path) -> Iterator[None]:
    """Rows that read as nothing that was ever written."""
    try:
        yield
    except (ValueError, KeyError, TypeError) as problem:
        raise StateError(f"the state {path} is damaged", hint="restore it from a backup") from problem


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


def _handle(key: RecordedKey) -> tuple[str, str]:
    return str(key.address), key.live_name


def _account(row: tuple[Any, ...]) -> RecordedAccount:
    name, kind, surface, username, iiban, requested = row
    return RecordedAccount(
        name=name, kind=kind, surface=surface, username=username, iiban=iiban, requested=bool(requested)
    )


def _key(row: tuple[Any, ...]) -> RecordedKey:
    return RecordedKey(
        address=Address.parse(row[0]),
        live_name=row[1],
        generation=row[2],
        created=row[3],
        public_key=row[4],
        spec=key_json.spec_from_json(json.loads(row[5])),
        secret=SecretRef(row[6], row[7]),
        issued=row[8],
        trigger=row[9],
        protect=bool(row[10]),
        retired_until=row[11],
    )


def _intent(row: tuple[Any, ...]) -> Intent:
    address, name, generation, began, store, path, old, stage = row
    return Intent(
        address=Address.parse(address),
        live_name=name,
        generation=generation,
        began=began,
        secret=SecretRef(store, path),
        old_name=old,
        stage=stage,
    )
