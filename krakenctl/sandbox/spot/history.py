"""What has been: trades, positions, ledger entries, inside the key's query window.

There are no positions, because nothing is matched. Source of all fields: krakenfx/api-specs spot-rest.
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any

from krakenctl.sandbox.arguments import choice, flag, names
from krakenctl.sandbox.checks import window
from krakenctl.sandbox.envelope import Answer, Refusal, invalid, success
from krakenctl.sandbox.money import books, markets
from krakenctl.sandbox.spot.paging import page_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from krakenctl.sandbox.call import Call

    Rows = Mapping[str, dict[str, Any]]

UNKNOWN_POSITION = "EOrder:Unknown position"
_MOST_ASKED = 20
_MOST_ASSETS = 100
_TRADES = ("all", "any position", "closed position", "closing position", "no position")
_OF_NO_POSITION = ("all", "no position")
_CLASSES = ("currency", "all")
LEDGER_TYPES = (
    "all",
    "trade",
    "deposit",
    "withdrawal",
    "transfer",
    "margin",
    "adjustment",
    "rollover",
    "credit",
    "settled",
    "staking",
    "dividend",
    "sale",
    "nft_rebate",
    "earn",
    "spend",
    "receive",
    "reward",
)


def trades(call: Call) -> Answer:
    """`POST /0/private/TradesHistory`: fifty at a time, the newest first."""
    wants_spot = choice(call.given, "type", _TRADES, "all") in _OF_NO_POSITION
    span = window.span(call, partial(books.trade_time, call.connection, call.account_id))
    until = span.until if wants_spot else -math.inf  # every trade is of no position
    rows, count = page_of(call, books.trades_within(call.connection, call.account_id, span.after, until))
    return success({"trades": _with_ledgers(call, rows)} | count)


def query_trades(call: Call) -> Answer:
    """`POST /0/private/QueryTrades`."""
    return success(_asked(call, books.trades(call.connection, call.account_id), "txid"))


def positions(call: Call) -> Answer:
    """`POST /0/private/OpenPositions`: none."""
    flag(call.given, "docalcs")
    if names(call.given, "txid", _MOST_ASKED):
        raise Refusal(UNKNOWN_POSITION)
    return success({})


def ledgers(call: Call) -> Answer:
    """`POST /0/private/Ledgers`: fifty at a time, the newest first."""
    wanted = choice(call.given, "type", LEDGER_TYPES, "all")
    choice(call.given, "aclass", _CLASSES, "currency")
    assets = _assets(call)
    span = window.span(call, partial(books.ledger_time, call.connection, call.account_id))
    found = books.ledgers_within(call.connection, call.account_id, span.after, span.until, type=wanted, assets=assets)
    rows, count = page_of(call, found)
    return success({"ledger": rows} | count)


def query_ledgers(call: Call) -> Answer:
    """`POST /0/private/QueryLedgers`."""
    return success(_asked(call, books.ledgers(call.connection, call.account_id), "id"))


def _asked(call: Call, rows: Rows, field: str) -> Rows:
    """The rows of these ids, every one of them inside the window. An unknown id gets which error is not documented."""
    asked = names(call.given, field, _MOST_ASKED)
    if not asked or not rows.keys() >= set(asked):
        raise invalid(field)
    for name in asked:
        window.require(call, rows[name]["time"])
    return {name: rows[name] for name in asked}


def _with_ledgers(call: Call, rows: Rows) -> Rows:
    """With `ledgers`, each trade also has the ids of its entries."""
    if not flag(call.given, "ledgers"):
        return rows
    entries = books.ledgers(call.connection, call.account_id)
    return {
        txid: {**trade, "ledgers": [name for name, entry in entries.items() if entry["refid"] == txid]}
        for txid, trade in rows.items()
    }


def _assets(call: Call) -> frozenset[str]:
    """Kraken's names of the assets that were asked for; none: all."""
    asked = names(call.given, "asset", _MOST_ASSETS)
    if asked in ((), ("all",)):
        return frozenset()
    return frozenset(name if (found := markets.asset(name)) is None else found.name for name in asked)
