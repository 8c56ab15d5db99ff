"""The books of an account as rows: orders, trades, ledger entries. Who may read or write them is not decided here.

Ids are shaped as Kraken's are: `O…` an order, `T…` a trade or an amendment, `L…` a ledger entry.
"""

from __future__ import annotations

import json
import secrets
import string
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from krakenctl.sandbox import accounts
from krakenctl.sandbox.arguments import decimal
from krakenctl.sandbox.envelope import Refusal, invalid
from krakenctl.sandbox.money import markets
from krakenctl.sandbox.money.terms import UNKNOWN_PAIR, Terms, read_terms, restored

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping

    from krakenctl.sandbox.context import Context

_ALPHABET = string.ascii_uppercase + string.digits
_FEE = Decimal("0.0025")  # of the cost; a maker's first tier
_COLUMNS = "txid, account_id, status, opened, closed, reason, refid, terms, amends"


def new_id(first: str) -> str:
    """`OXXXXX-XXXXX-XXXXXX`. Source: krakenfx/api-specs spot-rest, by its examples."""
    letters = "".join(secrets.choice(_ALPHABET) for _ in range(16))
    return f"{first}{letters[:5]}-{letters[5:10]}-{letters[10:]}"


def add_ledger(
    connection: sqlite3.Connection,
    account_id: int,
    *,
    at: float,
    type: str,
    asset: str,
    amount: Decimal | str,
    fee: Decimal | str = "0",
    refid: str = "",
    subtype: str = "",
    moves: bool = True,
) -> str:
    """Move money and write it down: the balance changes by the amount less the fee, and the entry shows it after that.

    A negative amount is money that leaves. Whether there is enough is the caller's to check. With `moves=False` the
    balance is left alone: the entry is history that the balance has in it already, and shows the sum of what came
    before it. Returns the entry's id.
    """
    name = markets.name_of(asset)
    change = Decimal(amount) - Decimal(fee)
    before = _balance(connection, account_id, name) if moves else _sum_before(connection, account_id, name, at)
    after = markets.amount_text(name, before + change)
    if moves:
        connection.execute("INSERT OR REPLACE INTO balance VALUES (?, ?, ?)", (account_id, name, after))
    body = {
        "refid": refid or new_id("R"),
        "time": at,
        "type": type,
        "subtype": subtype,
        "aclass": "currency",
        "asset": name,
        "amount": markets.amount_text(name, Decimal(amount)),
        "fee": markets.amount_text(name, Decimal(fee)),
        "balance": after,
    }
    entry = new_id("L")
    connection.execute(
        "INSERT INTO ledger (id, account_id, at, asset, body) VALUES (?, ?, ?, ?, ?)",
        (entry, account_id, at, name, json.dumps(body)),
    )
    return entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A row, and how Kraken shows it."""

    txid: str
    account_id: int
    status: str  # open, closed, canceled, expired
    opened: float
    closed: float | None  # None: open
    reason: str | None  # why it was cancelled; None: it was not
    refid: str | None  # the order that this one replaced
    terms: Terms
    amends: list[dict[str, Any]]

    @property
    def is_open(self) -> bool:
        return self.status == "open"

    def shown(self) -> dict[str, Any]:
        """As OpenOrders shows it, and ClosedOrders once it is over."""
        view = self._own_ids() | {"status": self.status} | self._times() | {"descr": self._descr()} | self._amounts()
        view |= {"misc": "amended" if len(self.amends) > 1 else "", "oflags": self.terms.oflags}
        return view | {"trigger": self.terms.trigger} if self.terms.trigger else view

    def _own_ids(self) -> dict[str, Any]:
        view = {"refid": self.refid, "userref": self.terms.userref}
        return view | {"cl_ord_id": self.terms.cl_ord_id} if self.terms.cl_ord_id is not None else view

    def _times(self) -> dict[str, Any]:
        view: dict[str, Any] = {"opentm": self.opened, "starttm": self.terms.starts, "expiretm": self.terms.expires}
        return view if self.is_open else view | {"closetm": self.closed, "reason": self.reason}

    def _descr(self) -> dict[str, str]:
        terms = self.terms
        return {
            "pair": terms.market.altname,
            "type": terms.side,
            "ordertype": terms.ordertype,
            "price": terms.price or "0",
            "price2": terms.price2 or "0",
            "leverage": f"{terms.leverage}:1" if terms.leverage else "none",
            "order": terms.words(),
            "close": terms.close_words(),
        }

    def _amounts(self) -> dict[str, Any]:
        """Executed is all of it or nothing: only a seeded order can be `closed`, which means filled."""
        pair, zero = self.terms.market, Decimal(0)
        done = Decimal(self.terms.volume) if self.status == "closed" else zero
        price = (decimal(self.terms.limit) or decimal(self.terms.price) or pair.price()) if done else zero
        cost = done * price
        view = {
            "vol": self.terms.volume,
            "vol_exec": pair.volume_text(done),
            "cost": pair.cost_text(cost),
            "fee": pair.cost_text(cost * _FEE),
            "price": pair.price_text(price),
            "stopprice": pair.price_text(zero),
            "limitprice": pair.price_text(zero),
            "margin": self.terms.leverage > 0,
        }
        return view | {"displayvol": self.terms.displayed} if self.terms.displayed else view


def add_order(
    context: Context,
    account_id: int,
    fields: Mapping[str, Any],
    *,
    status: str = "open",
    opened: float | None = None,
    closed: float | None = None,
) -> str:
    """An order by AddOrder's arguments, at any time and in any state. Raises Refusal. Returns its txid."""
    at = context.now if opened is None else opened
    terms = read_terms(fields, at)
    refuse_taken(context.connection, account_id, terms)
    ended = None if status == "open" else (at if closed is None else closed)
    return insert_order(context.connection, account_id, terms, at=at, status=status, closed=ended)


