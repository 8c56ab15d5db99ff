"""Orders: placed, changed, cancelled and looked up.

Nothing is matched: whatever its type, an order rests until it is cancelled or its time is over. Balances are not
looked at. Source of all fields: krakenfx/api-specs spot-rest; of Level3: docs.kraken.com, Query L3 Order Book.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from krakenctl.model.permission import Permission
from krakenctl.model.time import show_time
from krakenctl.sandbox.arguments import choice, flag, is_storable, names, number_text, whole
from krakenctl.sandbox.checks import window
from krakenctl.sandbox.envelope import Answer, Refusal, denied, invalid, success
from krakenctl.sandbox.money import books
from krakenctl.sandbox.money.terms import amended, check_deadline, edited, read_pair, read_terms, read_userref
from krakenctl.sandbox.spot.paging import page

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from krakenctl.sandbox.call import Call
    from krakenctl.sandbox.money.books import Order
    from krakenctl.sandbox.money.terms import Terms

UNKNOWN_ORDER = "EOrder:Unknown order"
_MOST_ASKED = 50
_BATCH = (2, 15)
_LONGEST_TIMEOUT = 86400
_DEPTHS = (0, 10, 25, 100, 250, 1000)  # 0: all of it

_Picks = Callable[["Order"], bool]


def open_orders(call: Call) -> Answer:
    """`POST /0/private/OpenOrders`."""
    books.settle(call.context)
    picks = _picks(call)
    found = [order for order in books.open_orders(call.connection, call.account_id) if picks(order)]
    return success({"open": _shown(call, found)})


def closed_orders(call: Call) -> Answer:
    """`POST /0/private/ClosedOrders`: fifty at a time, the newest first, inside the key's query window."""
    books.settle(call.context)
    span = window.span(call, lambda txid: _opened(call, txid))
    times = _TIMES[choice(call.given, "closetime", tuple(_TIMES), "both")]
    picks = _picks(call)
    found = [
        order
        for order in books.ended_orders(call.connection, call.account_id)
        if picks(order) and any(span.holds(at) for at in times(order))
    ]
    rows, count = page(call, found)
    return success({"closed": _shown(call, rows)} | count)


def query_orders(call: Call) -> Answer:
    """`POST /0/private/QueryOrders`: each needs the permission for its status."""
    books.settle(call.context)
    asked = names(call.given, "txid", _MOST_ASKED)
    if not asked:
        raise invalid("txid")
    found = [_readable(call, txid) for txid in asked]
    picks = _picks(call)
    return success(_shown(call, [order for order in found if picks(order)]))


def amends(call: Call) -> Answer:
    """`POST /0/private/OrderAmends`: the order as it was placed, then each change. Needs what QueryOrders needs."""
    books.settle(call.context)
    order = _readable(call, _one_id(call.given, "order_id"))
    return success({"count": len(order.amends), "amends": order.amends})


def add(call: Call) -> Answer:
    """`POST /0/private/AddOrder`; with `validate` nothing is placed and there is no txid."""
    books.settle(call.context)
    terms = read_terms(call.given, call.context.now)
    books.refuse_taken(call.connection, call.account_id, terms)
    if flag(call.given, "validate"):
        return success({"descr": terms.described()})
    return success({"descr": terms.described(), "txid": [_place(call, terms)]})


def add_batch(call: Call) -> Answer:
    """`POST /0/private/AddOrderBatch`: 2 to 15 orders of one pair, all of them or none."""
    books.settle(call.context)
    check_deadline(call.given, call.context.now)
    asked = _batch(call)
    batch = [read_terms({**order, "pair": call.given.get("pair")}, call.context.now) for order in asked]
    _refuse_twins(batch)
    for terms in batch:
        books.refuse_taken(call.connection, call.account_id, terms)
    if flag(call.given, "validate"):
        return success({"orders": [{"descr": terms.described()} for terms in batch]})
    return success({"orders": [{"txid": _place(call, terms), "descr": terms.described()} for terms in batch]})


def amend(call: Call) -> Answer:
    """`POST /0/private/AmendOrder`: changed in its place."""
    books.settle(call.context)
    check_deadline(call.given, call.context.now)
    flag(call.given, "post_only")
    [order] = _named(call, "txid" if "txid" in call.given else "cl_ord_id")
    terms = amended(order.terms, call.given)
    return success({"amend_id": books.amend(call.connection, order, terms, call.context.now)})


