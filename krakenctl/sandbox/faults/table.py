"""The faults that are set, as rows, and how often each has met and struck a call."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from krakenctl.errors import UsageError
from krakenctl.sandbox.database import opened
from krakenctl.sandbox.faults import aim
from krakenctl.sandbox.faults.kinds import KINDS, checked

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from krakenctl.sandbox.database import Where

_ANY = "SELECT EXISTS (SELECT 1 FROM fault) OR EXISTS (SELECT 1 FROM late_deed)"


class Fault(NamedTuple):
    """One that strikes a call, with a value for each of its settings."""

    kind: str
    settings: dict[str, Any]


def add(where: Where, fault: Mapping[str, Any]) -> int:
    """Set a fault, given as JSON has it, and return its number. Raises UsageError where there is no such fault."""
    with opened(where) as database, database.write() as connection:
        return insert(connection, fault)


def listing(where: Where) -> list[dict[str, Any]]:
    """Every fault as it was set, with how many calls it has met (`seen`) and struck."""
    with opened(where) as database:
        return rows(database.connection())


def clear(where: Where, fault_id: int | None = None) -> None:
    """Take one fault away, or all. What is already on its way happens. Raises UsageError where there is none such."""
    with opened(where) as database, database.write() as connection:
        delete(connection, fault_id)


def are_set(connection: sqlite3.Connection) -> bool:
    """Whether anything may strike a call or is still to happen: asked at every call, so it is one cheap look."""
    return bool(connection.execute(_ANY).fetchone()[0])


def insert(connection: sqlite3.Connection, fault: Mapping[str, Any]) -> int:
    given = json.dumps(checked(fault))
    done = connection.execute("INSERT INTO fault (kind, given) VALUES (?, ?)", (fault["kind"], given))
    return int(done.lastrowid or 0)


def rows(connection: sqlite3.Connection) -> list[dict[str, Any]]:
    found = connection.execute("SELECT id, kind, given, seen, struck FROM fault ORDER BY id")
    return [
        {"id": number, "kind": kind, **json.loads(given), "seen": seen, "struck": struck}
        for number, kind, given, seen, struck in found
    ]


def delete(connection: sqlite3.Connection, fault_id: int | None) -> None:
    if fault_id is None:
        connection.execute("DELETE FROM fault")
    elif connection.execute("DELETE FROM fault WHERE id = ?", (fault_id,)).rowcount == 0:
        raise UsageError(f"no fault has the number {fault_id}", hint="list the faults to see their numbers")


def striking(connection: sqlite3.Connection, call: aim.Mark) -> dict[str, Fault]:
    """Count the call, and find the faults that strike it: of each kind the first that was set."""
    found: dict[str, Fault] = {}
    for number, kind, text, seen, struck in connection.execute(
        "SELECT id, kind, given, seen, struck FROM fault ORDER BY id"
    ).fetchall():
        given = json.loads(text)
        if aim.meets(call, KINDS[kind], given):
            hit = kind not in found and aim.strikes(given, seen + 1, struck)
            counts = (seen + 1, struck + hit, number)
            connection.execute("UPDATE fault SET seen = ?, struck = ? WHERE id = ?", counts)
            if hit:
                found[kind] = fault_of(kind, given)
    return found


def fault_of(kind: str, given: Mapping[str, Any]) -> Fault:
    """With defaults for what was not set."""
    return Fault(kind, {name: given.get(name, setting.default) for name, setting in KINDS[kind].settings.items()})
