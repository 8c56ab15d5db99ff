"""Create, update, delete and list, as a client with a token meets them."""

from __future__ import annotations

import base64

import pytest
from sandbox_browser import Browser, add_client, token
from sandbox_caller import NOW, pair

from krakenctl.model.permission import ALL
from krakenctl.model.time import show_time
from krakenctl.sandbox import clock
from krakenctl.sandbox.connect.scopes import MULTIPLE, WRITE
from krakenctl.sandbox.people import seed
from krakenctl.sandbox.switches import set_switch


def test_the_secret_is_in_the_create_answer_and_nowhere_else(kraken):
    issued = kraken.issue("bot", "funds_query")
    assert len(issued["api_key"]) == 56
    assert len(base64.b64decode(issued["secret"], validate=True)) == 64
    [listed] = kraken.listed()
    assert {"secret", "api_key"}.isdisjoint(listed)
    assert issued["secret"] not in kraken.keys("GET").body.decode()
    info = kraken.signed("GetApiKeyInfo", pair(issued))
    assert issued["secret"] not in info.body.decode()


def test_a_key_is_listed_as_it_was_asked_for(kraken):
    asked = {
        "ip_allowlist": ["203.0.113.10", "198.51.100.0/28", "2001:db8::/32"],
        "nonce_window": 5000,
        "query_from": 10,
        "query_to": 20,
        "valid_until": NOW + 60,
    }
    kraken.issue("ci-bot-prod", "trades_modify", "trades_close", **asked)
    [listed] = kraken.listed()
    permissions = listed.pop("permissions")
    assert [flag for flag, on in permissions.items() if on] == ["trades_modify", "trades_close"]
    assert len(permissions) == 10
    assert listed == asked | {
        "api_key_name": "ci-bot-prod",
        "id": "Y2ktYm90LXByb2Q-",
        "created_time": str(NOW),
        "modified_time": str(NOW),
        "last_used": 0,
        "nonce": 0,
        "oauth_client": "krakenctl-sandbox",
        "purpose": "standard",
    }


@pytest.mark.parametrize(("name", "encoded"), {"a": "YQ--", ">>>": "Pj4_", "???": "Pz8,", "my key": "bXkga2V5"}.items())
def test_a_keys_id_is_its_name_in_krakens_base64(kraken, name, encoded):
    assert kraken.issue(name)["id"] == encoded


def test_an_issued_key_signs_and_holds_exactly_the_permissions_asked_for(kraken):
    issued = kraken.issue("bot", "funds_query", "export_data")
    assert kraken.signed("GetApiKeyInfo", pair(issued)).result["permissions"] == ["query-funds", "export-data"]


def test_null_means_no_restriction_as_krakens_own_wallet_sends_it(kraken):
    issued = kraken.issue("w" * 32, ip_allowlist=None, nonce_window=None, query_from=0, query_to=None, valid_until=0)
    assert (issued["ip_allowlist"], issued["nonce_window"], issued["valid_until"]) == ([], 0, 0)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("api_key_name", ""),
        ("api_key_name", "x" * 33),
        ("api_key_name", 7),
        ("api_key_name", None),
        ("api_key_name", "\ud800"),
        ("nonce_window", -1),
        ("nonce_window", True),
        ("nonce_window", "5"),
        ("nonce_window", 2**63),
        ("valid_until", 1.5),
        ("valid_until", 1e999),
        ("query_from", []),
        ("query_to", 1e300),
        ("ip_allowlist", "203.0.113.1"),
        ("ip_allowlist", [""]),
        ("ip_allowlist", ["203.0.113.256"]),
        ("ip_allowlist", ["203.0.113.1/33"]),
        ("ip_allowlist", ["203.0.113.1/28"]),
        ("ip_allowlist", ["203.0.113.0/255.255.255.0"]),
        ("ip_allowlist", ["fe80::1%eth0"]),
        ("ip_allowlist", [3232235777]),
        ("permissions", None),
        ("permissions", ["funds_query"]),
        ("permissions", {"funds_query": 1}),
        ("permissions", {"funds_query": "true"}),
        ("permissions", {"create_ws_token": True}),
        ("permissions", {"withdrawal_address_add": False}),
        ("colour", "red"),
    ],
)
def test_a_bad_field_is_named_and_nothing_is_made(kraken, field, value):
    body = {"api_key_name": "bot"} | {field: value}
    if value == 1e999:
        body = b'{"api_key_name": "bot", "valid_until": 1e999}'
    assert kraken.keys("POST", body).error == f"EGeneral:Invalid arguments:{field}"
    assert kraken.listed() == []


