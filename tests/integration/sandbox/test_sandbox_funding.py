"""Deposits, withdrawals and wallet transfers of the legacy funding calls."""

from __future__ import annotations

from decimal import Decimal

import pytest

from krakenctl.model.permission import ALL
from krakenctl.sandbox import accounts, clock
from krakenctl.sandbox.money import funds, markets, rails
from krakenctl.sandbox.money.books import add_ledger
from krakenctl.sandbox.people import seed
from krakenctl.sandbox.switches import set_switch

BITCOIN = rails.named("XXBT", "Bitcoin")
OUT = {"asset": "XBT", "key": "cold", "amount": "1.5"}


@pytest.fixture
def saved(kraken):
    """A sandbox whose account has a saved address, `cold`, for Bitcoin."""
    with kraken.sandbox.database.write() as connection:
        acme = accounts.known(connection, "acme")
        funds.add_withdraw_address(connection, acme.id, name="cold", scope=BITCOIN.id, address="bc1qcold")
    return kraken


def held(kraken, asset="XXBT"):
    return Decimal(kraken.signed("Balance").result[asset])


def key_with(kraken, *permissions):
    return seed.seed_website_key(kraken.sandbox, "acme", "-".join(permissions) or "none", permissions)


def test_every_method_is_of_a_listed_asset_and_every_asset_has_one():
    assert {method.asset for method in rails.METHODS} == set(markets.ASSETS)


def test_a_withdrawal_takes_its_amount_at_once_and_pays_its_fee_out_of_it(saved):
    before = held(saved)
    refid = saved.signed("Withdraw", **OUT).result["refid"]
    assert held(saved) == before - Decimal("1.5")
    [row] = saved.signed("WithdrawStatus").result
    assert (row["refid"], row["status"], row["info"]) == (refid, "Pending", "bc1qcold")
    assert Decimal(row["amount"]) + Decimal(row["fee"]) == Decimal("1.5")
    [entry] = saved.signed("Ledgers", type="withdrawal").result["ledger"].values()
    assert (entry["refid"], Decimal(entry["balance"])) == (refid, held(saved))


def test_what_withdraw_info_says_is_what_a_withdrawal_does(saved):
    info = saved.signed("WithdrawInfo", **OUT).result
    saved.signed("Withdraw", **OUT)
    [row] = saved.signed("WithdrawStatus").result
    assert (info["amount"], info["fee"]) == (row["amount"], row["fee"])


def test_a_withdrawal_has_been_sent_after_some_minutes(saved):
    saved.signed("Withdraw", **OUT)
    clock.advance(saved.sandbox, 600)
    [row] = saved.signed("WithdrawStatus").result
    assert (row["status"], len(row["txid"])) == ("Success", 64)


def test_a_withdrawal_that_has_not_been_sent_can_be_cancelled(saved):
    before = held(saved)
    refid = saved.signed("Withdraw", **OUT).result["refid"]
    assert saved.signed("WithdrawCancel", asset="XBT", refid=refid).result is True
    assert held(saved) == before
    [row] = saved.signed("WithdrawStatus").result
    assert (row["status"], row["status-prop"]) == ("Failure", "canceled")
    assert saved.signed("WithdrawCancel", asset="XBT", refid=refid).result is False
    assert held(saved) == before


def test_a_withdrawal_that_has_been_sent_stays_sent(saved):
    refid = saved.signed("Withdraw", **OUT).result["refid"]
    after = held(saved)
    clock.advance(saved.sandbox, 600)
    assert saved.signed("WithdrawCancel", asset="XBT", refid=refid).result is False
    assert held(saved) == after


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"key": "nowhere"}, "EFunding:Unknown withdraw key"),
        ({"asset": "ETH"}, "EFunding:Unknown withdraw key"),
        ({"asset": "NOPE"}, "EFunding:Unknown asset"),
        ({"aclass": "tokenized_asset"}, "EFunding:Unknown asset"),
        ({"key": ""}, "EGeneral:Invalid arguments:key"),
        ({"amount": ""}, "EGeneral:Invalid arguments:amount"),
        ({"amount": "0"}, "EFunding:Invalid amount"),
        ({"amount": "-1"}, "EFunding:Invalid amount"),
        ({"amount": "NaN"}, "EFunding:Invalid amount"),
        ({"amount": "1.00000000001"}, "EFunding:Invalid amount"),
        ({"amount": "0.0001"}, "EFunding:Invalid amount"),
        ({"amount": "1000000"}, "EFunding:Invalid amount"),
        ({"address": "bc1qother"}, "EFunding:Invalid withdrawal address"),
        ({"max_fee": "0.00001"}, "EFunding:Max fee exceeded"),
        ({"max_fee": "cheap"}, "EGeneral:Invalid arguments:max_fee"),
    ],
)
def test_a_withdrawal_that_cannot_be_takes_nothing(saved, changed, error):
    before = held(saved)
    assert saved.signed("Withdraw", **OUT | changed).error == error
    assert held(saved) == before
    assert saved.signed("WithdrawStatus").result == []


