"""An account that has done a little of everything, so that every plausible call of `kraken_calls` finds its object."""

from __future__ import annotations

from sandbox_caller import NOW, Caller

import kraken_calls
from krakenctl.sandbox import accounts
from krakenctl.sandbox.money import books
from krakenctl.sandbox.people import seed

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


def play(kraken: Caller) -> None:
    master = (kraken.master.public_key, kraken.master.secret)
    for endpoint, changed in _CALLS:
        kraken.at(endpoint, master, kraken_calls.arguments(endpoint)[0] | changed)
    seed.authorise(kraken.sandbox, "acme-sub")
    with kraken.sandbox.database.write() as connection:
        account = accounts.known(connection, "acme").id
        books.add_trade(connection, account, at=NOW, pair="XBTUSD", type="buy", price="30000", vol="0.01")
        connection.execute("INSERT INTO balance VALUES (?, 'DOT', '100')", (account,))
        connection.execute("INSERT INTO earn_allocation VALUES (?, ?, '10')", (account, kraken_calls.STRATEGY))
        for table, column, name in _NAMED:
            one = f"(SELECT {column} FROM {table} LIMIT 1)"
            connection.execute(f"UPDATE {table} SET {column} = ? WHERE {column} = {one}", (name,))
