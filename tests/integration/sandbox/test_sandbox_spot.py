"""Signed calls: signature, nonce, limits, expiry, addresses, and what the calls answer."""

from __future__ import annotations

import re

import pytest
from sandbox_caller import NOW, pair

from krakenctl.sandbox import clock
from krakenctl.sandbox.people import seed
from krakenctl.sandbox.switches import set_switch

INFO = "GetApiKeyInfo"


def test_a_key_describes_itself(kraken):
    info = kraken.signed(INFO, nonce=77).result
    assert len(info.pop("permissions")) == 13
    assert info == {
        "api_key_name": "master",
        "api_key": kraken.master.public_key,
        "nonce": "77",
        "nonce_window": 0,
        "iban": kraken.master.iiban,
        "valid_until": "0",
        "query_from": "0",
        "query_to": "0",
        "created_time": str(NOW),
        "modified_time": str(NOW),
        "ip_allowlist": [],
        "last_used": str(NOW),
    }
    assert re.fullmatch(r"AA\d\d( [A-Z0-9]{4}){3}", info["iban"])


def test_a_key_describes_itself_in_either_spelling(kraken):
    set_switch(kraken.sandbox, "key-info-spelling", "camel")
    set_switch(kraken.sandbox, "empty-allowlist", "blank")
    info = kraken.signed(INFO).result
    assert {"apiKeyName", "apiKey", "nonceWindow", "validUntil", "lastUsed", "iban"} <= info.keys()
    assert info["ipAllowlist"] == [""]


def test_forms_and_json_are_both_taken_and_the_query_string_is_signed(kraken):
    assert kraken.signed(INFO, as_json=True, nonce=5).result["nonce"] == "5"
    assert kraken.signed(INFO, as_json=True, nonce="6").result["nonce"] == "6"
    assert kraken.signed(INFO, query="cursor=x%20y", nonce=7).result
    unsigned = kraken.signed(INFO, environ={"QUERY_STRING": "account_id=z"}, nonce=8)
    assert unsigned.error == "EAPI:Invalid signature"


def test_a_nonce_must_rise(kraken):
    assert kraken.signed(INFO, nonce=100).result
    for nonce in (100, 99, 0):
        assert kraken.signed(INFO, nonce=nonce).error == "EAPI:Invalid nonce"
    assert kraken.signed(INFO, nonce=2**64 - 1).result["nonce"] == str(2**64 - 1)


@pytest.mark.parametrize("nonce", ["", "x", "-1", "1.5", "１", 2**64, "9" * 30, True, None, 1.0])
def test_what_is_no_unsigned_64_bit_number_is_no_nonce(kraken, nonce):
    assert kraken.signed(INFO, nonce="" if nonce is None else nonce, as_json=True).error == "EAPI:Invalid nonce"


def test_a_window_lets_late_nonces_in_but_none_twice(kraken):
    key = pair(kraken.issue("bot", nonce_window=10))
    assert kraken.signed(INFO, key, nonce=100).result
    assert kraken.signed(INFO, key, nonce=91).result["nonce"] == "100"
    assert kraken.signed(INFO, key, nonce=91).error == "EAPI:Invalid nonce"
    assert kraken.signed(INFO, key, nonce=90).error == "EAPI:Invalid nonce"
    set_switch(kraken.sandbox, "nonce-repeat-in-window", "accept")
    assert kraken.signed(INFO, key, nonce=91).result


def test_a_refused_call_has_still_spent_its_nonce(kraken):
    key = pair(kraken.issue("bot"))
    assert kraken.signed("Balance", key, nonce=50).error == "EGeneral:Permission denied"
    assert kraken.signed(INFO, key, nonce=50).error == "EAPI:Invalid nonce"


def test_balance_needs_query_funds(kraken):
    assert kraken.signed("Balance").result["ZUSD"] == "250000.0000"
    assert kraken.signed("Balance", pair(kraken.issue("bot", "funds_query"))).result


def test_an_unknown_method_is_named_as_such(kraken):
    for reply in (kraken.signed("MakeCoffee"), kraken.send("GET", "/0/public/MakeCoffee")):
        assert (reply.status, reply.error) == (200, "EGeneral:Unknown method")


def test_an_expired_key_is_refused_with_the_error_of_the_switch(kraken):
    key = pair(kraken.issue("bot", valid_until=NOW + 10))
    clock.advance(kraken.sandbox, 9)
    assert kraken.signed(INFO, key).result
    clock.advance(kraken.sandbox, 1)
    assert kraken.signed(INFO, key).error == "EAPI:Invalid key"
    set_switch(kraken.sandbox, "expired-key-error", "EAPI:Key expired")
    assert kraken.signed(INFO, key).error == "EAPI:Key expired"


