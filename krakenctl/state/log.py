"""The audit log in SQL: one JSON line per deed, each hashed over the one before."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

from krakenctl.model.run import Deed
from krakenctl.state.database import Database, Execute
from krakenctl.state.leases import SqlLeases


class SqlLog:
    """See `base.Log`."""

    def __init__(self, database: Database, leases: SqlLeases) -> None:
        self._database = database
        self._leases = leases

    def append(self, deed: Deed) -> str:
        def add(run: Execute) -> str:
            self._leases.must_hold(run)
            seq, before = _last(run)
            line = line_of(seq + 1, before, deed)
            head = hashlib.sha256(line.encode()).hexdigest()
            run("INSERT INTO log VALUES (?, ?, ?)", seq + 1, line, head)
            return head

        return self._database.write(add)

    def head(self) -> str:
        return self._database.read(lambda run: _last(run)[1])

    def lines(self) -> Iterator[str]:
        yield from self._database.read(lambda run: [row[0] for row in run("SELECT line FROM log ORDER BY seq")])


def _last(run: Execute) -> tuple[int, str]:
    found = run("SELECT seq, hash FROM log ORDER BY seq DESC LIMIT 1")
    return (found[0][0], found[0][1]) if found else (0, "")


def line_of(seq: int, before: str, deed: Deed) -> str:
    who = {"who": deed.run.who, "host": deed.run.host, "run": deed.run.id, "command": deed.run.command}
    what = {"verb": deed.verb, "address": str(deed.address or ""), "account": deed.account, "name": deed.name}
    how = {"outcome": deed.outcome, "message": deed.message, "request": deed.request, "plan": deed.run.plan}
    told = {**who, **what, **how, "reason": deed.run.reason}
    line = {"seq": seq, "at": deed.at, **{name: value for name, value in told.items() if value}, "prev": before}
    return json.dumps(line, ensure_ascii=False, separators=(",", ":"))
