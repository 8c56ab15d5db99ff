"""What an account owns and what any key may ask about itself."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sandbox_caller import NOW, pair

from krakenctl.sandbox import accounts, clock
from krakenctl.sandbox.money import books, markets
from krakenctl.sandbox.people import seed
from krakenctl.sandbox.switches import set_switch

INFO = "GetApiKeyInfo"
SELL = {"pair": "XBTUSD", "type": "sell", "ordertype": "limit", "price": "70000", "volume": "0.5"}


def trade(kraken, username="acme", *, at=NOW - 60, pair="XBTUSD", price="50000", vol="1"):
    with kraken.sandbox.database.write() as connection:
        owner = accounts.known(connection, username).id
        return books.add_trade(connection, owner, at=at, pair=pair, type="buy", price=price, vol=vol)


def test_the_extended_balance_shows_what_open_orders_hold(kraken):
    kraken.signed("AddOrder", **SELL)
    kraken.signed("AddOrder", **SELL | {"type": "buy", "price": "100", "volume": "2"})
    shown = kraken.signed("BalanceEx").result
    assert shown["XXBT"] == {"balance": "4.2500000000", "hold_trade": "0.5000000000"}
    assert shown["ZUSD"] == {"balance": "250000.0000", "hold_trade": "200.0000"}


def test_the_trade_balance_is_the_worth_of_everything(kraken):
    worth = Decimal("250000") + Decimal("4.25") * 60000 + Decimal("61.5") * 3000
    assert kraken.signed("TradeBalance").result["eb"] == f"{worth:.4f}"
    in_bitcoin = kraken.signed("TradeBalance", asset="XBT").result
    assert Decimal(in_bitcoin["eb"]) == (worth / 60000).quantize(Decimal("1e-10"), "ROUND_DOWN")
    assert kraken.signed("TradeBalance", asset="NOPE").error == "EGeneral:Invalid arguments:asset"


def test_there_are_no_credit_lines(kraken):
    lines = kraken.signed("CreditLines").result
    assert lines["asset_details"]["ZUSD"]["credit_limit"] == "0.0000"
    assert lines["limits_monitor"]["total_credit_usd"] == "0.0000"


def test_volume_counts_thirty_days(kraken):
    trade(kraken, at=NOW - 31 * 86400)
    trade(kraken)
    assert kraken.signed("TradeVolume").result["volume"] == "50000.0000"


def test_fees_follow_from_volume_and_are_shown_for_the_pairs_asked_for(kraken):
    assert "fees" not in kraken.signed("TradeVolume").result
    before = kraken.signed("TradeVolume", pair="XBTUSD,ETH/EUR").result
    trade(kraken)
    after = kraken.signed("TradeVolume", pair="XBTUSD").result
    assert before["fees"].keys() == before["fees_maker"].keys() == {"XXBTZUSD", "XETHZEUR"}
    assert before["fees"]["XXBTZUSD"]["nextfee"] == "0.3500"
    assert Decimal(after["fees"]["XXBTZUSD"]["fee"]) < Decimal(before["fees"]["XXBTZUSD"]["fee"])
    assert kraken.signed("TradeVolume", pair="NOPE").error == "EQuery:Unknown asset pair"


def test_the_highest_volume_has_no_next_fee(kraken):
    trade(kraken, price="1000000", vol="1")
    assert kraken.signed("TradeVolume", pair="XBTUSD").result["fees"]["XXBTZUSD"]["nextfee"] is None


def test_only_a_master_sees_its_sub_accounts_volumes(kraken):
    kraken.signed("CreateSubaccount", username="desk-2", email="two@acme.example")
    assert kraken.signed("TradeVolume").result["volume_subaccounts"] == []
    seed.authorise(kraken.sandbox, "desk-2")
    trade(kraken, "desk-2", price="10")
    [sub] = kraken.signed("TradeVolume").result["volume_subaccounts"]
    assert sub == {"iiban": accounts.known(kraken.sandbox.database.connection(), "desk-2").iiban, "volume": "10.0000"}
    own = seed.seed_website_key(kraken.sandbox, "desk-2", "own", ["query-funds"])
    assert "volume_subaccounts" not in kraken.signed("TradeVolume", own).result


def test_whether_sub_accounts_without_volume_show_is_a_switch(kraken):
    kraken.signed("CreateSubaccount", username="desk-2", email="two@acme.example")
    seed.authorise(kraken.sandbox, "desk-2")
    assert len(kraken.signed("TradeVolume").result["volume_subaccounts"]) == 1
    set_switch(kraken.sandbox, "volume-subaccounts", "traded")
    assert kraken.signed("TradeVolume").result["volume_subaccounts"] == []


def test_any_key_lists_the_one_wallet_account(kraken):
    key = pair(kraken.issue())
    first = kraken.signed("ListWalletAccounts", key).result
    assert first == kraken.signed("ListWalletAccounts").result
    assert [account["type"] for account in first["accounts"]] == ["main"]


def test_the_nonce_window_is_a_number_or_a_text(kraken):
    key = pair(kraken.issue(nonce_window=7))
    assert kraken.signed(INFO, key).result["nonce_window"] == 7
    set_switch(kraken.sandbox, "nonce-window-type", "text")
    assert kraken.signed(INFO, key).result["nonce_window"] == "7"


def test_whether_looking_at_a_key_is_a_use_of_it_is_a_switch(kraken):
    key = pair(kraken.issue("bot", "funds_query"))
    set_switch(kraken.sandbox, "key-info-touches-last-used", "no")
    assert kraken.signed(INFO, key).result["last_used"] is None
    kraken.signed("Balance", key)
    clock.advance(kraken.sandbox, 5)
    assert kraken.signed(INFO, key).result["last_used"] == str(NOW)
    set_switch(kraken.sandbox, "key-info-touches-last-used", "yes")
    assert kraken.signed(INFO, key).result["last_used"] == str(NOW + 5)


def test_a_websocket_token_is_new_each_time_and_good_for_a_quarter_of_an_hour(kraken):
    first, second = (kraken.signed("GetWebSocketsToken").result for _ in range(2))
    assert first["expires"] == 900
    assert first["token"] != second["token"]


def test_whether_a_fast_key_gets_a_websocket_token_is_a_switch(kraken):
    fast = pair(kraken.issue("bot", "funds_query"))
    website = seed.seed_website_key(kraken.sandbox, "acme", "person", ["query-funds"])
    assert kraken.signed("GetWebSocketsToken", fast).error == "EGeneral:Permission denied"
    set_switch(kraken.sandbox, "fast-key-websocket", "allowed")
    assert kraken.signed("GetWebSocketsToken", fast).result["token"]
    assert kraken.signed("GetWebSocketsToken", website).error == "EGeneral:Permission denied"
    assert kraken.signed("ListWalletAccounts", fast).result


@pytest.mark.parametrize("asset", ["ZUSD", "XXBT", "KFEE"])
def test_a_ledger_entry_moves_money_and_shows_the_balance_after_it(kraken, asset):
    with kraken.sandbox.database.write() as connection:
        owner = accounts.known(connection, "acme").id
        before = Decimal(accounts.balances(connection, owner).get(asset, "0"))
        entry = books.add_ledger(connection, owner, at=NOW, type="deposit", asset=asset, amount="10", fee="1.5")
    after = kraken.signed("Balance").result[asset]
    assert Decimal(after) == before + Decimal("8.5")
    assert kraken.signed("QueryLedgers", id=entry).result[entry]["balance"] == after


amounts = st.decimals(-1000, 1000, places=4)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(amounts, min_size=1, max_size=8))
def test_history_adds_up_and_leaves_the_balance_alone(kraken, changes):
    with kraken.sandbox.database.write() as connection:
        owner = accounts.known(connection, "acme").id
        connection.execute("DELETE FROM ledger")
        for at, amount in enumerate(changes):
            books.add_ledger(connection, owner, at=at, type="trade", asset="USD", amount=amount, moves=False)
        [newest, *_] = books.ledgers(connection, owner).values()
        assert Decimal(newest["balance"]) == sum(changes)
        assert accounts.balances(connection, owner)["ZUSD"] == "250000.0000"


@given(st.decimals(0, 10**12, places=10), st.decimals("0.01", 10**12, places=2))
def test_amounts_keep_their_decimals_however_absurd(volume, price):
    pair = markets.PAIRS["XXBTZUSD"]
    assert Decimal(pair.cost_text(volume * price)) >= 0
    assert abs(Decimal(pair.volume_text(volume)) - volume) < Decimal("1e-8")