def insert_order(
    connection: sqlite3.Connection,
    account_id: int,
    terms: Terms,
    *,
    at: float,
    status: str = "open",
    closed: float | None = None,
    refid: str | None = None,
) -> str:
    txid, amends = new_id("O"), [_amendment(terms, at, "original")]
    reason = "User requested" if status == "canceled" else None
    columns = (txid, account_id, status, at, closed, reason, terms.expires or None, terms.userref, terms.cl_ord_id)
    connection.execute(
        "INSERT INTO trade_order (txid, account_id, status, opened, closed, reason, expires, userref, cl_ord_id, refid,"
        " terms, amends) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*columns, refid, terms.stored(), json.dumps(amends)),
    )
    return txid


def refuse_taken(connection: sqlite3.Connection, account_id: int, terms: Terms) -> None:
    """A `cl_ord_id` names one open order. Which error a second one gets is not documented."""
    if terms.cl_ord_id is not None and find_open(connection, account_id, cl_ord_id=terms.cl_ord_id):
        raise invalid("cl_ord_id")


def open_orders(connection: sqlite3.Connection, account_id: int) -> list[Order]:
    """The newest first."""
    return _orders(connection, "account_id = ? AND status = 'open' ORDER BY opened DESC, txid", account_id)


def ended_orders(connection: sqlite3.Connection, account_id: int) -> list[Order]:
    """The newest first."""
    return _orders(connection, "account_id = ? AND status <> 'open' ORDER BY opened DESC, txid", account_id)


def order(connection: sqlite3.Connection, account_id: int, txid: str) -> Order | None:
    return next(iter(_orders(connection, "account_id = ? AND txid = ?", account_id, txid)), None)


def find_open(
    connection: sqlite3.Connection, account_id: int, *, userref: int | None = None, cl_ord_id: str | None = None
) -> list[Order]:
    """By the client's own id: any number for a userref, at most one for a cl_ord_id."""
    mine = "account_id = ? AND status = 'open'"
    if cl_ord_id is not None:
        return _orders(connection, f"{mine} AND cl_ord_id = ?", account_id, cl_ord_id)
    return _orders(connection, f"{mine} AND userref = ?", account_id, userref)


def resting(connection: sqlite3.Connection, pair: str) -> list[Order]:
    """Everybody's orders that the book of a pair shows, the oldest first."""
    everybody = _orders(connection, "status = 'open' ORDER BY opened, txid")
    return [order for order in everybody if order.terms.pair == pair and order.terms.is_resting]