def test_a_query_window_that_ends_before_it_begins_is_refused(kraken):
    body = {"api_key_name": "bot", "query_from": 20, "query_to": 10}
    assert kraken.keys("POST", body).error == "EGeneral:Invalid arguments:query_to"


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"api_key_name": NaN}', b"\xff", b'{"a":1,"a":2}', b"[" * 9999])
def test_what_is_no_json_object_is_a_bad_request(kraken, body):
    assert kraken.keys("POST", body).error == "EAPI:Bad request"


def test_a_name_is_unique_in_its_account_even_beside_website_keys(kraken):
    kraken.issue("bot")
    seed.seed_website_key(kraken.sandbox, "acme", "by-hand", ["query-funds"])
    for name in ("bot", "by-hand"):
        assert kraken.keys("POST", {"api_key_name": name}).error == "EGeneral:Invalid arguments:api_key_name"
    other = seed.seed_account(kraken.sandbox, username="other", email="o@acme.example", master=False)
    assert kraken.issue("bot", token=other.token["access_token"])


def test_a_full_account_has_no_room_for_another_key(kraken):
    set_switch(kraken.sandbox, "keys-per-account", "2")  # the master key of the fixture is the first
    kraken.issue("one")
    assert kraken.keys("POST", {"api_key_name": "two"}).error == "EAccount:Too many API keys"
    assert kraken.keys("DELETE", {"api_key_name": "one"}).result is True
    kraken.issue("two")


@pytest.mark.parametrize(("switch", "own", "fits"), [("1", 2, True), ("9", 1, False), ("none", 1, False)])
def test_an_accounts_own_limit_comes_before_the_switch(kraken, switch, own, fits):
    set_switch(kraken.sandbox, "keys-per-account", switch)
    with kraken.sandbox.database.write() as connection:
        connection.execute("UPDATE account SET key_limit = ?", (own,))
    assert ("result" in kraken.keys("POST", {"api_key_name": "bot"}).json) is fits


def test_a_second_key_of_a_client_may_need_a_scope_of_its_own(kraken):
    set_switch(kraken.sandbox, "multiple-scope", "needed")
    narrow = seed.authorise(kraken.sandbox, "acme", scopes=[WRITE])["access_token"]
    kraken.issue("one", token=narrow)
    assert kraken.keys("POST", {"api_key_name": "two"}, token=narrow).error == "EAccount:Too many API keys"
    kraken.issue("two", token=seed.authorise(kraken.sandbox, "acme", scopes=[WRITE, MULTIPLE])["access_token"])


@pytest.mark.parametrize("flag", ["withdrawal_address_add", "withdrawal_address_update"])
def test_the_flags_that_the_spec_has_commented_out_work_when_the_switch_grants_them(kraken, flag):
    set_switch(kraken.sandbox, "address-scopes", "granted")
    assert kraken.issue("bot", flag)["permissions"][flag] is True
    assert kraken.keys("PUT", {"api_key_name": "bot"}).result is True
    assert flag not in kraken.listed()[0]["permissions"]
    without = seed.authorise(kraken.sandbox, "acme", scopes=[WRITE])["access_token"]
    body = {"api_key_name": "other", "permissions": {flag: True}}
    assert kraken.keys("POST", body, token=without).status == 403


@pytest.mark.parametrize(
    ("switch", "field", "most", "more"),
    [
        ("allowlist-most", "ip_allowlist", ["203.0.113.1", "203.0.113.2"], ["203.0.113.1", "203.0.113.2", "::1"]),
        ("nonce-window-most", "nonce_window", 2, 3),
    ],
)
def test_a_list_and_a_window_may_have_a_limit(kraken, switch, field, most, more):
    set_switch(kraken.sandbox, switch, "2")
    assert kraken.keys("POST", {"api_key_name": "bot", field: more}).error == f"EGeneral:Invalid arguments:{field}"
    assert kraken.issue("bot", **{field: most})[field] == most
    assert kraken.keys("PUT", {"api_key_name": "bot", field: more}).error == f"EGeneral:Invalid arguments:{field}"


def test_a_deleted_key_signs_no_more(kraken):
    issued = kraken.issue()
    assert kraken.signed("GetApiKeyInfo", pair(issued)).result
    assert kraken.keys("DELETE", {"api_key_name": "bot"}).result is True
    assert kraken.signed("GetApiKeyInfo", pair(issued)).error == "EAPI:Invalid key"
    assert kraken.keys("DELETE", {"api_key_name": "bot"}).error == "EGeneral:Invalid arguments:api_key_name"


def test_an_update_replaces_the_whole_key_but_not_its_pair(kraken):
    issued = kraken.issue("bot", "funds_query", nonce_window=5, ip_allowlist=["203.0.113.0/24"])
    clock.advance(kraken.sandbox, 5)
    assert kraken.keys("PUT", {"api_key_name": "bot", "permissions": {"ledger_query": True}}).result is True
    info = kraken.signed("GetApiKeyInfo", pair(issued)).result
    assert (info["permissions"], info["ip_allowlist"], info["nonce_window"]) == (["query-ledger"], [], 0)
    assert (info["created_time"], info["modified_time"]) == (str(NOW), str(NOW + 5))


