"""Funding (Beta) and its twins that Kraken's wallet app calls."""

from __future__ import annotations

from decimal import Decimal

import pytest

from krakenctl.sandbox import clock
from krakenctl.sandbox.money import rails
from krakenctl.sandbox.people import seed
from krakenctl.sandbox.switches import set_switch

BITCOIN = rails.named("XXBT", "Bitcoin")
ETHER = rails.named("XETH", "Ether (Hex)")
COLD = {
    "scope": {"method_id": BITCOIN.id},
    "address_details": {"crypto": {"address": "bc1qcold"}},
    "name": "cold",
}


@pytest.fixture
def call(kraken):
    """Calls an endpoint as the master key."""

    def send(endpoint, given=None, key=None):
        return kraken.at(endpoint, key or (kraken.master.public_key, kraken.master.secret), given)

    send.kraken = kraken
    return send


def payout(address_id, amount="1", **more):
    what = {"asset_amount": {"asset": {"class": "currency", "name": "XBT"}, "amount": amount}}
    return {"scope": {"method_id": BITCOIN.id}, "address_id": address_id, "amount": what} | more


def held(call, asset="XXBT"):
    return Decimal(call.kraken.signed("Balance").result[asset])


def saved(call, **changed):
    return call("POST /funding/v1/addresses", COLD | changed).json["address_id"]


def test_an_address_that_is_saved_is_verified_at_once_and_serves_the_legacy_calls_too(call):
    made = call("POST /funding/v1/addresses", COLD)
    assert made.json == {"address_id": made.json["address_id"], "verified": True}
    [shown] = call("GET /funding/v1/addresses").json["addresses"]
    assert (shown["name"], shown["scope"]) == ("cold", {"method_id": BITCOIN.id})
    assert call.kraken.signed("Withdraw", asset="XBT", key="cold", amount="1").result["refid"]


def test_answers_are_bare_or_in_the_envelope_by_a_switch(call):
    bare = call("GET /funding/v1/networks").json
    set_switch(call.kraken.sandbox, "funding-beta-answer", "envelope")
    assert call("GET /funding/v1/networks").json == {"error": [], "result": bare}


def test_the_nonce_is_a_header_and_the_signature_covers_the_query(call):
    endpoint = "GET /funding/v1/methods/withdraw"
    assert [m["method_id"] for m in call(endpoint, {"asset[class]": "currency", "asset[name]": "LTC"}).json["methods"]]
    bodied = call.kraken.send("GET", "/funding/v1/networks", HTTP_API_KEY=call.kraken.master.public_key)
    assert bodied.json["error"] == ["EAPI:Invalid nonce"]


def test_a_withdrawal_goes_to_a_saved_address_by_its_id(call):
    before, address = held(call), saved(call)
    made = call("POST /funding/v1/withdrawals", payout(address, expected_address="bc1qcold")).json
    gross, net, fee = (Decimal(made[p]["asset_amount"]["amount"]) for p in ("gross_amount", "net_amount", "fee"))
    assert net == 1
    assert gross == net + fee == before - held(call)
    [row] = call("GET /funding/v1/withdrawals", {"status": "pending"}).json["withdrawals"]
    assert (row["withdrawal_id"], row["address_id"]) == (made["withdrawal_id"], address)
    clock.advance(call.kraken.sandbox, 600)
    [row] = call("GET /funding/v1/withdrawals").json["withdrawals"]
    assert row["status"] == "success"


def test_with_the_fee_included_the_balance_loses_the_amount(call):
    before, address = held(call), saved(call)
    call("POST /funding/v1/withdrawals", payout(address, fee={"fee_included": True}))
    assert held(call) == before - 1


def test_a_quote_is_what_is_charged_and_its_token_lives_for_five_minutes(call):
    address = saved(call)
    quote = call(f"GET /funding/v1/fees/{BITCOIN.id}", {"amount": "1", "fee_included": "true"}).json
    fee = {"fee_included": True, "quoted_fee": {"token": quote["withdrawal_fee_token"]}}
    made = call("POST /funding/v1/withdrawals", payout(address, fee=fee)).json
    assert made["net_amount"]["asset_amount"] == quote["net_amount"]
    clock.advance(call.kraken.sandbox, 301)
    late = call("POST /funding/v1/withdrawals", payout(address, fee=fee))
    assert late.error == "EGeneral:Invalid arguments:withdrawal_fee_token"


