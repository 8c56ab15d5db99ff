"""The audit log in SQL: lines are added, and never changed."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

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

    def append(self, deed: Deed) -> str:
        """Safe to repeat when the answer to its COMMIT was lost: a line is known by an id of its own."""
        own = uuid.uuid4().hex

        def add(run: Execute) -> str:
            if written := run("SELECT hash FROM log WHERE id = ?", own):
                return str(written[0][0])
            self._leases.must_hold(run)
            seq, before = _last(run)
            line = line_of(seq + 1, before, deed)
            run("INSERT INTO log VALUES (?, ?, ?, ?)", seq + 1, own, line, hash_of(line))
            return hash_of(line)

        return self._database.write(add)

    def head(self) -> str:
        return self._database.read(lambda run: _last(run)[1])

    def lines(self) -> Iterator[str]:
        seq = 0
        while page := self._page(seq):
            yield from (line for _, line in page)
            seq = page[-1][0]

    def _page(self, after: int) -> Rows:
        query = "SELECT seq, line FROM log WHERE seq > ? ORDER BY seq LIMIT ?"
        return self._database.read(lambda run: run(query, after, PAGE))


def _last(run: Execute) -> tuple[int, str]:
    found = run("SELECT seq, hash FROM log ORDER BY seq DESC LIMIT 1")
    return (found[0][0], found[0][1]) if found else (0, "")