def test_the_list_tells_when_a_key_was_changed_and_last_used(kraken):
    issued = kraken.issue("bot")
    clock.advance(kraken.sandbox, 5)
    kraken.keys("PUT", {"api_key_name": "bot"})
    clock.advance(kraken.sandbox, 2)
    kraken.signed("Balance", pair(issued))
    [key] = kraken.listed()
    assert (key["created_time"], key["modified_time"], key["last_used"]) == (str(NOW), str(NOW + 5), NOW + 7)


def test_an_update_that_is_a_patch_keeps_what_it_does_not_name(kraken):
    set_switch(kraken.sandbox, "put-semantics", "patch")
    kraken.issue("bot", "funds_query", nonce_window=5, query_to=9)
    kraken.keys("PUT", {"api_key_name": "bot", "valid_until": NOW + 1, "query_to": None})
    [key] = kraken.listed()
    assert (key["nonce_window"], key["valid_until"], key["query_to"]) == (5, NOW + 1, 0)
    assert key["permissions"]["funds_query"] is True


@pytest.mark.parametrize(("absent", "held"), [("clear", False), ("keep", True)])
def test_a_patch_may_keep_or_clear_the_flags_it_does_not_name(kraken, absent, held):
    set_switch(kraken.sandbox, "put-semantics", "patch")
    set_switch(kraken.sandbox, "put-absent-flags", absent)
    kraken.issue("bot", "funds_query", "export_data")
    kraken.keys("PUT", {"api_key_name": "bot", "permissions": {"export_data": False, "funds_add": True}})
    [key] = kraken.listed()
    flags = key["permissions"]
    assert (flags["funds_query"], flags["export_data"], flags["funds_add"]) == (held, False, True)


def test_a_patch_may_take_null_for_keep(kraken):
    set_switch(kraken.sandbox, "put-semantics", "patch")
    set_switch(kraken.sandbox, "put-null", "keep")
    kraken.issue("bot", nonce_window=5, ip_allowlist=["203.0.113.9"])
    kraken.keys("PUT", {"api_key_name": "bot", "nonce_window": None, "ip_allowlist": None})
    [key] = kraken.listed()
    assert (key["nonce_window"], key["ip_allowlist"]) == (5, ["203.0.113.9"])


def test_a_rename_changes_the_name_and_the_id(kraken):
    kraken.issue("a")
    kraken.issue("b")
    assert kraken.keys("PUT", {"api_key_name": "a", "new_api_key_name": "b"}).error.startswith("EGeneral:")
    assert kraken.keys("PUT", {"api_key_name": "a", "new_api_key_name": ">>>"}).result is True
    assert [(key["api_key_name"], key["id"]) for key in kraken.listed()] == [(">>>", "Pj4_"), ("b", "Yg--")]


COVERED = {"own-client": {"mine"}, "fast": {"mine", "theirs"}, "all": {"mine", "theirs", "by-hand", "master"}}


def crowd(kraken):
    """A key of our client, one of another client, and one that a person made; the fixture made the fourth."""
    add_client(kraken)
    app = {"client_id": "app", "redirect_uri": "https://app.example/back"}
    code = Browser(kraken).sign_in().code(**app)
    others = token(kraken, "app:", code=code, redirect_uri=app["redirect_uri"]).json
    kraken.issue("mine")
    kraken.issue("theirs", token=others["access_token"])
    seed.seed_website_key(kraken.sandbox, "acme", "by-hand", ALL)


def test_unless_told_otherwise_the_list_holds_all_fast_api_keys_as_the_spec_says(kraken):
    crowd(kraken)
    assert {key["api_key_name"]: key["oauth_client"] for key in kraken.listed()} == {
        "mine": "krakenctl-sandbox",
        "theirs": "app",
    }


@pytest.mark.parametrize("coverage", COVERED)
def test_the_list_covers_what_the_switch_says(kraken, coverage):
    crowd(kraken)
    set_switch(kraken.sandbox, "list-coverage", coverage)
    assert {key["api_key_name"] for key in kraken.listed()} == COVERED[coverage]


@pytest.mark.parametrize("coverage", COVERED)
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_a_client_reaches_what_it_is_shown_but_never_a_persons_key(kraken, coverage, method):
    crowd(kraken)
    set_switch(kraken.sandbox, "list-coverage", coverage)
    answers = {name: kraken.keys(method, {"api_key_name": name}) for name in COVERED["all"]}
    reached = {name for name, answer in answers.items() if "result" in answer.json}
    assert reached == COVERED[coverage] - {"by-hand", "master"}
    refused = {answer.error for name, answer in answers.items() if name not in reached}
    assert refused == {"EGeneral:Invalid arguments:api_key_name"}