def cancel(connection: sqlite3.Connection, orders: Iterable[Order], at: float, reason: str = "User requested") -> int:
    """How many were cancelled: all of them."""
    rows = [("canceled", at, reason, order.txid) for order in orders]
    connection.executemany("UPDATE trade_order SET status = ?, closed = ?, reason = ? WHERE txid = ?", rows)
    return len(rows)


def amend(connection: sqlite3.Connection, old: Order, terms: Terms, at: float) -> str:
    """Change an order in its place. Returns the amendment's id."""
    amends = [*old.amends, _amendment(terms, at, "user")]
    connection.execute(
        "UPDATE trade_order SET terms = ?, amends = ? WHERE txid = ?", (terms.stored(), json.dumps(amends), old.txid)
    )
    return str(amends[-1]["amend_id"])


def settle(context: Context) -> None:
    """End the orders whose time is over: by their own expiry, or by CancelAllOrdersAfter. Call it before reading."""
    connection, now = context.connection, context.now
    connection.execute(
        "UPDATE trade_order SET status = 'expired', closed = expires WHERE status = 'open' AND expires <= ?", (now,)
    )
    for account_id, at in connection.execute(
        "SELECT account_id, at FROM cancel_after WHERE at <= ?", (now,)
    ).fetchall():
        cancel(connection, open_orders(connection, account_id), at, "Cancel all orders after")
        connection.execute("DELETE FROM cancel_after WHERE account_id = ?", (account_id,))


def held(connection: sqlite3.Connection, account_id: int) -> dict[str, Decimal]:
    """What open orders would cost, by asset. An order without a plain price holds nothing."""
    sums: dict[str, Decimal] = {}
    for one in open_orders(connection, account_id):
        pair, volume, price = one.terms.market, Decimal(one.terms.volume), decimal(one.terms.limit)
        if one.terms.side == "sell":
            sums[pair.base.name] = sums.get(pair.base.name, Decimal(0)) + volume
        elif price is not None:
            sums[pair.quote.name] = sums.get(pair.quote.name, Decimal(0)) + volume * price
    return sums


def add_trade(
    connection: sqlite3.Connection,
    account_id: int,
    *,
    at: float,
    pair: str,
    type: str,
    price: Decimal | str,
    vol: Decimal | str,
    fee: Decimal | str | None = None,
    ordertype: str = "limit",
    ordertxid: str = "",
    maker: bool = False,
) -> str:
    """A trade that has been; no balance moves. Without a fee it is the usual one. Returns its id."""
    market = markets.pair(pair)
    if market is None:
        raise Refusal(UNKNOWN_PAIR)
    cost = Decimal(price) * Decimal(vol)
    body = {
        "ordertxid": ordertxid or new_id("O"),
        "postxid": new_id("T"),
        "pair": market.name,
        "time": at,
        "type": type,
        "ordertype": ordertype,
        "price": market.price_text(Decimal(price)),
        "cost": market.cost_text(cost),
        "fee": market.cost_text(cost * _FEE if fee is None else Decimal(fee)),
        "vol": market.volume_text(Decimal(vol)),
        "margin": market.cost_text(Decimal(0)),
        "leverage": "0",
        "misc": "",
        "trade_id": secrets.randbelow(10**8),
        "maker": maker,
    }
    txid = new_id("T")
    connection.execute("INSERT INTO trade VALUES (?, ?, ?, ?)", (txid, account_id, at, json.dumps(body)))
    return txid


def trades(connection: sqlite3.Connection, account_id: int) -> dict[str, dict[str, Any]]:
    """All of an account's, the newest first."""
    rows = connection.execute("SELECT txid, body FROM trade WHERE account_id = ? ORDER BY at DESC, txid", (account_id,))
    return {txid: json.loads(body) for txid, body in rows}


def ledgers(connection: sqlite3.Connection, account_id: int) -> dict[str, dict[str, Any]]:
    """All of an account's entries, the newest first."""
    rows = connection.execute(
        "SELECT id, body FROM ledger WHERE account_id = ? ORDER BY at DESC, number DESC", (account_id,)
    )
    return {entry: json.loads(body) for entry, body in rows}


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Rows of an account's books, newest first, of which only what is asked for is read."""

    connection: sqlite3.Connection
    id: str  # the column of their ids
    which: str
    order: str
    values: tuple[object, ...]

    def count(self) -> int:
        [number] = self.connection.execute(f"SELECT count(*) {self.which}", self.values).fetchone()
        return int(number)

    def page(self, start: int, most: int) -> dict[str, dict[str, Any]]:
        query = f"SELECT {self.id}, body {self.which} ORDER BY {self.order} LIMIT ? OFFSET ?"
        return {name: json.loads(body) for name, body in self.connection.execute(query, (*self.values, most, start))}