def test_the_error_of_an_empty_pocket_is_a_switch(saved):
    set_switch(saved.sandbox, "insufficient-funds-error", "EFunding:Insufficient funds")
    assert saved.signed("Withdraw", **OUT | {"amount": "1000000"}).error == "EFunding:Insufficient funds"


def test_cancelling_needs_withdraw_unless_it_is_a_wallet_transfer(saved):
    reader, payer = key_with(saved, "query-funds"), key_with(saved, "withdraw-funds")
    refid = saved.signed("Withdraw", payer, **OUT).result["refid"]
    moved = saved.signed(
        "WalletTransfer", reader, **{"asset": "XBT", "from": "Spot Wallet", "to": "Futures Wallet", "amount": "1"}
    ).result["refid"]
    assert saved.signed("WithdrawCancel", reader, asset="XBT", refid=refid).error == "EGeneral:Permission denied"
    assert saved.signed("WithdrawCancel", reader, asset="XBT", refid="FT").error == "EGeneral:Permission denied"
    assert saved.signed("WithdrawCancel", reader, asset="XBT", refid=moved).result is True
    assert saved.signed("WithdrawCancel", payer, asset="XBT", refid="FT").error == "EFunding:Unknown reference id"
    assert saved.signed("WithdrawCancel", payer, asset="ETH", refid=refid).error == "EFunding:Unknown reference id"
    assert saved.signed("WithdrawCancel", payer, asset="XBT", refid=refid).result is True


def test_a_key_that_only_queries_funds_moves_them_to_the_futures_wallet(kraken):
    before, reader = held(kraken), key_with(kraken, "query-funds")
    move = {"asset": "XBT", "from": "Spot Wallet", "to": "Futures Wallet", "amount": "1"}
    assert kraken.signed("WalletTransfer", reader, **move).result.keys() == {"refid"}
    assert held(kraken) == before - 1
    back = move | {"from": "Futures Wallet", "to": "Spot Wallet"}
    assert kraken.signed("WalletTransfer", reader, **back).error == "EGeneral:Invalid arguments:from"


def test_nobody_sees_or_cancels_what_another_account_withdraws(saved):
    other = seed.seed_account(saved.sandbox, username="other", email="o@acme.example")
    key = (other.public_key, other.secret)
    refid = saved.signed("Withdraw", **OUT).result["refid"]
    assert saved.signed("WithdrawStatus", key).result == []
    assert saved.signed("WithdrawAddresses", key).result == []
    assert saved.signed("WithdrawCancel", key, asset="XBT", refid=refid).error == "EFunding:Unknown reference id"


def test_a_new_deposit_address_is_made_and_kept(kraken):
    wanted = {"asset": "XBT", "method": "Bitcoin"}
    assert kraken.signed("DepositAddresses", **wanted).result == []
    [made] = kraken.signed("DepositAddresses", **wanted, new="true").result
    assert made["new"] is True
    assert [row["address"] for row in kraken.signed("DepositAddresses", **wanted).result] == [made["address"]]


def test_an_account_has_only_so_many_deposit_addresses_for_a_method(kraken):
    set_switch(kraken.sandbox, "deposit-addresses-most", "2")
    new = {"asset": "XRP", "method": "Ripple XRP", "new": True}
    tags = {kraken.signed("DepositAddresses", as_json=True, **new).result[0]["tag"] for _ in range(2)}
    assert len(tags) == 2
    assert kraken.signed("DepositAddresses", as_json=True, **new).error == "EFunding:Too many addresses"


