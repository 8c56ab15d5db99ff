"""The query window of a key: its history calls reach no further."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sandbox_caller import NOW

from krakenctl.sandbox import accounts
from krakenctl.sandbox.context import read_context
from krakenctl.sandbox.money import books, funds, rails
from krakenctl.sandbox.people import seed
from krakenctl.sandbox.switches import set_switch

FROM, TO = NOW - 1000, NOW - 100
BEFORE, INSIDE, AFTER = FROM - 1, FROM, TO + 1
OUTSIDE = "EGeneral:Invalid arguments"
BUY = {"pair": "XBTUSD", "type": "buy", "ordertype": "limit", "price": "27500", "volume": "1"}
LISTS = {"Ledgers": "ledger", "TradesHistory": "trades", "ClosedOrders": "closed"}
FINDS = {
    "QueryLedgers": ("Ledgers", "id"),
    "QueryTrades": ("TradesHistory", "txid"),
    "QueryOrders": ("ClosedOrders", "txid"),
}


@pytest.fixture
def narrow(kraken):
    """A key for the time from FROM to TO."""
    codes = ["query-ledger", "query-closed-trades", "query-open-trades", "export-data"]
    return seed.seed_website_key(kraken.sandbox, "acme", "narrow", codes, query_from=FROM, query_to=TO)


@pytest.fixture
def rows(kraken):
    """The ids of a row before the window, one at its first moment and one after it, for each list."""
    with kraken.sandbox.database.write() as connection:
        context, owner = read_context(connection), accounts.known(connection, "acme").id
        trade = {"pair": "XBTUSD", "type": "buy", "price": "1", "vol": "1"}
        return {
            "Ledgers": [
                books.add_ledger(connection, owner, at=at, type="deposit", asset="XBT", amount="1")
                for at in (BEFORE, INSIDE, AFTER)
            ],
            "TradesHistory": [books.add_trade(connection, owner, at=at, **trade) for at in (BEFORE, INSIDE, AFTER)],
            "ClosedOrders": [
                books.add_order(context, owner, BUY, status="closed", opened=at) for at in (BEFORE, INSIDE, AFTER)
            ],
        }


@pytest.mark.parametrize("call", LISTS)
def test_a_call_without_times_sees_what_is_inside(kraken, narrow, rows, call):
    result = kraken.signed(call, narrow).result
    assert list(result[LISTS[call]]) == [rows[call][1]]
    assert result["count"] == 1
    assert len(kraken.signed(call).result[LISTS[call]]) == 3


@pytest.mark.parametrize("call", LISTS)
@pytest.mark.parametrize(
    "times", [{"start": FROM - 1}, {"end": TO + 1}, {"start": TO + 1}, {"end": FROM - 1}, {"start": f"{FROM - 0.5}"}]
)
def test_a_call_that_reaches_outside_is_refused(kraken, narrow, call, times):
    assert kraken.signed(call, narrow, **times).error == OUTSIDE


@pytest.mark.parametrize("call", LISTS)
def test_a_row_outside_cannot_stand_for_a_time(kraken, narrow, rows, call):
    before, inside, _ = rows[call]
    assert kraken.signed(call, narrow, start=before).error == OUTSIDE
    assert list(kraken.signed(call, narrow, end=inside).result[LISTS[call]]) == [inside]


@pytest.mark.parametrize("call", FINDS)
def test_a_row_outside_is_refused_by_its_id(kraken, narrow, rows, call):
    of, field = FINDS[call]
    before, inside, after = rows[of]
    assert list(kraken.signed(call, narrow, **{field: inside}).result) == [inside]
    for outside in (before, after, f"{inside},{after}"):
        assert kraken.signed(call, narrow, **{field: outside}).error == OUTSIDE


def test_an_open_order_is_not_history(kraken, narrow):
    [txid] = kraken.signed("AddOrder", **BUY).result["txid"]
    assert kraken.signed("QueryOrders", narrow, txid=txid).result
    assert kraken.signed("OpenOrders", narrow).result["open"].keys() == {txid}


def test_an_export_reaches_no_further(kraken, narrow, rows):
    report = {"report": "ledgers", "description": "d"}
    assert kraken.signed("AddExport", narrow, starttm=FROM - 1, **report).error == OUTSIDE
    assert kraken.signed("AddExport", narrow, endtm=TO + 1, **report).error == OUTSIDE
    name = kraken.signed("AddExport", narrow, **report).result["id"]
    [shown] = kraken.signed("ExportStatus", narrow, report="ledgers").result
    assert (shown["datastarttm"], shown["dataendtm"]) == (str(FROM), str(TO))
    assert kraken.signed("RetrieveExport", narrow, id=name).status == 200
    wide = kraken.signed("AddExport", **report).result["id"]
    assert kraken.signed("RetrieveExport", narrow, id=wide).error == OUTSIDE


def test_the_error_is_a_switch(kraken, narrow):
    set_switch(kraken.sandbox, "query-window-error", "EGeneral:Permission denied")
    assert kraken.signed("Ledgers", narrow, start=1).error == "EGeneral:Permission denied"


@pytest.mark.parametrize("call", LISTS)
def test_whether_a_time_left_out_reaches_outside_is_a_switch(kraken, narrow, call):
    set_switch(kraken.sandbox, "query-window-open-end", "refuse")
    assert kraken.signed(call, narrow).error == OUTSIDE
    assert kraken.signed(call, narrow, start=FROM).error == OUTSIDE
    assert kraken.signed(call, narrow, end=TO).error == OUTSIDE
    assert kraken.signed(call, narrow, start=FROM, end=TO).result["count"] == 0
    assert kraken.signed(call).result["count"] == 0


moments = st.none() | st.integers(FROM - 5, TO + 5)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(start=moments, end=moments)
def test_nothing_outside_is_ever_shown(kraken, narrow, rows, start, end):
    with kraken.sandbox.database.write() as connection:
        connection.execute("UPDATE key SET counter = 0")
    asked = {field: at for field, at in (("start", start), ("end", end)) if at is not None}
    reply = kraken.signed("Ledgers", narrow, **asked)
    outside = any(not FROM <= at <= TO for at in asked.values())
    if outside:
        assert reply.error == OUTSIDE
    else:
        assert all(FROM <= entry["time"] <= TO for entry in reply.result["ledger"].values())


FUNDS = {
    "POST /0/private/DepositStatus": "deposits",
    "GET /funding/v1/deposits": "deposits",
    "POST /0/private/WithdrawStatus": "withdrawals",
    "GET /funding/v1/withdrawals": "withdrawals",
}


@pytest.fixture
def moved(kraken):
    """A deposit and a withdrawal before the window, at its first moment, at its last and after it; a narrow key."""
    with kraken.sandbox.database.write() as connection:
        context, owner = read_context(connection), accounts.known(connection, "acme").id
        bitcoin = rails.named("XXBT", "Bitcoin")
        made = funds.add_withdraw_address(connection, owner, name="cold", scope=bitcoin.id, address="bc1q")
        to = funds.known_address(connection, owner, made, bitcoin)
        quoted = funds.quote(bitcoin, Decimal("0.1"), fee_included=True)
        for at in (BEFORE, INSIDE, TO, AFTER):
            books.add_ledger(connection, owner, at=at, type="deposit", asset="XBT", amount="1")
            funds.withdraw(replace(context, now=at), owner, bitcoin, to, quoted)
    codes = ["query-funds", "withdraw-funds"]
    return seed.seed_website_key(kraken.sandbox, "acme", "narrow-funds", codes, query_from=FROM, query_to=TO)


def times(reply, name):
    body = reply.json
    rows = body[name] if name in body else body["result"]
    return {row["time"] if "time" in row else row["create_time"] for row in rows}


@pytest.mark.parametrize("endpoint", FUNDS)
def test_deposits_and_withdrawals_show_what_is_inside(kraken, moved, endpoint):
    master = (kraken.master.public_key, kraken.master.secret)
    wide, narrow = (times(kraken.at(endpoint, key), FUNDS[endpoint]) for key in (master, moved))
    ordered = sorted(wide)
    assert len(ordered) == 4
    assert sorted(narrow) == ordered[1:3]


@pytest.mark.parametrize("call", ["DepositStatus", "WithdrawStatus"])
def test_deposits_and_withdrawals_are_asked_for_inside_of_the_window_only(kraken, moved, call):
    for outside in ({"start": FROM - 1}, {"end": TO + 1}):
        assert kraken.signed(call, moved, **outside).error == OUTSIDE
    assert len(kraken.signed(call, moved, start=FROM, end=TO).result) == 2
    assert len(kraken.signed(call, moved, start=FROM + 1).result) == 1
    set_switch(kraken.sandbox, "query-window-open-end", "refuse")
    assert kraken.signed(call, moved).error == OUTSIDE


@pytest.mark.parametrize("name", ["deposits", "withdrawals"])
def test_a_call_that_can_name_no_time_is_one_with_open_ends(kraken, moved, name):
    set_switch(kraken.sandbox, "query-window-open-end", "refuse")
    assert kraken.at(f"GET /funding/v1/{name}", moved).error == OUTSIDE


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(opened=st.integers(FROM - 3, TO + 3), lasts=st.integers(0, 2000))
def test_an_order_is_seen_by_its_id_exactly_when_the_list_shows_it(kraken, narrow, opened, lasts):
    with kraken.sandbox.database.write() as connection:
        connection.execute("UPDATE key SET counter = 0")
        context, owner = read_context(connection), accounts.known(connection, "acme").id
        txid = books.add_order(context, owner, BUY, status="closed", opened=opened, closed=opened + lasts)
    listed = txid in kraken.signed("ClosedOrders", narrow).result["closed"]
    found = kraken.signed("QueryOrders", narrow, txid=txid).json["error"] == []
    assert found is listed
    with kraken.sandbox.database.write() as connection:
        connection.execute("DELETE FROM trade_order")