def trades_within(connection: sqlite3.Connection, account_id: int, after: float, until: float) -> Selection:
    """Later than `after`, not later than `until`."""
    which = "FROM trade WHERE account_id = ? AND at > ? AND at <= ?"
    values = (account_id, after, until)
    return Selection(connection=connection, id="txid", which=which, order="at DESC, txid", values=values)


def ledgers_within(
    connection: sqlite3.Connection, account_id: int, after: float, until: float, *, type: str, assets: Iterable[str]
) -> Selection:
    """As `trades_within`, of one type or `all`, and of these assets; none: of all."""
    which = (
        "FROM ledger WHERE account_id = ? AND at > ? AND at <= ? AND ? IN ('all', json_extract(body, '$.type'))"
        " AND (? = '[]' OR asset IN (SELECT value FROM json_each(?)))"
    )
    named = json.dumps(sorted(assets))
    values = (account_id, after, until, type, named, named)
    return Selection(connection=connection, id="id", which=which, order="at DESC, number DESC", values=values)


def trade_time(connection: sqlite3.Connection, account_id: int, txid: str) -> float | None:
    return _time(connection, "SELECT at FROM trade WHERE account_id = ? AND txid = ?", account_id, txid)


def ledger_time(connection: sqlite3.Connection, account_id: int, entry: str) -> float | None:
    return _time(connection, "SELECT at FROM ledger WHERE account_id = ? AND id = ?", account_id, entry)


def _time(connection: sqlite3.Connection, query: str, account_id: int, name: str) -> float | None:
    found = connection.execute(query, (account_id, name.encode("utf-8", "replace").decode())).fetchone()
    return None if found is None else float(found[0])


def traded_in_usd(connection: sqlite3.Connection, account_id: int, since: float) -> Decimal:
    made = (trade for trade in trades(connection, account_id).values() if trade["time"] > since)
    return sum(
        (markets.in_usd(markets.PAIRS[trade["pair"]].quote.name, Decimal(trade["cost"])) for trade in made), Decimal(0)
    )


def _orders(connection: sqlite3.Connection, which: str, *values: object) -> list[Order]:
    rows = connection.execute(f"SELECT {_COLUMNS} FROM trade_order WHERE {which}", values)  # noqa: S608 - constants
    return [
        Order(
            txid=txid,
            account_id=account_id,
            status=status,
            opened=opened,
            closed=closed,
            reason=reason,
            refid=refid,
            terms=restored(terms),
            amends=json.loads(amends),
        )
        for txid, account_id, status, opened, closed, reason, refid, terms, amends in rows
    ]


def _amendment(terms: Terms, at: float, sort: str) -> dict[str, Any]:
    """As OrderAmends shows it."""
    view = {
        "amend_id": new_id("T"),
        "amend_type": sort,
        "order_qty": terms.volume,
        "remaining_qty": terms.volume,
    }
    if terms.displayed:
        view["display_qty"] = terms.displayed
    if terms.limit:
        view["limit_price"] = terms.limit
    if terms.trigger:
        view["trigger_price"] = terms.price
    return view | {"timestamp": int(at * 1_000_000) * 1000}


def _balance(connection: sqlite3.Connection, account_id: int, asset: str) -> Decimal:
    return Decimal(accounts.balances(connection, account_id).get(asset, "0"))


def _sum_before(connection: sqlite3.Connection, account_id: int, asset: str, at: float) -> Decimal:
    found = connection.execute(
        "SELECT body FROM ledger WHERE account_id = ? AND asset = ? AND at <= ? ORDER BY at DESC, number DESC LIMIT 1",
        (account_id, asset, at),
    ).fetchone()
    return Decimal(json.loads(found[0])["balance"]) if found else Decimal(0)
