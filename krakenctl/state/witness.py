"""What keys have answered and been refused, in SQL: each function gives the deed that puts it down.

It stays true whoever has the lease, so no deed here asks for one.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable

from krakenctl.model.recorded import EndProof
from krakenctl.model.silence import Answer, Refusal, RefusalRow
from krakenctl.state.database import Execute

Put = Callable[[Execute], object]

_LARGEST = 2**63 - 1  # of a column; what is above it is above every clock as well
_ROW = "SELECT at, calls, write FROM refusal_row WHERE account = ?"
_DROP_ROW = "DELETE FROM refusal_row WHERE account = ?"


def heard(public_key: str, host: str, answers: bool, told: Answer) -> Put:
    def deed(run: Execute) -> None:
        for table in ("answered", "refused"):
            run(f"DELETE FROM {table} WHERE public_key = ? AND host = ?", public_key, host)  # noqa: S608 - ours
        if answers:
            nonce = min(told.nonce, _LARGEST)
            run("INSERT INTO answered VALUES (?, ?, ?, ?, ?)", public_key, host, told.iiban, told.spent, nonce)
            run("DELETE FROM gone WHERE public_key = ?", public_key)

    return deed


def refused(public_key: str, host: str, refusal: Refusal) -> Put:
    def deed(run: Execute) -> None:
        run("DELETE FROM refused WHERE public_key = ? AND host = ?", public_key, host)
        run("INSERT INTO refused VALUES (?, ?, ?, ?, ?)", public_key, host, refusal.at, refusal.times, refusal.said)

    return deed


def one_more_refused(account: str, at: int) -> Put:
    write = uuid.uuid4().hex  # known again when it is repeated, because its answer was lost

    def deed(run: Execute) -> None:
        before, calls, last = next(iter(run(_ROW, account)), (0, 0, ""))
        if last != write:
            row = RefusalRow(before, calls).after(at)
            run(_DROP_ROW, account)
            run("INSERT INTO refusal_row VALUES (?, ?, ?, ?)", account, row.at, row.calls, write)

    return deed


def row_ended(account: str) -> Put:
    return lambda run: run(_DROP_ROW, account)


def locked_out(account: str, at: int) -> Put:
    def deed(run: Execute) -> None:
        run("DELETE FROM lockout WHERE account = ?", account)
        run("INSERT INTO lockout VALUES (?, ?)", account, at)

    return deed


def gone(public_key: str, proof: EndProof) -> Put:
    def deed(run: Execute) -> None:
        run("DELETE FROM gone WHERE public_key = ?", public_key)
        run("INSERT INTO gone VALUES (?, ?, ?, ?)", public_key, proof.since, proof.host, proof.said)

    return deed
