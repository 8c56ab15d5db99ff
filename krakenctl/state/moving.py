"""A whole state moves from one database to another: every row, with the log's chain. It ends in one place only.

The source is locked against every write while the target is filled in one transaction, and is marked as moved after
that. Whoever is killed before the target's COMMIT has changed nothing; after it, the same command once more finds its
own copy and only marks the source.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Any

from krakenctl.errors import StateError
from krakenctl.model.copied import Contents, Copied, Stamp
from krakenctl.model.run import Deed
from krakenctl.state import leases, tables
from krakenctl.state import log as logs
from krakenctl.state.base import State
from krakenctl.state.database import Execute, Rows
from krakenctl.state.sql import SqlState

PAGE = 1000  # rows held at a time: a log may have millions
_VALUES = 900  # in one statement; old builds of SQLite take 999
_ROWS = tuple(name for name in tables.names() if name not in ("meta", "lease"))
_COPY_OF, _MOVED = "copy-of", leases.MOVED  # in meta: whose copy this is; where this one went


class _SourceFailed(Exception):
    """Carries an error of the source's database through the target's, which would take it for its own."""

    def __init__(self, problem: Exception) -> None:
        super().__init__()
        self.problem = problem


def contents(state: State) -> Contents:
    return _sql(state).database.read(_contents)


def move(source: State, target: State, deed: Deed, *, origin: str, place: str) -> Copied:
    """Everything in `source` is in `target` afterwards, and nobody can use the source any more.

    `deed` becomes the copy's next line in the log; `origin` and `place` are what the two are called. Raises LockHeld
    while somebody works with either, and StateError where the target is not empty. A target that moved into this very
    source takes everything back.
    """
    database = _sql(target).database

    def from_source(run: Execute) -> Copied:
        leases.refuse_holder(run, _sql(source).database.now())
        held = _contents(run)
        note = replace(deed, message=f"from {origin}: {held.lines} lines of the log, head {held.stamp.head or '-'}")
        if again := database.read(lambda there: _meta(there).get(_COPY_OF) == _text(held.stamp)):
            head = database.read(logs.last)[1]
        else:
            leases.refuse_moved(run)
            head = database.write(lambda there: _fill(_Source(run), there, held, note, database.now()))
        if not held.moved:
            _retire(run, {"to": place, "at": deed.at, "who": deed.run.who, "was": _text(held.stamp)})
        return Copied(source=origin, target=place, contents=held, head=head, again=again)

    def whole(run: Execute) -> Copied:
        try:
            return from_source(run)
        except _SourceFailed as failed:
            raise failed.problem from None

    return _sql(source).database.write(whole)


def _retire(run: Execute, moved: dict[str, Any]) -> None:
    run("INSERT INTO meta VALUES (?, ?)", _MOVED, json.dumps(moved))
    run(leases.BREAK)  # a paused holder that wakes finds that its lease is gone


class _Source:
    """The source's rows, read within its own transaction."""

    def __init__(self, run: Execute) -> None:
        self._run = run

    def __call__(self, statement: str, *values: Any) -> Rows:
        try:
            return self._run(statement, *values)
        except Exception as problem:
            raise _SourceFailed(problem) from problem


def _fill(source: Execute, run: Execute, held: Contents, deed: Deed, now: float) -> str:
    """The target's transaction. Returns the head of its log."""
    if _meta(run).get(_COPY_OF) == _text(held.stamp):  # it was filled, and the answer to its COMMIT was lost
        return logs.last(run)[1]
    leases.refuse_holder(run, now)
    _refuse_full(source, run)
    for table in _ROWS:
        run(f"DELETE FROM {table}")  # noqa: S608 - names of ours
    written = _digest(_copying(source, run))
    if _digest(_all_rows(run)) != written:
        raise StateError("the copy differs from what it was made of; nothing was copied", hint="check the disk")
    _take_lease(source, run)
    run("DELETE FROM meta WHERE name IN (?, ?)", _COPY_OF, _MOVED)
    run("INSERT INTO meta VALUES (?, ?)", _COPY_OF, _text(held.stamp))
    run("UPDATE meta SET value = ? WHERE name = 'lineage'", held.stamp.lineage)
    run("UPDATE meta SET value = ? WHERE name = 'serial'", str(held.stamp.serial))
    return logs.add(run, uuid.uuid4().hex, deed)