def test_a_network_names_the_method_where_the_asset_has_only_one_there(call):
    evm = {"scope": {"network_group_id": rails.EVM.id}, "address_details": {"crypto": {"address": "0xabc"}}}
    address = call("POST /funding/v1/addresses", evm | {"name": "evm"}).json["address_id"]
    what = {"asset_amount": {"asset": {"class": "currency", "name": "ETH"}, "amount": "1"}}
    wish = {"scope": {"network_id": ETHER.network.id}, "address_id": address, "amount": what}
    assert call("POST /funding/v1/withdrawals", wish).json["withdrawal_id"]
    by_group = wish | {"scope": {"network_group_id": rails.EVM.id}}
    assert call("POST /funding/v1/withdrawals", by_group).error == "EFunding:No funding method"


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"address_id": "nowhere"}, "EFunding:Unknown withdraw key"),
        ({"address_id": []}, "EFunding:Unknown withdraw key"),
        ({"expected_address": "bc1qother"}, "EFunding:Invalid withdrawal address"),
        ({"scope": {"method_id": ETHER.id}}, "EFunding:No funding method"),
        ({"scope": {"method_id": BITCOIN.network.id}}, "EGeneral:Invalid arguments:scope"),
        ({"scope": {}}, "EGeneral:Invalid arguments:scope"),
        ({"scope": "x"}, "EGeneral:Invalid arguments:scope"),
        ({"amount": {}}, "EGeneral:Invalid arguments:asset_amount"),
        ({"fee": {"quoted_fee": {"token": "x"}}}, "EGeneral:Invalid arguments:withdrawal_fee_token"),
        ({"fee": {"current_fee": {"max_fee": {"asset_amount": {"amount": "0"}}}}}, "EFunding:Max fee exceeded"),
        ({"fee": {"current_fee": {"max_fee": {"asset_amount": {}}}}}, "EGeneral:Invalid arguments:max_fee"),
    ],
)
def test_a_withdrawal_that_cannot_be_takes_nothing(call, changed, error):
    before, address = held(call), saved(call)
    assert call("POST /funding/v1/withdrawals", payout(address) | changed).error == error
    assert held(call) == before


def test_addresses_are_listed_by_who_may_use_them(call):
    network, group = {"network_id": ETHER.network.id}, {"network_group_id": rails.EVM.id}
    for name, scope in (("method", {"method_id": ETHER.id}), ("network", network), ("group", group)):
        saved(call, name=name, scope=scope)

    def names(sort, scope):
        found = call("GET /funding/v1/addresses", {f"scope[{sort}]": scope}).json["addresses"]
        return {row["name"] for row in found}

    assert names("method_id", ETHER.id) == {"method", "network", "group"}
    assert names("network_id", ETHER.network.id) == {"network", "group"}
    assert names("network_group_id", rails.EVM.id) == {"group"}
    assert names("method_id", BITCOIN.id) == set()


def test_a_name_is_used_once(call):
    first, _ = saved(call), saved(call, name="other")
    assert call("POST /funding/v1/addresses", COLD).error == "EFunding:Duplicate withdraw key"
    rename = f"PUT /funding/v1/addresses/{first}"
    assert call(rename, {"name": "other"}).error == "EFunding:Duplicate withdraw key"
    assert call(rename, {"name": "cold", "description": "same"}).json == {"verified": True}


def test_an_address_is_renamed_and_deleted(call):
    address = saved(call)
    assert call(f"PUT /funding/v1/addresses/{address}", {"name": "colder"}).json == {"verified": True}
    assert call(f"PUT /funding/v1/addresses/{address}", {}).error == "EGeneral:Invalid arguments:name"
    assert call(f"PUT /funding/v1/addresses/{address}", {"name": " "}).error == "EGeneral:Invalid arguments:name"
    assert [row["name"] for row in call("GET /funding/v1/addresses").json["addresses"]] == ["colder"]
    assert call(f"DELETE /funding/v1/addresses/{address}").json == {"result": True}
    assert call("GET /funding/v1/addresses").json["addresses"] == []
    assert call(f"DELETE /funding/v1/addresses/{address}").error == "EFunding:Unknown withdraw key"


def test_nobody_reads_renames_or_deletes_the_addresses_of_another_account(call):
    other = seed.seed_account(call.kraken.sandbox, username="other", email="o@acme.example")
    key, address = (other.public_key, other.secret), saved(call)
    assert call("GET /funding/v1/addresses", key=key).json["addresses"] == []
    for endpoint in ("PUT", "DELETE"):
        reply = call(f"{endpoint} /funding/v1/addresses/{address}", {"name": "mine"}, key)
        assert reply.error == "EFunding:Unknown withdraw key"


@pytest.mark.parametrize("held_permission", ["add-withdraw-address", "update-withdraw-address"])
def test_which_permission_changes_an_address_is_a_switch(call, held_permission):
    address = saved(call)
    key = seed.seed_website_key(call.kraken.sandbox, "acme", "clerk", [held_permission])
    rename = f"PUT /funding/v1/addresses/{address}"
    assert call(rename, {"name": "a"}, key).json == {"verified": True}
    set_switch(call.kraken.sandbox, "address-update-permission", "update-withdraw-address")
    may = held_permission == "update-withdraw-address"
    assert (call(rename, {"name": "b"}, key).json == {"verified": True}) is may


