"""The audit log in SQL: lines are added, and never changed."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence

from krakenctl.model.chain import hash_of, line_of
from krakenctl.model.run import Deed
from krakenctl.state.database import Database, Execute, Rows
from krakenctl.state.leases import SqlLeases

PAGE = 1000  # lines held at a time: a log may have millions


class SqlLog:
    """See `base.Log`."""

    def __init__(self, database: Database, leases: SqlLeases) -> None:
        self._database = database
        self._leases = leases

    def append(self, deed: Deed, *more: Deed) -> str:
        tell = telling((deed, *more))

        def guarded(run: Execute) -> str:
            self._leases.must_hold(run)
            return tell(run)[-1]

        return self._database.write(guarded)

    def head(self) -> str:
        return self._database.read(lambda run: last(run)[1])

    def lines(self) -> Iterator[str]:
        seq = 0
        while page := self._page(seq):
            yield from (line for _, line in page)
            seq = page[-1][0]

    def _page(self, after: int) -> Rows:
        query = "SELECT seq, line FROM log WHERE seq > ? ORDER BY seq LIMIT ?"
        return self._database.read(lambda run: run(query, after, PAGE))


def telling(deeds: Sequence[Deed]) -> Callable[[Execute], list[str]]:
    """A line for each, in whichever transaction this is run; returns their hashes.

    Safe to repeat when the answer to its COMMIT was lost: a line is known by an id of its own.
    """
    told = [(uuid.uuid4().hex, deed) for deed in deeds]
    return lambda run: [_tell(run, own, deed) for own, deed in told]


def _tell(run: Execute, own: str, deed: Deed) -> str:
    written = run("SELECT hash FROM log WHERE id = ?", own)
    return str(written[0][0]) if written else add(run, own, deed)


def add(run: Execute, own: str, deed: Deed) -> str:
    """A line, within a transaction; `own`: what it is known by. Returns its hash."""
    seq, before = last(run)
    line = line_of(seq + 1, before, deed)
    run("INSERT INTO log VALUES (?, ?, ?, ?)", seq + 1, own, line, hash_of(line))
    return hash_of(line)


def last(run: Execute) -> tuple[int, str]:
    found = run("SELECT seq, hash FROM log ORDER BY seq DESC LIMIT 1")
    return (found[0][0], found[0][1]) if found else (0, "")