@pytest.mark.parametrize(
    ("address", "let_in"),
    [
        ("203.0.113.10", True),
        ("::ffff:203.0.113.10", True),
        ("198.51.100.15", True),
        ("2001:db8::1", True),
        ("198.51.100.16", False),
        ("2001:db9::1", False),
        ("", False),
        ("nonsense", False),
    ],
)
def test_a_key_is_called_only_from_its_addresses(kraken, address, let_in):
    key = pair(kraken.issue("bot", ip_allowlist=["203.0.113.10", "198.51.100.0/28", "2001:db8::/32"]))
    reply = kraken.signed(INFO, key, environ={"REMOTE_ADDR": address, "HTTP_X_FORWARDED_FOR": "203.0.113.10"})
    assert reply.json["error"] == ([] if let_in else ["EAPI:Invalid key"])


def test_a_call_that_is_not_let_in_is_no_use_of_the_key(kraken):
    key = pair(kraken.issue("bot", ip_allowlist=["203.0.113.10"]))
    kraken.signed(INFO, key, nonce=9)
    [listed] = kraken.listed()
    assert (listed["last_used"], listed["nonce"]) == (0, 9)


def test_each_key_has_a_counter_that_decays(kraken):
    key = pair(kraken.issue("bot"))
    for _ in range(20):
        assert kraken.signed(INFO, key).result
    assert kraken.signed(INFO, key).error == "EAPI:Rate limit exceeded"
    assert kraken.signed(INFO).result
    clock.advance(kraken.sandbox, 2)
    answers = [kraken.signed(INFO, key).json["error"] for _ in range(3)]
    assert answers == [[], [], ["EAPI:Rate limit exceeded"]]


def test_lower_tiers_have_less_room(kraken):
    set_switch(kraken.sandbox, "tier", "starter")
    set_switch(kraken.sandbox, "refused-call-cost", "counted")
    answers = [kraken.signed(INFO).json["error"] for _ in range(17)]
    assert answers.count([]) == 15
    clock.advance(kraken.sandbox, 6)  # 1.98 of the 17 counted have decayed
    assert kraken.signed(INFO).error == "EAPI:Rate limit exceeded"


def test_failures_in_a_row_lock_the_account_for_a_while_and_trying_prolongs_it(kraken):
    for _ in range(5):
        assert kraken.signed(INFO, (kraken.master.public_key, "AAAA")).error == "EAPI:Invalid signature"
    assert kraken.signed(INFO).error == "EGeneral:Temporary lockout"
    clock.advance(kraken.sandbox, 899)
    assert kraken.signed(INFO).error == "EGeneral:Temporary lockout"
    clock.advance(kraken.sandbox, 899)
    assert kraken.signed(INFO).error == "EGeneral:Temporary lockout"
    clock.advance(kraken.sandbox, 900)
    assert kraken.signed(INFO).result


def test_a_locked_account_does_not_lock_another(kraken):
    other = seed.seed_account(kraken.sandbox, username="other", email="o@acme.example", master=False)
    for _ in range(6):
        kraken.signed(INFO, (kraken.master.public_key, "AAAA"))
    assert kraken.signed(INFO, (other.public_key, other.secret)).result


def test_unknown_keys_lock_the_address_they_come_from(kraken):
    for _ in range(5):
        assert kraken.signed(INFO, ("nobody", "AAAA")).error == "EAPI:Invalid key"
    assert kraken.signed(INFO).error == "EGeneral:Temporary lockout"
    assert kraken.signed(INFO, environ={"REMOTE_ADDR": "203.0.113.8"}).result


def test_a_good_call_ends_the_row_of_failures(kraken):
    for _ in range(3):
        for _ in range(4):
            kraken.signed(INFO, (kraken.master.public_key, "AAAA"))
        assert kraken.signed(INFO).result


def test_the_lockout_can_be_off(kraken):
    set_switch(kraken.sandbox, "lockout-threshold", "none")
    answers = {kraken.signed(INFO, ("nobody", "AAAA")).error for _ in range(9)}
    assert answers == {"EAPI:Invalid key"}


def test_a_body_that_is_neither_form_nor_object_is_a_bad_request_and_no_failure(kraken):
    for _ in range(9):
        assert kraken.send("POST", "/0/private/Balance", b"[1]").error == "EAPI:Bad request"
    assert kraken.signed(INFO).result


def test_the_lockout_can_be_one_of_addresses(kraken):
    set_switch(kraken.sandbox, "lockout-scope", "address")
    set_switch(kraken.sandbox, "lockout-restart", "no")
    set_switch(kraken.sandbox, "lockout-seconds", "60")
    for _ in range(5):
        kraken.signed(INFO, (kraken.master.public_key, "AAAA"))
    assert kraken.signed(INFO, environ={"REMOTE_ADDR": "203.0.113.8"}).result
    clock.advance(kraken.sandbox, 59)
    assert kraken.signed(INFO).error == "EGeneral:Temporary lockout"
    clock.advance(kraken.sandbox, 1)
    assert kraken.signed(INFO).result


def test_a_disallowed_address_can_have_an_error_of_its_own(kraken):
    set_switch(kraken.sandbox, "disallowed-ip-error", "EGeneral:Permission denied")
    key = pair(kraken.issue("bot", ip_allowlist=["203.0.113.10"]))
    assert kraken.signed(INFO, key).error == "EGeneral:Permission denied"


