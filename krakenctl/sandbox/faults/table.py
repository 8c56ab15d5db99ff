"""The faults that are set, as rows, and how often each has met and struck a call."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from krakenctl.errors import UsageError
from krakenctl.sandbox import accounts
from krakenctl.sandbox.database import opened
from krakenctl.sandbox.faults import aim
from krakenctl.sandbox.faults.kinds import KINDS, checked

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable, Mapping

    from krakenctl.sandbox.database import Where

# Whether it can still strike. To SQLite every number is less than a text, such as `always`.
_LIVE = "struck < coalesce(json_extract(given, '$.times'), 1)"


class Fault(NamedTuple):
    """One that strikes a call, with a value for each of its settings."""

    kind: str
    settings: dict[str, Any]


def add(where: Where, fault: Mapping[str, Any]) -> int:
    """Set a fault, given as JSON has it, and return its number.

    Raises UsageError where there is no such fault, endpoint or account, and where it could never strike.
    """
    return add_all(where, [fault])[0]


def add_all(where: Where, wanted: Iterable[Mapping[str, Any]]) -> list[int]:
    """`add`, for several: with a mistake in one, none is set."""
    with opened(where) as database, database.write() as connection:
        return [insert(connection, fault) for fault in wanted]


def renew_all(where: Where, wanted: Iterable[Mapping[str, Any]]) -> list[int]:
    """`add_all`; but what is there already, word for word, stays while it can strike, and goes when it is used up."""
    with opened(where) as database, database.write() as connection:
        return [_renew(connection, fault) for fault in wanted]


def listing(where: Where) -> list[dict[str, Any]]:
    """Every fault as it was set, with how many calls it struck, and met until it was used up (`seen`)."""
    with opened(where) as database:
        return rows(database.connection())


def clear(where: Where, fault_id: int | None = None) -> None:
    """Take one fault away, or all. What is already on its way happens. Raises UsageError where there is none such."""
    with opened(where) as database, database.write() as connection:
        delete(connection, fault_id)


def are_set(connection: sqlite3.Connection) -> bool:
    """Whether anything may strike a call: asked at every call, so it is one cheap look."""
    return connection.execute(f"SELECT 1 FROM fault WHERE {_LIVE} LIMIT 1").fetchone() is not None  # noqa: S608


def check_endpoint(fault: Mapping[str, Any]) -> None:
    """Raises UsageError where a fault is aimed at an endpoint that there is not, or that it never strikes."""
    from krakenctl.sandbox.guards import Page
    from krakenctl.sandbox.routes import ROUTES  # it names the functions that set faults

    if "endpoint" in fault:
        served = [aim.Served(route.method, route.path, isinstance(route.guard, Page)) for route in ROUTES]
        aim.check(fault["kind"], fault["endpoint"], served)


def _renew(connection: sqlite3.Connection, fault: Mapping[str, Any]) -> int:
    same = (fault["kind"], json.dumps(checked(fault)))
    connection.execute(f"DELETE FROM fault WHERE kind = ? AND given = ? AND NOT ({_LIVE})", same)  # noqa: S608
    found = connection.execute("SELECT id FROM fault WHERE kind = ? AND given = ?", same).fetchone()
    return insert(connection, fault) if found is None else int(found[0])


def insert(connection: sqlite3.Connection, fault: Mapping[str, Any]) -> int:
    given = checked(fault)
    check_endpoint({"kind": fault["kind"], **given})
    if "account" in given:
        accounts.known(connection, given["account"])
    row = (fault["kind"], json.dumps(given))
    return int(connection.execute("INSERT INTO fault (kind, given) VALUES (?, ?)", row).lastrowid or 0)


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


def striking(connection: sqlite3.Connection, call: aim.Mark, among: Collection[str] = KINDS.keys()) -> dict[str, Fault]:
    """Count the call, and find the faults of these kinds that strike it: of each kind the first that was set."""
    found: dict[str, Fault] = {}
    for number, kind, text, seen, struck in connection.execute(
        f"SELECT id, kind, given, seen, struck FROM fault WHERE {_LIVE} ORDER BY id"  # noqa: S608 - constants only
    ).fetchall():
        given = json.loads(text)
        if kind in among and aim.meets(call, KINDS[kind], given):
            hit = kind not in found and aim.strikes(given, seen + 1, struck)
            counts = (seen + 1, struck + hit, number)
            connection.execute("UPDATE fault SET seen = ?, struck = ? WHERE id = ?", counts)
            if hit:
                found[kind] = fault_of(kind, given)
    return found


def fault_of(kind: str, given: Mapping[str, Any]) -> Fault:
    """With defaults for what was not set."""
    return Fault(kind, {name: given.get(name, setting.default) for name, setting in KINDS[kind].settings.items()})
