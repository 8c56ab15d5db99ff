"""Deeds that happen after their answer was given or given up: let in when they came, kept in the file, done when due.

They are done before the first call, or look at the file, that comes after their time on the sandbox's clock. Whoever
was let in stays let in: that the key or the token is gone by then does not matter. What let them in is not kept.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from krakenctl.sandbox import clock, dispatch, routes
from krakenctl.sandbox.call import Call
from krakenctl.sandbox.connect import oauth, tokens
from krakenctl.sandbox.context import read_context
from krakenctl.sandbox.database import opened
from krakenctl.sandbox.envelope import Answer, Refusal
from krakenctl.sandbox.faults import Fault
from krakenctl.sandbox.guards import Bearer, Signed
from krakenctl.sandbox.keys import Key
from krakenctl.sandbox.request import Request
from krakenctl.sandbox.switches import stored

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from krakenctl.sandbox.accounts import SetUp
    from krakenctl.sandbox.context import Context
    from krakenctl.sandbox.database import Database, Where
    from krakenctl.sandbox.dispatch import Found

_COLUMNS = "due, method, path, address, body, caller, faults"


class _Deed(NamedTuple):
    """A row of `late_deed`."""

    due: float
    method: str
    path: str
    address: str
    body: bytes  # JSON: what was asked for
    caller: str  # JSON: the key's row or the bearer
    faults: str  # JSON: what else strikes it


def catch_up(where: Where, told: Callable[[SetUp], None] | None = None) -> None:
    """Do what is due, in its order. `told`: who is to hear of a sub-account that sets itself up."""
    with opened(where) as database:
        while _is_due(database.connection()):
            answer = _next(database, owned=told is not None)
            if told is not None and answer.set_up is not None:
                told(answer.set_up)


def foreseen(found: Found | None, request: Request, context: Context) -> Answer:
    """The answer to a call as if it were done at once. Nothing of it is. Raises Refusal."""
    context.connection.execute("SAVEPOINT foreseen")
    try:
        return dispatch.handle(found, request, context)
    finally:
        context.connection.execute("ROLLBACK TO foreseen")
        context.connection.execute("RELEASE foreseen")


def put_off(found: Found | None, request: Request, context: Context, fault: Fault) -> None:
    """Check a call, and keep it for as long as the fault says. Raises Refusal where it would not be let in."""
    route, path = dispatch.reachable(found, request, context)
    match route.guard:
        case Bearer():
            bearer = oauth.check_bearer(request, context, route.guard.scope)
            _keep(request, context, fault, request.body, bearer)
        case Signed():
            call = dispatch.let_in(route.guard, path, request, context)
            asked = {name: value for name, value in call.given.items() if name != "otp"}
            _keep(request, context, fault, json.dumps(asked).encode(), call.key._replace(otp=""))


def _keep(request: Request, context: Context, fault: Fault, body: bytes, caller: Key | tokens.Bearer) -> None:
    others = {kind: other.settings for kind, other in context.faults.items() if kind != fault.kind}
    due = context.now + fault.settings["seconds"]
    row = (due, request.method, request.path, request.address, body, json.dumps(caller), json.dumps(others))
    context.connection.execute(
        f"INSERT INTO late_deed ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - constants only
        row,
    )


def _is_due(connection: sqlite3.Connection) -> bool:
    [first] = connection.execute("SELECT min(due) FROM late_deed").fetchone()
    return first is not None and first <= clock.reading(stored(connection))


def _next(database: Database, *, owned: bool) -> Answer:
    """Do the first of the deeds and strike it off, in one transaction. Another process may have been faster."""
    with database.write() as connection:
        row = connection.execute(
            f"SELECT id, {_COLUMNS} FROM late_deed ORDER BY due, id LIMIT 1"  # noqa: S608 - constants only
        ).fetchone()
        if row is None or not _is_due(connection):
            return Answer(b"")
        connection.execute("DELETE FROM late_deed WHERE id = ?", row[:1])
        return _done(_Deed._make(row[1:]), connection, owned=owned)


def _done(deed: _Deed, connection: sqlite3.Connection, *, owned: bool) -> Answer:
    struck = {kind: Fault(kind, settings) for kind, settings in json.loads(deed.faults).items()}
    context = replace(read_context(connection, owned=owned, faults=struck), now=deed.due)
    try:
        return _handled(deed, _request(deed), context)
    except Refusal:
        return Answer(b"")  # nobody is there to hear it


def _handled(deed: _Deed, request: Request, context: Context) -> Answer:
    found, caller = routes.find(deed.method, deed.path), json.loads(deed.caller)
    assert found is not None  # noqa: S101 - it was found when the call came
    route, path = found
    match route.guard:
        case Bearer():
            return route.guard.handler(request, context, tokens.Bearer._make(caller))
        case Signed():
            return route.guard.handler(Call(request, context, Key._make(caller), json.loads(deed.body), path))
    raise AssertionError(f"{route.path} is never put off")


def _request(deed: _Deed) -> Request:
    """As it came, without its headers."""
    return Request(
        method=deed.method,
        path=deed.path,
        target=deed.path,
        content_type="application/json",
        query="",
        peer=deed.address,
        address=deed.address,
        environ={},
        body=deed.body,
    )