def test_a_persons_key_is_shown_with_all_its_rights_where_it_is_shown(kraken):
    seed.seed_website_key(kraken.sandbox, "acme", "by-hand", ALL)
    set_switch(kraken.sandbox, "list-coverage", "all")
    [_, shown] = kraken.listed()
    assert shown["oauth_client"] == ""
    assert len(shown["permissions"]) == 13
    assert all(shown["permissions"].values())


def test_an_update_cannot_take_rights_that_it_cannot_name(kraken):
    issued = kraken.issue("bot", "funds_query")
    seed.edit_key(kraken.sandbox, "acme", "bot", permissions=["create-ws-token", "query-funds"])
    assert kraken.keys("PUT", {"api_key_name": "bot"}).result is True
    assert kraken.signed("GetApiKeyInfo", pair(issued)).result["permissions"] == ["create-ws-token"]


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_permission_may_need_no_scope_of_its_own(kraken, method):
    kraken.issue("bot")
    narrow = seed.authorise(kraken.sandbox, "acme", scopes=[WRITE])["access_token"]
    body = {"api_key_name": "bot" if method == "PUT" else "new", "permissions": {"funds_withdraw": True}}
    assert kraken.keys(method, body, token=narrow).status == 403
    set_switch(kraken.sandbox, "flag-scopes", "ignored")
    assert kraken.keys(method, body, token=narrow).result
    assert kraken.listed()[-1]["permissions"]["funds_withdraw"] is True


@pytest.mark.parametrize(("switch", "spec", "plural"), [("both", 200, 200), ("spec", 200, 404), ("plural", 405, 200)])
def test_the_list_is_served_where_the_switch_says(kraken, switch, spec, plural):
    set_switch(kraken.sandbox, "list-path", switch)
    assert kraken.oauth("GET", "/oauth/fast-api-key").status == spec
    assert kraken.oauth("GET", "/oauth/fast-api-keys").status == plural


def test_a_list_can_be_told_to_show_public_keys_and_only_true_flags(kraken):
    set_switch(kraken.sandbox, "list-api-key", "present")
    set_switch(kraken.sandbox, "permission-object", "true-only")
    issued = kraken.issue("bot", "funds_query")
    [key] = kraken.listed()
    assert (key["api_key"], key["permissions"]) == (issued["api_key"], {"funds_query": True})


def test_when_a_key_was_created_is_told_in_seconds_in_words_or_not_at_all(kraken):
    kraken.issue("bot")
    told = {}
    for switch in ("unix", "iso", "absent"):
        set_switch(kraken.sandbox, "created-time", switch)
        [key] = kraken.listed()
        told[switch] = key.get("created_time")
    assert told == {"unix": str(NOW), "iso": show_time(NOW), "absent": None}


def test_an_expiry_in_the_past_is_taken_or_refused_by_a_switch(kraken):
    body = {"api_key_name": "bot", "valid_until": NOW - 1}
    set_switch(kraken.sandbox, "past-expiry", "refuse")
    assert kraken.keys("POST", body).error == "EGeneral:Invalid arguments:valid_until"
    set_switch(kraken.sandbox, "past-expiry", "accept")
    assert kraken.keys("POST", body).result


def test_an_allow_list_comes_back_as_sent_or_as_blocks(kraken):
    assert kraken.issue("a", ip_allowlist=["203.0.113.10"])["ip_allowlist"] == ["203.0.113.10"]
    set_switch(kraken.sandbox, "allowlist-echo", "cidr")
    set_switch(kraken.sandbox, "allowlist-host-bits", "accept")
    assert kraken.issue("b", ip_allowlist=["203.0.113.10/28"])["ip_allowlist"] == ["203.0.113.0/28"]


def test_what_a_person_does_on_the_website_is_seen(kraken):
    issued = kraken.issue("bot", "funds_query")
    clock.advance(kraken.sandbox, 9)
    seed.rename_key(kraken.sandbox, "acme", "bot", "bot-2")
    seed.edit_key(
        kraken.sandbox, "acme", "bot-2", permissions=ALL, ip_allowlist=["203.0.113.0/24"], valid_until=NOW * 2
    )
    info = kraken.signed("GetApiKeyInfo", pair(issued)).result
    assert (info["api_key_name"], len(info["permissions"]), info["valid_until"]) == ("bot-2", 13, str(NOW * 2))
    assert (info["created_time"], info["modified_time"]) == (str(NOW), str(NOW + 9))
    seed.delete_key(kraken.sandbox, "acme", "bot-2")
    assert kraken.listed() == []