def test_a_claimed_deposit_address_is_the_one_that_the_legacy_call_shows(call):
    made = call("PUT /funding/v1/deposit/address", {"method_id": BITCOIN.id}).json
    address = made["address_details"]["crypto"]["address"]
    [row] = call("GET /funding/v2/deposit/addresses", {"scope[method_id]": BITCOIN.id}).json["addresses"]
    assert row["address_details"]["crypto"]["address"] == address
    assert call("GET /funding/v2/deposit/addresses", {"scope[method_id]": ETHER.id}).json["addresses"] == []
    [legacy] = call.kraken.signed("DepositAddresses", asset="XBT", method="Bitcoin").result
    assert legacy["address"] == address
    fiat = rails.named("ZEUR", "SEPA")
    assert call("PUT /funding/v1/deposit/address", {"method_id": fiat.id}).error == "EFunding:No funding method"


def test_a_direction_an_asset_or_a_method_that_is_not_there_is_refused(call):
    assert call("GET /funding/v1/assets/sideways").error == "EGeneral:Invalid arguments:direction"
    assert call("GET /funding/v1/limits/withdrawal/currency/NOPE").error == "EFunding:Unknown asset"
    assert call("GET /funding/v1/limits/deposit/tokenized_asset/XBT").error == "EFunding:Unknown asset"
    assert call("GET /funding/v1/fees/none", {"amount": "1"}).error == "EFunding:No funding method"


def test_pages_follow_one_another(call):
    first = call("GET /funding/v1/methods/deposit", {"limit": "10"}).json
    second = call("GET /funding/v1/methods/deposit", {"limit": "10", "cursor": first["next_cursor"]}).json
    ids = [row["method_id"] for row in first["methods"] + second["methods"]]
    assert ids == [method.id for method in rails.METHODS]
    assert "next_cursor" not in second


def test_the_wallet_app_saves_an_address_pays_to_it_and_deletes_it(kraken):
    crypto = {"address": "bc1qapp", "type": "crypto"}
    made = kraken.signed("CreateFundingAddress", as_json=True, network_id=BITCOIN.network.id, address=crypto).result
    assert made["verified"] is True
    [shown] = kraken.signed("ListFundingAddresses").result["items"]
    assert (shown["id"], shown["address"]) == (made["id"], "bc1qapp")
    quote = kraken.signed("WithdrawFee", asset="XBT", amount="1", method="Bitcoin", asset_class="currency").result
    assert Decimal(quote["total"]) == Decimal(quote["net"]) + Decimal(quote["fee"])
    wish = {"method_id": BITCOIN.id, "address_id": made["id"], "fee_token": quote["fee_token"], "fee_included": False}
    paid = kraken.signed("CreateFundingWithdrawal", as_json=True, **wish, amount={"amount": "1", "asset": "XBT"}).result
    assert paid["fee"]["amount"] == quote["fee"]
    assert kraken.signed("DeleteFundingAddress", as_json=True, id=made["id"]).result is True
    assert kraken.signed("ListFundingAddresses").result["items"] == []


@pytest.mark.parametrize(
    ("call_name", "given", "error"),
    [
        ("CreateFundingAddress", {"network_id": "x"}, "EGeneral:Invalid arguments:network_id"),
        ("CreateFundingAddress", {"network_id": BITCOIN.network.id}, "EGeneral:Invalid arguments:address"),
        ("CreateFundingWithdrawal", {}, "EGeneral:Invalid arguments:amount"),
        ("CreateFundingWithdrawal", {"amount": {"asset": "XBT", "amount": "1"}}, "EFunding:No funding method"),
        ("WithdrawFee", {"asset": "XBT", "amount": "1"}, "EFunding:No funding method"),
        ("DeleteFundingAddress", {"id": 5}, "EFunding:Unknown withdraw key"),
    ],
)
def test_what_the_wallet_app_cannot_do_is_refused(kraken, call_name, given, error):
    assert kraken.signed(call_name, as_json=True, **given).error == error


@pytest.mark.parametrize("codes", [["add-withdraw-address"], ["update-withdraw-address"]])
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_whoever_runs_the_sandbox_is_told_which_permission_changed_an_address(call, method, codes):
    key = seed.seed_website_key(call.kraken.sandbox, "acme", "clerk", codes)
    assert (
        call(f"{method} /funding/v1/addresses/{saved(call)}", {"name": "b"} if method == "PUT" else {}, key).status
        == 200
    )
    assert call.kraken.errors.getvalue() == f"sandbox: {method} of a withdrawal address, by {codes[0]}\n"


def test_a_change_of_an_address_that_is_refused_is_not_told(call):
    call("DELETE /funding/v1/addresses/none")
    assert call.kraken.errors.getvalue() == ""