def edit(call: Call) -> Answer:
    """`POST /0/private/EditOrder`: cancelled, and another placed for it."""
    books.settle(call.context)
    check_deadline(call.given, call.context.now)
    pair = read_pair(call.given)
    order = _only(_named(call, "txid"))
    if order.terms.pair != pair.name:
        raise invalid("pair")
    terms = edited(order.terms, call.given)
    if flag(call.given, "validate"):
        return success({"descr": terms.described()})
    books.cancel(call.connection, [order], call.context.now, "Order replaced")
    return success(_replacement(order, terms, _place(call, terms, order.txid)))


def cancel(call: Call) -> Answer:
    """`POST /0/private/CancelOrder`: by txid, by userref (all of that number) or by cl_ord_id."""
    books.settle(call.context)
    found = _named(call, "txid" if "txid" in call.given else "cl_ord_id")
    return success({"count": books.cancel(call.connection, found, call.context.now)})


def cancel_all(call: Call) -> Answer:
    """`POST /0/private/CancelAll`."""
    books.settle(call.context)
    found = books.open_orders(call.connection, call.account_id)
    return success({"count": books.cancel(call.connection, found, call.context.now)})


def cancel_after(call: Call) -> Answer:
    """`POST /0/private/CancelAllOrdersAfter`: every order ends when the time is over; 0 calls it off."""
    books.settle(call.context)
    seconds = whole(call.given, "timeout", most=_LONGEST_TIMEOUT)
    now = call.context.second
    call.connection.execute("DELETE FROM cancel_after WHERE account_id = ?", (call.account_id,))
    if seconds:
        call.connection.execute("INSERT INTO cancel_after VALUES (?, ?)", (call.account_id, call.context.now + seconds))
    return success({"currentTime": show_time(now), "triggerTime": show_time(now + seconds) if seconds else "0"})


def cancel_batch(call: Call) -> Answer:
    """`POST /0/private/CancelOrderBatch`: up to fifty txids, userrefs and cl_ord_ids, all known or none cancelled."""
    books.settle(call.context)
    asked = [*_listed(call, "orders", "txid"), *_listed(call, "cl_ord_ids", "cl_ord_id")]
    if not 1 <= len(asked) <= _MOST_ASKED:
        raise invalid("orders")
    found = {order.txid: order for field, name in asked for order in _find(call, field, name)}
    return success({"count": books.cancel(call.connection, found.values(), call.context.now)})


def level3(call: Call) -> Answer:
    """`POST /0/private/Level3`: everybody's resting orders of a pair, the best price first, then the oldest."""
    books.settle(call.context)
    pair = read_pair(call.given)
    depth = whole(call.given, "depth", 100, most=max(_DEPTHS))
    if depth not in _DEPTHS:
        raise invalid("depth")
    resting = books.resting(call.connection, pair.name)
    sides = {side: [order for order in resting if order.terms.side == side] for side in ("buy", "sell")}
    bids = sorted(sides["buy"], key=lambda order: -float(order.terms.price))
    asks = sorted(sides["sell"], key=lambda order: float(order.terms.price))
    shown = {"bids": [_level(order) for order in bids], "asks": [_level(order) for order in asks]}
    return success({"pair": pair.wsname} | {side: rows[: depth or None] for side, rows in shown.items()})


_TIMES: Mapping[str, Callable[[Order], tuple[float, ...]]] = {
    "open": lambda order: (order.opened,),
    "close": lambda order: (order.closed or 0.0,),
    "both": lambda order: (order.opened, order.closed or 0.0),
}


def _picks(call: Call) -> _Picks:
    """By the client's own ids, where the call has them."""
    wanted, cl_ord_id = read_userref(call.given), call.given.get("cl_ord_id")
    return lambda order: (
        (wanted is None or order.terms.userref == wanted) and (cl_ord_id is None or order.terms.cl_ord_id == cl_ord_id)
    )


