"""What a run is struck by: where it can strike, and what it does there. Each lives in the process that is struck."""

from __future__ import annotations

import errno
import os
import signal
import sqlite3
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chaos.boundaries import Boundaries, Boundary
from chaos.shared_state import SharedState
from desk import DAY, Desk
from krakenctl.sandbox import faults as sandbox
from krakenctl.state.sqlite import SqliteDatabase

ISSUE, UPDATE, REVOKE = (f"{method} /oauth/fast-api-key" for method in ("POST", "PUT", "DELETE"))
REQUEST = "POST /0/private/CreateSubaccount"
DEEDS = (ISSUE, UPDATE, REVOKE, REQUEST)
THEIRS = (".krakenctl/sandbox.db", ".krakenctl/credentials")
_LOCKED_OUT = "EGeneral:Temporary lockout"


@dataclass(frozen=True)
class Victim:
    """The process that is struck, and what of it a fault needs."""

    root: Path
    boundaries: Boundaries
    shared: SharedState | None = None  # where the state is on a PostgreSQL server

    @property
    def exchange(self) -> Path:
        return self.root / ".krakenctl/sandbox.db"

    @property
    def state(self) -> Path:
        return self.root / ".krakenctl/state.db"


@dataclass(frozen=True)
class Fault:
    name: str
    at: Callable[[Boundary], bool]  # can it strike there, and would that be another cell than one boundary on?
    strike: Callable[[Victim, Boundary], None]
    person: bool = False  # somebody with the right to do so does something on the website
    late: bool = False  # what it puts off may come to be when others have gone on
    then: str = ""  # by what the run after it is struck, somewhere
    pause: int = 0  # seconds until anybody runs krakenctl again


def _calls(*which: str) -> Callable[[Boundary], bool]:
    return lambda here: here.sort == "http" and not here.after and (not which or here.what in which)


def _writes(*sorts: str) -> Callable[[Boundary], bool]:
    return lambda here: here.sort in sorts and not here.after


def _everywhere(_: Boundary) -> bool:
    return True


def _kill(_: Victim, __: Boundary) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _call(kind: str, **told: Any) -> Callable[[Victim, Boundary], None]:
    """The exchange misbehaves at the very call that comes next."""
    return lambda victim, _: _set(victim, {"kind": kind, **told})


def _set(victim: Victim, fault: Mapping[str, Any]) -> None:
    sandbox.add(victim.exchange, fault)


def _lock_out(victim: Victim, here: Boundary) -> None:
    signed = "/0/private" in here.what
    _set(victim, {"kind": "lockout"} if signed else {"kind": "error", "error": _LOCKED_OUT})


def _read_only(victim: Victim, _: Boundary) -> None:
    """The store's file system, from here to the end of the run."""
    _refuse_writing(victim.root / "secrets", errno.EROFS, also=("os.remove", "os.rename", "os.rmdir"))


def _fill_disk(victim: Victim, _: Boundary) -> None:
    """Nothing more can be written to store and state; deleting works."""
    _refuse_writing(victim.root, errno.ENOSPC)
    os.fsync = _full  # type: ignore[assignment]
    SqliteDatabase._transaction = _full_database(SqliteDatabase._transaction)  # type: ignore[method-assign]


def _refuse_writing(folder: Path, number: int, *, also: tuple[str, ...] = ()) -> None:
    """By an audit hook: it sees whatever way a file is opened, and stays as long as the process.

    What the exchange and its people write is on a disk of their own.
    """
    refused = ("os.mkdir", "os.link", *also)

    def refuse(event: str, args: tuple[Any, ...]) -> None:
        if event == "open" and not (isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)):
            return
        if event == "open" or event in refused:
            place = os.path.realpath(args[0]) if isinstance(args[0], (str, os.PathLike)) else ""
            if place.startswith(f"{folder}/") and not any(part in place for part in THEIRS):
                raise OSError(number, os.strerror(number), str(args[0]))

    sys.addaudithook(refuse)


def _full(_: int) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _full_database(real: Callable[..., Any]) -> Callable[..., Any]:
    """SQLite finds out when it commits: every statement before has gone well."""

    @contextmanager
    def transaction(database: SqliteDatabase, begin: str) -> Iterator[None]:
        with real(database, begin):
            yield
            if begin != "BEGIN":  # one that writes
                problem = sqlite3.OperationalError("database or disk is full")
                problem.sqlite_errorname = "SQLITE_FULL"
                raise problem

    return transaction


