"""Trades, positions and ledger entries: found, filtered, paged."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sandbox_caller import NOW

from krakenctl.sandbox import accounts
from krakenctl.sandbox.money import books
from krakenctl.sandbox.people import seed

BAD = "EGeneral:Invalid arguments:"


def deposit(kraken, at=NOW, **more):
    fields = {"type": "deposit", "asset": "XBT", "amount": "0.5"} | more
    with kraken.sandbox.database.write() as connection:
        return books.add_ledger(connection, accounts.known(connection, "acme").id, at=at, **fields)


def trade(kraken, at=NOW, **more):
    fields = {"pair": "XBTUSD", "type": "buy", "price": "30010", "vol": "0.02"} | more
    with kraken.sandbox.database.write() as connection:
        return books.add_trade(connection, accounts.known(connection, "acme").id, at=at, **fields)


def listed(kraken, **filters):
    return list(kraken.signed("Ledgers", **filters).result["ledger"])


def test_a_ledger_entry_is_shown_as_it_was_written(kraken):
    name = deposit(kraken, at=NOW - 5.5, fee="0.1", refid="QX")
    assert kraken.signed("Ledgers").result == {
        "ledger": {
            name: {
                "refid": "QX",
                "time": NOW - 5.5,
                "type": "deposit",
                "subtype": "",
                "aclass": "currency",
                "asset": "XXBT",
                "amount": "0.5000000000",
                "fee": "0.1000000000",
                "balance": "4.6500000000",
            }
        },
        "count": 1,
    }


def test_a_start_is_exclusive_and_an_end_inclusive(kraken):
    names = [deposit(kraken, at) for at in (100, 200, 300)]
    assert listed(kraken, start=100, end=300) == [names[2], names[1]]
    assert listed(kraken, start="100.5", end="299.9") == [names[1]]
    assert listed(kraken, start=names[1]) == [names[2]]
    assert listed(kraken, end=names[1]) == [names[1], names[0]]
    assert kraken.signed("Ledgers", start="LNOPE").error == BAD + "start"


def test_entries_are_filtered_by_type_and_by_any_name_of_an_asset(kraken):
    coins, money = deposit(kraken), deposit(kraken, type="trade", asset="USD", amount="-7")
    assert listed(kraken, type="trade") == [money]
    assert listed(kraken, asset="BTC") == [coins]
    assert listed(kraken, asset="XXBT,ZUSD") == [money, coins]
    assert listed(kraken, asset="all") == [money, coins]
    assert listed(kraken, asset="EUR") == []
    assert kraken.signed("Ledgers", type="wish").error == BAD + "type"


def test_fifty_come_at_a_time_and_the_count_is_of_all(kraken):
    names = [deposit(kraken, at) for at in range(1, 61)]
    first = kraken.signed("Ledgers").result
    assert list(first["ledger"]) == names[:9:-1]
    assert first["count"] == 60
    rest = kraken.signed("Ledgers", ofs=50, without_count=True).result
    assert list(rest["ledger"]) == names[9::-1]
    assert "count" not in rest


def test_entries_and_trades_are_found_by_id(kraken):
    entry, made = deposit(kraken), trade(kraken)
    assert kraken.signed("QueryLedgers", id=entry).result.keys() == {entry}
    assert kraken.signed("QueryTrades", txid=f"{made},{trade(kraken)}").result.keys() >= {made}
    assert kraken.signed("QueryLedgers", id="LNOPE").error == BAD + "id"
    assert kraken.signed("QueryTrades").error == BAD + "txid"
    assert kraken.signed("QueryTrades", txid=",".join(f"T{n}" for n in range(21))).error == BAD + "txid"


def test_trades_belong_to_no_position(kraken):
    made = trade(kraken)
    for sort, expected in {"all": {made}, "no position": {made}, "closed position": set()}.items():
        assert kraken.signed("TradesHistory", type=sort).result["trades"].keys() == expected
    assert kraken.signed("OpenPositions").result == {}
    assert kraken.signed("OpenPositions", txid=made).error == "EOrder:Unknown position"


def test_a_trade_shows_its_ledger_entries_when_asked(kraken):
    made = trade(kraken)
    entry = deposit(kraken, type="trade", refid=made)
    assert kraken.signed("TradesHistory", ledgers=True).result["trades"][made]["ledgers"] == [entry]
    assert "ledgers" not in kraken.signed("TradesHistory").result["trades"][made]


def test_nobody_sees_anothers_books(kraken):
    entry, made = deposit(kraken), trade(kraken)
    seed.seed_account(kraken.sandbox, username="rival", email="desk@rival.example")
    rival = seed.seed_website_key(kraken.sandbox, "rival", "all", ["query-ledger", "query-closed-trades"])
    assert kraken.signed("Ledgers", rival).result == {"ledger": {}, "count": 0}
    assert kraken.signed("TradesHistory", rival).result == {"trades": {}, "count": 0}
    assert kraken.signed("QueryLedgers", rival, id=entry).error == BAD + "id"
    assert kraken.signed("QueryTrades", rival, txid=made).error == BAD + "txid"


@pytest.mark.parametrize("call", ["Ledgers", "TradesHistory", "ClosedOrders"])
@pytest.mark.parametrize("field", ["start", "end", "ofs", "without_count"])
@pytest.mark.parametrize("value", ["\ud800", [], {"a": 1}, True, -1, "x" * 999])
def test_a_filter_that_is_none_is_named(kraken, call, field, value):
    reply = kraken.signed(call, as_json=True, **{field: value})
    assert reply.status == 200
    if (field, value) != ("without_count", True):
        assert reply.error == BAD + field


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
@given(st.lists(st.integers(1, 9), max_size=70), st.integers(0, 9), st.integers(0, 9))
def test_pages_put_together_are_all_that_the_time_holds(kraken, times, start, end):
    with kraken.sandbox.database.write() as connection:
        connection.execute("DELETE FROM ledger")
        connection.execute("UPDATE key SET counter = 0")
    for at in times:
        deposit(kraken, at)
    pages = [kraken.signed("Ledgers", start=start, end=end, ofs=ofs).result for ofs in (0, 50, 100)]
    found = [entry["time"] for page in pages for entry in page["ledger"].values()]
    assert found == sorted((at for at in times if start < at <= end), reverse=True)
    assert {page["count"] for page in pages} == {len(found)}


@pytest.mark.parametrize(("call", "make"), [("Ledgers", deposit), ("TradesHistory", trade)])
def test_a_page_reads_fifty_rows_however_many_there_are(kraken, monkeypatch, call, make):
    for number in range(70):
        make(kraken, at=number)
    read = []
    loads = books.json.loads
    monkeypatch.setattr(
        books, "json", SimpleNamespace(dumps=books.json.dumps, loads=lambda text: read.append(text) or loads(text))
    )
    assert kraken.signed(call).result["count"] == 70
    assert len(read) == 50