def _shown(call: Call, orders: Iterable[Order]) -> dict[str, Any]:
    """By txid; with `trades` also which trades were made of each."""
    shown = {order.txid: order.shown() for order in orders}
    if flag(call.given, "trades"):
        for txid, trade in books.trades(call.connection, call.account_id).items():
            if trade["ordertxid"] in shown:
                shown[trade["ordertxid"]].setdefault("trades", []).append(txid)
    return shown


def _opened(call: Call, txid: str) -> float | None:
    """Source: krakenfx/api-specs spot-rest: the opening time stands for an order."""
    order = books.order(call.connection, call.account_id, txid) if is_storable(txid) else None
    return None if order is None else order.opened


def _readable(call: Call, txid: str) -> Order:
    """An order that the call's key may see: what is open by one permission, what is over by another and its window.

    In the window, as for ClosedOrders: what was opened or closed inside of it.
    """
    order = books.order(call.connection, call.account_id, txid)
    if order is None:
        raise Refusal(UNKNOWN_ORDER)
    needed = Permission.QUERY_OPEN_TRADES if order.is_open else Permission.QUERY_CLOSED_TRADES
    if needed not in call.key.permissions:
        raise denied(call.context.switches)
    if not order.is_open:
        window.require(call, *_TIMES["both"](order))
    return order


def _one_id(given: Mapping[str, Any], field: str) -> str:
    value = number_text(given.get(field))
    if not value or not is_storable(value):
        raise invalid(field)
    return value


def _named(call: Call, field: str) -> list[Order]:
    return _find(call, field, _one_id(call.given, field))


def _find(call: Call, field: str, name: str) -> list[Order]:
    """The open orders of a name, one at least: a txid may also be a userref."""
    found: list[Order]
    if field == "cl_ord_id":
        found = books.find_open(call.connection, call.account_id, cl_ord_id=name)
    elif name.removeprefix("-").isdecimal():
        userref = read_userref({"userref": name})
        found = books.find_open(call.connection, call.account_id, userref=userref)
    else:
        order = books.order(call.connection, call.account_id, name)
        found = [order] if order is not None and order.is_open else []
    if not found:
        raise Refusal(UNKNOWN_ORDER)
    return found


def _only(found: list[Order]) -> Order:
    """Source: krakenfx/api-specs spot-rest, Edit Order: a userref of several orders is refused."""
    if len(found) > 1:
        raise invalid("txid")
    return found[0]


def _listed(call: Call, field: str, inner: str) -> list[tuple[str, str]]:
    """Ids in a list of JSON, bare or as `{"txid": …}`: the reference describes one and shows the other."""
    value = call.given.get(field, [])
    if not isinstance(value, list):
        raise invalid(field)
    return [(inner, _one_id(item if isinstance(item, dict) else {inner: item}, inner)) for item in value]


def _batch(call: Call) -> list[dict[str, Any]]:
    asked = call.given.get("orders")
    least, most = _BATCH
    if not isinstance(asked, list) or not least <= len(asked) <= most or not all(isinstance(o, dict) for o in asked):
        raise invalid("orders")
    return asked


def _refuse_twins(batch: list[Terms]) -> None:
    own = [terms.cl_ord_id for terms in batch if terms.cl_ord_id is not None]
    if len(own) != len(set(own)):
        raise invalid("cl_ord_id")


def _place(call: Call, terms: Terms, refid: str | None = None) -> str:
    return books.insert_order(call.connection, call.account_id, terms, at=call.context.now, refid=refid)


def _replacement(old: Order, terms: Terms, txid: str) -> dict[str, Any]:
    """What EditOrder answers; a userref shows where there is one."""
    shown: dict[str, Any] = {
        "status": "ok",
        "txid": txid,
        "originaltxid": old.txid,
        "volume": terms.volume,
        "price": terms.price,
        "price2": terms.price2,
        "orders_cancelled": 1,
        "descr": terms.described(),
    }
    userrefs = {"olduserref": old.terms.userref, "newuserref": terms.userref}
    return shown | {field: str(userref) for field, userref in userrefs.items() if userref is not None}


def _level(order: Order) -> dict[str, Any]:
    terms = order.terms
    visible = terms.displayed or terms.volume
    stamp = int(order.opened * 1_000_000) * 1000
    return {"price": terms.price, "qty": visible, "order_id": order.txid, "timestamp": stamp}