def test_a_method_is_asked_for_by_its_asset_and_name(kraken):
    assert kraken.signed("DepositAddresses", asset="XBT", method="Solana").error == "EFunding:No funding method"
    assert kraken.signed("DepositAddresses", asset="XBT").error == "EGeneral:Invalid arguments:method"
    [euro] = kraken.signed("DepositMethods", asset="EUR").result
    assert euro["gen-address"] is False
    names = [row["method"] for row in kraken.signed("WithdrawMethods", network="Ethereum").result]
    assert names == ["Ether (Hex)", "Tether USD (ERC20)", "USDC"]


def test_an_address_for_a_network_group_serves_every_method_on_its_networks(kraken):
    with kraken.sandbox.database.write() as connection:
        acme = accounts.known(connection, "acme")
        funds.add_withdraw_address(connection, acme.id, name="evm", scope=rails.EVM.id, address="0xabc")
    rows = kraken.signed("WithdrawAddresses", key="evm").result
    assert {row["asset"] for row in rows} == {"XETH", "USDT", "USDC"}
    assert {row["key"] for row in rows} == {"evm"}
    assert kraken.signed("WithdrawAddresses", method="Bitcoin").result == []
    assert kraken.signed("WithdrawAddresses", verified="false").result == []


def test_what_the_ledger_says_came_in_is_a_deposit(kraken):
    with kraken.sandbox.database.write() as connection:
        acme = accounts.known(connection, "acme")
        for number in range(3):
            add_ledger(
                connection, acme.id, at=1000 + number, type="deposit", asset="XBT", amount="1", refid=f"R{number}"
            )
    assert [row["refid"] for row in kraken.signed("DepositStatus").result] == ["R2", "R1", "R0"]
    assert [row["refid"] for row in kraken.signed("DepositStatus", start=1001, end="1001").result] == ["R1"]
    assert kraken.signed("DepositStatus", asset="ETH").result == []


def test_pages_follow_one_another(kraken):
    with kraken.sandbox.database.write() as connection:
        acme = accounts.known(connection, "acme")
        for number in range(3):
            add_ledger(
                connection, acme.id, at=1000 + number, type="deposit", asset="XBT", amount="1", refid=f"R{number}"
            )
    first = kraken.signed("DepositStatus", cursor="true", limit=2).result
    assert [row["refid"] for row in first["deposits"]] == ["R2", "R1"]
    second = kraken.signed("DepositStatus", cursor=first["next_cursor"], limit=2).result
    assert [row["refid"] for row in second["deposits"]] == ["R0"]
    assert "next_cursor" not in second
    assert kraken.signed("DepositStatus", cursor="elsewhere").error == "EGeneral:Invalid arguments:cursor"


@pytest.mark.parametrize("call", ["Withdraw", "WithdrawInfo", "WithdrawCancel", "WalletTransfer", "DepositAddresses"])
@pytest.mark.parametrize("junk", [None, [], {}, 1e400, "\ud800", "9" * 400, True])
def test_junk_is_refused_and_moves_nothing(saved, call, junk):
    fields = ("asset", "key", "amount", "refid", "from", "to", "method", "max_fee")
    before = held(saved)
    for field in fields:
        good = {"asset": "XBT", "key": "cold", "amount": "1", "refid": "X", "method": "Bitcoin"}
        assert "error" in saved.signed(call, as_json=True, **good | {field: junk}).json
        clock.advance(saved.sandbox, 2)
    assert held(saved) <= before


def test_the_master_key_of_these_tests_may_do_everything(kraken):
    assert set(kraken.signed("GetApiKeyInfo").result["permissions"]) == set(ALL)


def test_by_the_guide_cancelling_always_needs_withdraw(saved):
    reader = key_with(saved, "query-funds")
    wallets = {"from": "Spot Wallet", "to": "Futures Wallet"}
    refid = saved.signed("WalletTransfer", reader, asset="XBT", amount="1", **wallets).result["refid"]
    set_switch(saved.sandbox, "permissions-by", "guide")
    assert saved.signed("WithdrawCancel", reader, asset="XBT", refid=refid).error == "EGeneral:Permission denied"
    assert saved.signed("WithdrawCancel", asset="XBT", refid=refid).result is True
