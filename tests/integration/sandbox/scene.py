"""An account that has done a little of everything, so that every plausible call of `kraken_calls` finds its object."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from sandbox_caller import NOW, Caller

import kraken_calls
from krakenctl.model.permission import ALL
from krakenctl.sandbox import accounts, futures_keys
from krakenctl.sandbox.connect import codes, scopes
from krakenctl.sandbox.connect.tokens import Grant
from krakenctl.sandbox.context import read_context
from krakenctl.sandbox.money import books
from krakenctl.sandbox.people import seed

if TYPE_CHECKING:
    import sqlite3

# Made by ordinary calls, then given the identifiers that `kraken_calls` names.
_NAMED = (
    ("trade_order", "txid", kraken_calls.ORDER_ID),
    ("trade", "txid", kraken_calls.TRADE_ID),
    ("ledger", "id", kraken_calls.LEDGER_ID),
    ("funding", "refid", kraken_calls.REFERENCE),
    ("withdraw_address", "id", kraken_calls.ADDRESS_ID),
    ("export", "id", kraken_calls.EXPORT_ID),
)
_CALLS = (  # endpoint, and what is not as in `kraken_calls`
    ("POST /0/private/AddOrder", {}),
    ("POST /0/private/CreateSubaccount", {"username": "acme-sub", "email": "sub@acme.example"}),
    ("POST /funding/v1/addresses", {"name": "cold"}),
    ("POST /0/private/WalletTransfer", {}),
    ("POST /0/private/AddExport", {}),
    ("POST /0/private/Pay/paylink/create", {"external_id": "cGF5"}),
    ("POST /0/private/Pay/request/create", {"external_id": "YXNr"}),
)


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """What lets its holder in everywhere."""

    key: tuple[str, str]
    futures_key: tuple[str, str]
    access_token: str
    cookie: str


def play(kraken: Caller) -> None:
    master = (kraken.master.public_key, kraken.master.secret)
    for endpoint, changed in _CALLS:
        kraken.at(endpoint, master, kraken_calls.arguments(endpoint)[0] | changed)
    kraken.issue("bot", "funds_query")
    seed.authorise(kraken.sandbox, "acme-sub")
    with kraken.sandbox.database.write() as connection:
        account = accounts.known(connection, "acme").id
        books.add_trade(connection, account, at=NOW, pair="XBTUSD", type="buy", price="30000", vol="0.01")
        connection.execute("INSERT INTO balance VALUES (?, 'DOT', '100')", (account,))
        connection.execute("INSERT INTO earn_allocation VALUES (?, ?, '10')", (account, kraken_calls.STRATEGY))
        for table, column, name in _NAMED:
            one = f"(SELECT {column} FROM {table} LIMIT 1)"
            connection.execute(f"UPDATE {table} SET {column} = ? WHERE {column} = {one}", (name,))


def credentials(kraken: Caller) -> Credentials:
    """A key with every permission, a Futures key, a token, a session; and a code that waits to be redeemed."""
    cookie = _signed_in(kraken)
    key = seed.seed_website_key(kraken.sandbox, "acme", "stranger", ALL)
    token = seed.authorise(kraken.sandbox, "acme")["access_token"]
    with kraken.sandbox.database.write() as connection:
        account = accounts.known(connection, "acme").id
        futures = futures_keys.insert(connection, account, general="FULL_ACCESS", transfer="NO_ACCESS", now=NOW)
        grant = Grant(kraken_calls.CLIENT, account, " ".join(scopes.ALL))
        codes.issue(read_context(connection), grant, kraken_calls.BACK, challenge="")
        _name_secrets(connection, token)
    return Credentials(key=key, futures_key=futures, access_token=token, cookie=cookie)


def _signed_in(kraken: Caller) -> str:
    body, form = urlencode({"account": "acme"}).encode(), "application/x-www-form-urlencoded"
    return kraken.send("POST", "/sign-in", body, CONTENT_TYPE=form).headers["Set-Cookie"].partition(";")[0]


def _name_secrets(connection: sqlite3.Connection, access_token: str) -> None:
    """As `kraken_calls` names them."""
    code, refresh, access = map(_hash, (kraken_calls.CODE, kraken_calls.REFRESH_TOKEN, access_token))
    connection.execute("UPDATE session SET csrf = ?", (kraken_calls.CSRF,))
    connection.execute("UPDATE code SET hash = ?", (code,))
    connection.execute("UPDATE token SET refresh_hash = ? WHERE access_hash = ?", (refresh, access))


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
