"""The sandbox's Spot answers have the fields and types of Kraken's reference.

Source, where a table names no other: krakenfx/api-specs spot-rest.
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from krakenctl.sandbox import accounts
from krakenctl.sandbox.call import Call
from krakenctl.sandbox.context import read_context
from krakenctl.sandbox.keys import by_name
from krakenctl.sandbox.money import books
from krakenctl.sandbox.people import seed
from krakenctl.sandbox.request import read_request
from krakenctl.sandbox.routes import find
from krakenctl.sandbox.switches import set_switch
from shapes import MONEY, NULL, NUMBER, SECONDS, STAMP, TEXT, TRUTH, WHOLE, AnyNumber, check

NOW = 1_800_000_000


def test_the_shapes_themselves_can_fail():
    wrong = [
        (1, TEXT),
        ({"a": 1}, {"a": TEXT}),
        ({"b": ""}, {"a": TEXT}),
        ([1], [TEXT]),
        ([], [TEXT]),
        ([1], AnyNumber(TEXT)),
        ({}, {"*": TEXT}),
        (True, WHOLE),
    ]
    for value, shape in wrong:
        with pytest.raises(AssertionError):
            check(value, shape)


DESCRIBED = {"order": TEXT, "close?": TEXT}
ORDER_ID = re.compile(r"O[A-Z0-9]{5}-[A-Z0-9]{5}-[A-Z0-9]{6}")
TRADE_ID = re.compile(r"T[A-Z0-9]{5}-[A-Z0-9]{5}-[A-Z0-9]{6}")
ORDER = {
    "refid": (ORDER_ID, NULL),
    "userref": (WHOLE, NULL),
    "cl_ord_id?": TEXT,
    "status": re.compile("pending|open|closed|canceled|expired"),
    "opentm": NUMBER,
    "starttm": NUMBER,
    "expiretm": NUMBER,
    "descr": {
        "pair": TEXT,
        "type": re.compile("buy|sell"),
        "ordertype": TEXT,
        "price": TEXT,
        "price2": TEXT,
        "leverage": re.compile(r"none|\d:1"),
        "order": TEXT,
        "close": TEXT,
    },
    "vol": MONEY,
    "vol_exec": MONEY,
    "displayvol?": MONEY,
    "cost": MONEY,
    "fee": MONEY,
    "price": MONEY,
    "stopprice": MONEY,
    "limitprice": MONEY,
    "trigger?": re.compile("last|index"),
    "margin": TRUTH,
    "misc": TEXT,
    "oflags": TEXT,
    "trades?": [TRADE_ID],
}
ENDED = ORDER | {"closetm": NUMBER, "reason": (TEXT, NULL)}
TRADE = {
    "ordertxid": ORDER_ID,
    "postxid": TRADE_ID,
    "pair": TEXT,
    "time": NUMBER,
    "type": re.compile("buy|sell"),
    "ordertype": TEXT,
    "price": MONEY,
    "cost": MONEY,
    "fee": MONEY,
    "vol": MONEY,
    "margin": MONEY,
    "leverage": TEXT,
    "misc": TEXT,
    "trade_id": WHOLE,
    "maker": TRUTH,
}
LEDGER = {
    "refid": TEXT,
    "time": NUMBER,
    "type": TEXT,
    "subtype": TEXT,
    "aclass": TEXT,
    "asset": TEXT,
    "amount": MONEY,
    "fee": MONEY,
    "balance": MONEY,
}
FEES = {
    "fee": MONEY,
    "minfee": MONEY,
    "maxfee": MONEY,
    "nextfee": (MONEY, NULL),
    "nextvolume": (MONEY, NULL),
    "tiervolume": (MONEY, NULL),
}
AMEND = {
    "amend_id": TRADE_ID,
    "amend_type": re.compile("original|user|restated"),
    "order_qty": MONEY,
    "remaining_qty": MONEY,
    "display_qty?": MONEY,
    "limit_price?": TEXT,
    "trigger_price?": TEXT,
    "timestamp": WHOLE,
}
EXPORT = {
    **dict.fromkeys(("id", "descr", "format", "report", "subtype", "flags", "fields", "aclass", "asset"), TEXT),
    "status": re.compile("Queued|Processing|Processed"),
    **dict.fromkeys(("createdtm", "expiretm", "starttm", "completedtm", "datastarttm", "dataendtm"), SECONDS),
}
PAIR = {
    **dict.fromkeys(("altname", "wsname", "aclass_base", "base", "aclass_quote", "quote", "lot", "status"), TEXT),
    **dict.fromkeys(("cost_decimals", "pair_decimals", "lot_decimals", "lot_multiplier"), WHOLE),
    "leverage_buy": AnyNumber(WHOLE),  # none: no margin
    "leverage_sell": AnyNumber(WHOLE),
    "fees": [[NUMBER]],
    "fees_maker": [[NUMBER]],
    "fee_volume_currency": TEXT,
    "margin_call": WHOLE,
    "margin_stop": WHOLE,
    "ordermin": MONEY,
    "costmin": MONEY,
    "tick_size": MONEY,
}
CREDIT = dict.fromkeys(("balance", "credit_limit", "credit_used", "available_credit"), MONEY)
MONITOR = (
    "total_credit_usd",
    "total_credit_used_usd",
    "total_collateral_value_usd",
    "equity_usd",
    "ongoing_balance",
    "debt_to_equity",
)
LEVEL = {"price": MONEY, "qty": MONEY, "order_id": ORDER_ID, "timestamp": WHOLE}

PUBLIC = {
    "Time": {"unixtime": WHOLE, "rfc1123": TEXT},
    "SystemStatus": {"status": re.compile("online|maintenance|cancel_only|post_only"), "timestamp": STAMP},
    "Assets": {
        "*": {
            "aclass": TEXT,
            "altname": TEXT,
            "decimals": WHOLE,
            "display_decimals": WHOLE,
            "collateral_value?": NUMBER,
            "margin_rate": NUMBER,  # docs.kraken.com, Get Asset Info; not in the spec on GitHub
            "status": TEXT,
        }
    },
    "AssetPairs": {"*": PAIR},
}
NEW = {"pair": "XBTUSD", "type": "buy", "ordertype": "limit", "price": "27500", "volume": "1", "cl_ord_id": "mine"}
TRIGGERED = NEW | {"ordertype": "stop-loss-limit", "price2": "+1%", "cl_ord_id": "other", "leverage": 2}
PRIVATE: dict[str, tuple[dict[str, Any], Any]] = {
    "Balance": ({}, {"*": MONEY}),
    "BalanceEx": ({}, {"*": {"balance": MONEY, "hold_trade": MONEY}}),
    "CreditLines": ({}, {"asset_details": {"*": CREDIT}, "limits_monitor": dict.fromkeys(MONITOR, MONEY)}),
    "TradeBalance": ({}, dict.fromkeys(("eb", "tb", "m", "n", "c", "v", "e", "mf", "uv"), MONEY)),
    "OpenOrders": ({}, {"open": {"*": ORDER}}),
    "ClosedOrders": ({"trades": True}, {"closed": {"*": ENDED}, "count": WHOLE}),
    "QueryOrders": ({"txid": "{open}"}, {"*": ORDER}),
    "OrderAmends": ({"order_id": "{open}"}, {"count": WHOLE, "amends": [AMEND]}),
    "TradesHistory": ({"ledgers": True}, {"trades": {"*": TRADE | {"ledgers": [TEXT]}}, "count": WHOLE}),
    "QueryTrades": ({"txid": "{trade}"}, {"*": TRADE}),
    "OpenPositions": ({}, {}),
    "Ledgers": ({}, {"ledger": {"*": LEDGER}, "count": WHOLE}),
    "QueryLedgers": ({"id": "{ledger}"}, {"*": LEDGER}),
    "TradeVolume": (
        {"pair": "XBTUSD"},
        {
            "currency": TEXT,
            "volume": MONEY,
            "fees": {"*": FEES},
            "fees_maker": {"*": FEES},
            # docs.kraken.com as modelled by thrasher-corp/gocryptotrader
            "volume_subaccounts": [{"iiban": TEXT, "volume": MONEY}],
        },
    ),
    "AddExport": ({"report": "trades", "description": "mine"}, {"id": re.compile("[A-Z]{4}")}),
    "ExportStatus": ({"report": "ledgers"}, [EXPORT]),
    "RemoveExport": ({"id": "{export}", "type": "delete"}, {"delete": TRUTH}),
    # docs.kraken.com, List Wallet Accounts, as modelled by thrasher-corp/gocryptotrader
    "ListWalletAccounts": (
        {},
        {
            "accounts": [
                {
                    "account_id": re.compile("[A-Z0-9]{4}(-[A-Z0-9]{4}){3}"),
                    "flags": {"user_defined": TRUTH, "active": TRUTH},
                    "status": re.compile("active|disabled|closed|unknown"),
                    "type": re.compile("main|spot|pay|prop_paper|prop_real|unknown"),
                    "name": TEXT,
                }
            ],
            "cursor": {"next": TEXT},
        },
    ),
    # docs.kraken.com, Query L3 Order Book
    "Level3": ({"pair": "XBTUSD"}, {"pair": TEXT, "bids": [LEVEL], "asks": [LEVEL]}),
    "AddOrder": (TRIGGERED, {"descr": DESCRIBED, "txid": [ORDER_ID]}),
    "AddOrderBatch": (
        {"pair": "XBTUSD", "orders": [TRIGGERED, NEW | {"cl_ord_id": None}]},
        {"orders": [{"txid": ORDER_ID, "descr": DESCRIBED}]},
    ),
    "AmendOrder": ({"cl_ord_id": "mine", "order_qty": "2"}, {"amend_id": TRADE_ID}),
    "EditOrder": (
        {"txid": "{open}", "pair": "XBTUSD", "volume": "2", "userref": 3},
        {
            "status": TEXT,
            "txid": ORDER_ID,
            "originaltxid": ORDER_ID,
            "volume": MONEY,
            "price": TEXT,
            "price2": TEXT,
            "orders_cancelled": WHOLE,
            "descr": DESCRIBED,
            "newuserref?": TEXT,
            "olduserref?": TEXT,
        },
    ),
    "CancelOrder": ({"txid": "{open}"}, {"count": WHOLE, "pending?": TRUTH}),
    "CancelAll": ({}, {"count": WHOLE, "pending?": TRUTH}),
    "CancelAllOrdersAfter": ({"timeout": 60}, {"currentTime": STAMP, "triggerTime": STAMP}),
    "CancelOrderBatch": ({"orders": ["{open}"]}, {"count": WHOLE}),
    "GetWebSocketsToken": ({}, {"token": TEXT, "expires": WHOLE}),
}
KEY_INFO = {  # docs.kraken.com, GetApiKeyInfo; snake_case: JKorf/Kraken.Net
    **dict.fromkeys(("api_key_name", "api_key", "iban"), TEXT),
    "nonce": SECONDS,
    "nonce_window": WHOLE,
    "permissions": [TEXT],
    **dict.fromkeys(("valid_until", "query_from", "query_to", "created_time", "modified_time"), SECONDS),
    "ip_allowlist": [TEXT],
    "last_used": (SECONDS, NULL),
}


@pytest.fixture
def names(sandbox):
    """One row of each sort, by what the calls above name it; a resting offer; a sub-account that has traded."""
    with sandbox.database.write() as connection:
        context, owner = read_context(connection), accounts.known(connection, "acme").id
        desk = accounts.insert(connection, "desk", "d@acme.example", NOW, master=False, parent=owner)
        accounts.give_iiban(connection, desk)
        books.add_trade(connection, desk.id, at=NOW, pair="XBTUSD", type="buy", price="27500", vol="1")
        books.add_order(context, owner, NEW | {"type": "sell", "price": "99000", "cl_ord_id": None})
        opened = books.add_order(context, owner, NEW)
        filled = books.add_order(context, owner, NEW | {"cl_ord_id": None}, status="closed", closed=NOW)
        fields = {"pair": "XBTUSD", "type": "buy", "price": "27500", "vol": "1", "ordertxid": filled}
        trade = books.add_trade(connection, owner, at=NOW, **fields)
        ledger = books.add_ledger(connection, owner, at=NOW, type="trade", asset="XBT", amount="1", refid=trade)
    return {"open": opened, "trade": trade, "ledger": ledger}


def answer(sandbox: Any, name: str, given: dict[str, Any]) -> Any:
    """What the call's handler answers to the master's own key. Signatures are tested elsewhere."""
    found = find("POST", f"/0/private/{name}")
    assert found is not None
    with sandbox.database.write() as connection:
        context = read_context(connection)
        key = by_name(connection, accounts.known(connection, "acme").id, "master")
        body = found[0].guard.handler(Call(read_request({}), context, key, given, {})).body
    return read(body)


def read(body: bytes) -> Any:
    envelope = json.loads(body)
    assert envelope["error"] == []
    return envelope["result"]


def filled_in(given: Any, names: dict[str, str]) -> Any:
    if isinstance(given, str):
        return given.format(**names) if given.startswith("{") else given
    return [filled_in(item, names) for item in given] if isinstance(given, list) else given


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_answer_has_its_shape(sandbox, name):
    found = find("GET", f"/0/public/{name}")
    assert found is not None
    context = read_context(sandbox.database.connection())
    check(read(found[0].guard.handler(read_request({}), context).body), PUBLIC[name])


@pytest.mark.parametrize("name", PRIVATE)
def test_a_private_answer_has_its_shape(sandbox, names, name):
    given, shape = PRIVATE[name]
    names["export"] = answer(sandbox, "AddExport", {"report": "ledgers", "description": "mine"})["id"]
    asked = {field: filled_in(value, names) for field, value in given.items()}
    check(answer(sandbox, name, asked), shape)


@pytest.mark.parametrize(("window", "sort"), [("number", WHOLE), ("text", SECONDS)])
def test_a_key_describes_itself_in_either_spelling(sandbox, window, sort):
    seed.edit_key(sandbox, "acme", "master", ip_allowlist=["203.0.113.9"])
    set_switch(sandbox, "nonce-window-type", window)
    shape = KEY_INFO | {"nonce_window": sort}
    check(answer(sandbox, "GetApiKeyInfo", {}), shape)
    set_switch(sandbox, "key-info-spelling", "camel")
    camel = {re.sub("_(.)", lambda found: found[1].upper(), name): inner for name, inner in shape.items()}
    check(answer(sandbox, "GetApiKeyInfo", {}), camel)