def _refuse_full(source: Execute, run: Execute) -> None:
    """Nothing is overwritten but what went into the source before, and has lain still since."""
    if moved := _meta(run).get(_MOVED):
        if json.loads(moved)["was"] == _meta(source).get(_COPY_OF):
            return
        leases.refuse_moved(run)
    full = [table for table in _ROWS if run(f"SELECT 1 FROM {table} LIMIT 1")]  # noqa: S608 - names of ours
    if full:
        raise StateError(
            f"the state that krakenctl.yaml names is not empty (its lineage is {_meta(run)['lineage']}); nothing was"
            " copied",
            hint="name another file or schema there, or remove what is in this one if it is of no use",
        )


def _copying(source: Execute, run: Execute) -> Iterator[tuple[str, Rows]]:
    for table, rows in _all_rows(source):
        _insert(run, table, rows)
        yield table, rows


def _insert(run: Execute, table: str, rows: Rows) -> None:
    at_once = _VALUES // len(rows[0])
    for start in range(0, len(rows), at_once):
        part = rows[start : start + at_once]
        marks = ", ".join([f"({', '.join('?' * len(rows[0]))})"] * len(part))
        run(f"INSERT INTO {table} VALUES {marks}", *(value for row in part for value in row))  # noqa: S608 - ours


def _take_lease(source: Execute, run: Execute) -> None:
    """A dead holder stays one, for the next run to take over from; no fence of either is ever given out again."""
    [(_, fence, *rest)] = source("SELECT * FROM lease")
    [(own,)] = run("SELECT fence FROM lease")
    run("DELETE FROM lease")
    _insert(run, "lease", [(1, max(fence, own) + 1, *rest)])


def _all_rows(run: Execute) -> Iterator[tuple[str, Rows]]:
    """Every page of every table, in the same order wherever they are."""
    for table in _ROWS:
        pages = _log_pages(run) if table == "log" else iter([run(f"SELECT * FROM {table} ORDER BY 1, 2")])  # noqa: S608
        yield from ((table, rows) for rows in pages if rows)


def _log_pages(run: Execute) -> Iterator[Rows]:
    seq = 0
    while rows := run("SELECT * FROM log WHERE seq > ? ORDER BY seq LIMIT ?", seq, PAGE):
        yield rows
        seq = rows[-1][0]


def _digest(pages: Iterator[tuple[str, Rows]]) -> str:
    digest = hashlib.sha256()
    for table, rows in pages:
        for row in rows:
            digest.update(json.dumps([table, *row]).encode() + b"\n")
    return digest.hexdigest()


def _contents(run: Execute) -> Contents:
    def count(table: str) -> int:
        return int(run(f"SELECT count(*) FROM {table}")[0][0])  # noqa: S608 - names of ours

    meta = _meta(run)
    moved = json.loads(meta[_MOVED])["was"] if _MOVED in meta else ""
    stamp = Stamp(lineage=meta["lineage"], serial=int(meta["serial"]), head=logs.last(run)[1])
    return Contents(
        stamp=Stamp(**json.loads(moved)) if moved else stamp,  # as it was before it was marked
        accounts=count("account"),
        keys=count("key"),
        intents=count("journal"),
        lines=count("log"),
        moved=_MOVED in meta,
    )


def _meta(run: Execute) -> dict[str, str]:
    return dict(run("SELECT name, value FROM meta"))


def _text(stamp: Stamp) -> str:
    return json.dumps(asdict(stamp))


def _sql(state: State) -> SqlState:
    if not isinstance(state, SqlState):
        raise StateError("only a state in SQLite or PostgreSQL can be copied")
    return state
