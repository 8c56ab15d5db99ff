"""Whose call it is, by the key, token or session that it names. Whether a signature is right is not asked here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from krakenctl.sandbox.connect.hashes import kept
from krakenctl.sandbox.envelope import Refusal
from krakenctl.sandbox.request import form_fields
from krakenctl.sandbox.website import session

if TYPE_CHECKING:
    import sqlite3

    from krakenctl.sandbox.context import Context
    from krakenctl.sandbox.request import Request

_BY = "SELECT account.id, username FROM account JOIN {0} ON account.id = {0}.account_id WHERE {0}.{1} = ?"
_BY_KEY = _BY.format("key", "public_key")
_BY_ACCESS = _BY.format("token", "access_hash")
_BY_REFRESH = _BY.format("token", "refresh_hash")
_BY_CODE = _BY.format("code", "hash")


def account_of(request: Request, context: Context) -> tuple[int, str] | None:
    """The account's number and its username; None: the call names nobody that is known."""
    connection = context.connection
    if public_key := request.header("HTTP_API_KEY"):
        return _found(connection, _BY_KEY, public_key.encode("utf-8", "replace").decode())
    if request.path == "/oauth/token":
        return _at_token_endpoint(request, connection)
    if token := request.header("HTTP_AUTHORIZATION").partition(" ")[2].strip():
        return _found(connection, _BY_ACCESS, kept(token))
    signed_in = session.current(request, context)
    return None if signed_in is None else (signed_in.account_id, signed_in.username)


def _at_token_endpoint(request: Request, connection: sqlite3.Connection) -> tuple[int, str] | None:
    try:
        fields = form_fields(request.body)
    except Refusal:
        return None
    by_code = _found(connection, _BY_CODE, kept(fields.get("code", "")))
    return by_code or _found(connection, _BY_REFRESH, kept(fields.get("refresh_token", "")))


def _found(connection: sqlite3.Connection, query: str, value: str | bytes) -> tuple[int, str] | None:
    row = connection.execute(query, (value,)).fetchone()
    return None if row is None else (int(row[0]), str(row[1]))