def _lock_state(victim: Victim, _: Boundary) -> None:
    """Another program (a backup, somebody with sqlite3) holds the state for the time of one write."""
    other = sqlite3.connect(victim.state, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    victim.boundaries.relief = other.close


def _pause(_: Victim, __: Boundary) -> None:
    """Until whoever waits for this process lets it go on; meanwhile its work is done by others."""
    os.kill(os.getpid(), signal.SIGSTOP)


def _may_pause(here: Boundary) -> bool:
    """Once there is a lease; not between leave and deed: what was sent while it was ours counts as sent by then."""
    writes = here.sort == "state" and here.what not in ("open", "acquire")
    return not here.after and (writes or (here.sort == "http" and here.what not in DEEDS))


def _cut_state(victim: Victim, _: Boundary) -> None:
    assert victim.shared is not None
    victim.shared.cut(Desk(victim.root))


def _cut_unheard(victim: Victim, here: Boundary) -> None:
    """It was committed, and nobody hears of it."""
    import psycopg

    _cut_state(victim, here)
    raise psycopg.OperationalError("server closed the connection unexpectedly")


def _kill_server(victim: Victim, _: Boundary) -> None:
    assert victim.shared is not None
    victim.shared.kill()


_FAULTS: Mapping[str, Fault] = {
    fault.name: fault
    for fault in (
        Fault("kill", _everywhere, _kill),
        Fault("kill-twice", _everywhere, _kill, then="kill"),
        Fault("kill-later", _everywhere, _kill, pause=31 * DAY),
        Fault("overtaken", _may_pause, _pause),
        Fault("answer-lost", _calls(), _call("answer-lost")),
        Fault("late-deed", _calls(*DEEDS), _call("late-deed", seconds=600), late=True),
        Fault("cut", _calls(), _call("cut")),
        Fault("network-down", _calls(), _call("cut", times="always")),
        Fault("server-error", _calls(), _call("http-error", status=502)),
        Fault("error-after", _calls(), _call("http-error", status=504, after=True)),
        Fault("unavailable", _calls(), _call("error", error="EService:Unavailable")),
        Fault("malformed", _calls(), _call("malformed")),
        Fault("throttled", _calls(), _call("throttled")),
        Fault("rate-limit", _calls(), _call("rate-limit")),
        Fault("lockout", _calls(), _lock_out),
        Fault("slow-key", _calls(ISSUE), _call("slow-key", seconds=60, where="both"), late=True),
        Fault("slow-revoke", _calls(REVOKE), _call("slow-revoke", seconds=60, where="both"), late=True),
        Fault("slow-update", _calls(UPDATE), _call("slow-update", seconds=60), late=True),
        Fault("misissue", _calls(ISSUE), _call("misissue", add="withdraw-funds")),
        Fault("no-room", _calls(ISSUE), _call("slots-full")),
        Fault("store-read-only", _writes("store", "file", "fsync"), _read_only),
        Fault("disk-full", _writes("store", "file", "fsync", "state"), _fill_disk),
        Fault("database-locked", _writes("state"), _lock_state),
        Fault("person-adds", _calls(), _call("key-added", account="acme", name="bot.a7.g2"), person=True),
        Fault("person-renames", _calls(), _call("key-renamed", account="acme", key="bot.a7.g1"), person=True),
        Fault("person-deletes", _calls(), _call("key-deleted", account="acme", key="bot.a7.g1"), person=True),
        Fault("person-renames-newest", _calls(), _call("key-renamed", account="acme"), person=True),
        Fault("person-deletes-newest", _calls(), _call("key-deleted", account="acme"), person=True),
    )
}
# Of a state on a PostgreSQL server, and struck nowhere else.
ON_THE_SERVER = {
    fault.name: fault
    for fault in (
        Fault("state-cut", _writes("state", "commit"), _cut_state),
        Fault("state-unheard", lambda here: here.sort == "commit" and here.after, _cut_unheard),
        Fault("server-killed", _writes("state", "commit"), _kill_server),
    )
}
_ALONE = ("kill", "kill-twice", "kill-later", "overtaken")
# First a kill, then something else: the run that recovers has its own troubles.
_PAIRS = {
    f"kill-then-{name}": Fault(f"kill-then-{name}", _everywhere, _kill, person=fault.person, late=fault.late, then=name)
    for name, fault in _FAULTS.items()
    if name not in _ALONE
}
FAULTS: Mapping[str, Fault] = {**_FAULTS, **_PAIRS, **ON_THE_SERVER}