def test_an_error_comes_without_a_result_unless_the_switch_adds_one(kraken):
    assert kraken.signed(INFO, ("nobody", "AAAA")).json == {"error": ["EAPI:Invalid key"]}
    set_switch(kraken.sandbox, "error-result-object", "empty")
    assert kraken.signed(INFO, ("nobody", "AAAA")).json == {"error": ["EAPI:Invalid key"], "result": {}}


def test_the_time_is_the_sandboxs_own(kraken):
    clock.freeze(kraken.sandbox, 1616336594)
    assert kraken.send("GET", "/0/public/Time").result == {
        "unixtime": 1616336594,
        "rfc1123": "Sun, 21 Mar 21 14:23:14 +0000",
    }


@pytest.mark.parametrize("bar", [{"valid_until": NOW}, {"ip_allowlist": ["203.0.113.10"]}])
def test_a_key_that_is_past_its_end_or_called_from_elsewhere_fails_towards_the_lockout(kraken, bar):
    key = pair(kraken.issue("bot", **bar))
    for _ in range(5):
        assert kraken.signed(INFO, key).error == "EAPI:Invalid key"
    assert kraken.signed(INFO, key).error == "EGeneral:Temporary lockout"


def test_a_key_that_is_not_let_in_ends_no_row_of_failures(kraken):
    key = pair(kraken.issue("bot", ip_allowlist=["203.0.113.10"]))
    for _ in range(4):
        kraken.signed(INFO, (kraken.master.public_key, "AAAA"))
    kraken.signed(INFO, key)
    assert kraken.signed(INFO).error == "EGeneral:Temporary lockout"


@pytest.mark.parametrize(
    ("entry", "address", "let_in"),
    [
        ("::ffff:203.0.113.7", "203.0.113.7", True),
        ("::ffff:203.0.113.0/120", "203.0.113.255", True),
        ("::ffff:203.0.113.0/120", "203.0.114.0", False),
        ("::ffff:203.0.113.7", "::ffff:203.0.113.7", True),
    ],
)
def test_an_entry_may_spell_an_ipv4_address_as_ipv6_does(kraken, entry, address, let_in):
    key = pair(kraken.issue("bot", ip_allowlist=[entry]))
    assert (kraken.signed(INFO, key, environ={"REMOTE_ADDR": address}).json["error"] == []) is let_in


def test_the_nonce_before_a_window_was_widened_is_not_taken_again(kraken):
    key = pair(kraken.issue("bot"))
    assert kraken.signed(INFO, key, nonce=1000).result
    assert kraken.keys("PUT", {"api_key_name": "bot", "nonce_window": 5000}).result is True
    assert kraken.signed(INFO, key, nonce=1000).error == "EAPI:Invalid nonce"
    assert kraken.signed(INFO, key, nonce=999).result


def test_what_a_missing_permission_is_called_is_a_switch(kraken):
    set_switch(kraken.sandbox, "permission-error", "EAPI:Permission denied")
    [txid] = kraken.signed("AddOrder", pair="XBTUSD", type="buy", ordertype="limit", price="1", volume="1").result[
        "txid"
    ]
    key = pair(kraken.issue("bot", "trades_query_closed"))
    calls = {"Balance": {}, "QueryOrders": {"txid": txid}, "WithdrawCancel": {"asset": "XBT", "refid": "x"}}
    assert {kraken.signed(call, key, **given).error for call, given in calls.items()} == {"EAPI:Permission denied"}


def test_what_an_unknown_method_is_called_is_a_switch(kraken):
    set_switch(kraken.sandbox, "unknown-method-error", "EGeneral:Unknown Method")
    assert kraken.signed("MakeCoffee").error == "EGeneral:Unknown Method"


def test_the_order_of_permissions_is_a_switch(kraken):
    table = kraken.signed(INFO).result["permissions"]
    set_switch(kraken.sandbox, "permissions-order", "reversed")
    assert kraken.signed(INFO).result["permissions"] == table[::-1]


def test_the_last_use_may_lag(kraken):
    set_switch(kraken.sandbox, "last-used-every", "60")
    seen = []
    for _ in range(4):
        seen.append(int(kraken.signed(INFO).result["last_used"]) - NOW)
        clock.advance(kraken.sandbox, 30)
    assert seen == [0, 0, 60, 60]


def test_a_wallet_account_is_the_callers_own_or_refused(kraken):
    [wallet] = kraken.signed("ListWalletAccounts").result["accounts"]
    own, key = wallet["account_id"], (kraken.master.public_key, kraken.master.secret)
    assert kraken.signed("Balance", query=f"account_id={own}").result
    assert kraken.signed("Balance", account_id=own).result
    assert kraken.at("GET /funding/v1/networks", key, {"account_id": own}).json["networks"]
    other = "EGeneral:Invalid arguments:account_id"
    assert kraken.signed("Balance", query="account_id=WX6V-JUKW-KKPB-QE36").error == other
    assert kraken.signed("Balance", as_json=True, account_id=[own]).error == other
    assert kraken.at("GET /funding/v1/networks", key, {"account_id": "x"}).error == other
    assert kraken.at("PUT /funding/v1/deposit/address", key, {"account_id": "x"}).error == other
