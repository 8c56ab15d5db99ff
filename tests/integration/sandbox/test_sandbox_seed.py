"""What a seed puts into a sandbox, and that seeding again changes nothing: through the sandbox's own answers."""

from __future__ import annotations

import base64
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sandbox_caller import NOW, Caller

from krakenctl.errors import UsageError
from krakenctl.model.time import show_time
from krakenctl.sandbox import clock, open_sandbox, switches
from krakenctl.sandbox.people import seed
from krakenctl.sandbox.people.sowing import Sown, Unsown, sow

PAIR = {"apiKey": "c29tZSBwdWJsaWMga2V5", "secret": base64.b64encode(b"some secret").decode()}
KEYS = [{"name": "bot", "permissions": ["query-funds"]}]
DAY = 86400


def account(**fields: Any) -> dict[str, Any]:
    return {"accounts": [{"username": "desk", **fields}]}


def key(**fields: Any) -> dict[str, Any]:
    return account(keys=[KEYS[0] | fields])


def everything() -> dict[str, Any]:
    return {
        "clock": show_time(NOW),
        "switches": {"tier": "starter"},
        "oauthClients": [{"id": "my-app", "name": "My App", "redirectUris": ["http://127.0.0.1/callback"]}],
        "accounts": [
            {
                "username": "desk",
                "email": "desk@example.org",
                "iiban": "AA12 N84G EXAM PLE1",
                "tier": "intermediate",
                "keyLimit": 5,
                "balances": {"XBT": "1.5", "ZUSD": 1000},
                "keys": [{"name": "bot", "permissions": ["query-funds"], "validFor": "90d", "otp": "1234"}],
                "futuresKeys": [{"general": "READ_ONLY", "transfer": "NO_ACCESS", "cidrBlocks": ["203.0.113.0/28"]}],
                "ledger": [{"type": "deposit", "asset": "XBT", "amount": "1.5", "at": "2027-01-02"}],
                "orders": [{"pair": "XBTUSD", "type": "buy", "ordertype": "limit", "price": 30000, "volume": "0.1"}],
                "trades": [{"pair": "XBTUSD", "type": "sell", "price": "41000", "volume": "0.02"}],
                "token": True,
                "withdrawAddresses": [{"name": "cold", "asset": "XBT", "method": "Bitcoin", "address": "bc1qx"}],
                "subAccounts": [{"username": "desk-mm", "balances": {"ZUSD": "7"}}],
            }
        ],
        "faults": [{"kind": "delay", "seconds": "0.5", "nth": 3}],
    }


def sown(kraken: Caller, spec: dict[str, Any]) -> Sown:
    return sow(kraken.sandbox, spec)


def pair_of(sown: Sown, number: int = 0) -> tuple[str, str]:
    made = sown.accounts[0].keys[number]
    assert made.secret is not None
    return made.public_key, made.secret


def mistakes(kraken: Caller, spec: dict[str, Any]) -> list[tuple[Any, ...]]:
    with pytest.raises(Unsown) as caught:
        sown(kraken, spec)
    return [(mistake.path, mistake.message) for mistake in caught.value.mistakes]


def rows(db: Path) -> dict[str, list[Any]]:
    connection = sqlite3.connect(db)
    names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    held = {name: sorted(map(repr, connection.execute(f"SELECT * FROM {name}"))) for name in names}
    connection.close()
    return held


def test_a_seeded_key_signs_calls_and_may_do_what_the_seed_says(kraken: Caller) -> None:
    pair = pair_of(sown(kraken, key()))
    assert kraken.signed("Balance", pair).result
    assert kraken.signed("Ledgers", pair).error == "EGeneral:Permission denied"


def test_a_seeded_key_has_every_limit_that_the_seed_sets(kraken: Caller) -> None:
    limits = {"ipAllowlist": ["203.0.113.7"], "queryFrom": "2026-01-01", "queryTo": "2027-01-01", "nonceWindow": 7}
    info = kraken.signed("GetApiKeyInfo", pair_of(sown(kraken, key(**limits, validFor="90d")))).result
    assert info["ip_allowlist"] == ["203.0.113.7"]
    assert (int(info["query_from"]), int(info["query_to"])) == (1767225600, 1798761600)
    assert int(info["valid_until"]) == NOW + 90 * DAY
    assert int(info["nonce_window"]) == 7


def test_a_pair_that_is_given_is_the_one_that_signs(kraken: Caller) -> None:
    made = sown(kraken, key(**PAIR))
    assert pair_of(made) == (PAIR["apiKey"], PAIR["secret"])
    assert kraken.signed("Balance", pair_of(made)).result


@pytest.mark.parametrize(("factor", "otp"), [({"otp": "open"}, "open"), ({"totp": "GEZDGNBVGY3TQOJQ"}, None)])
def test_a_second_factor_is_asked_for(kraken: Caller, factor: dict[str, str], otp: str | None) -> None:
    from krakenctl.sandbox.checks.otp import totp

    pair = pair_of(sown(kraken, key(**factor)))
    assert kraken.signed("Balance", pair).error == "EAPI:Invalid signature"
    assert kraken.signed("Balance", pair, otp=otp or totp(factor["totp"], NOW // 30)).result


def test_balances_are_those_of_the_seed_and_else_the_usual_ones(kraken: Caller) -> None:
    given = sown(kraken, account(keys=KEYS, balances={"XBT": "4.25", "ZUSD": 10}))
    assert kraken.signed("Balance", pair_of(given)).result == {"XXBT": "4.2500000000", "ZUSD": "10.0000"}
    usual = sown(kraken, {"accounts": [{"username": "other", "keys": KEYS}]})
    assert set(kraken.signed("Balance", pair_of(usual)).result) == {"XXBT", "ZUSD", "XETH"}


def test_a_seeded_past_is_read_back_and_moves_no_balance(kraken: Caller) -> None:
    entries = [
        {"type": "deposit", "asset": "ZUSD", "amount": "5", "at": "2027-01-03"},
        {"type": "deposit", "asset": "ZUSD", "amount": "7", "at": "2027-01-02"},
    ]
    rights = ["query-funds", "query-ledger", "query-open-trades", "query-closed-trades"]
    order = {"pair": "XBTUSD", "type": "buy", "ordertype": "limit", "price": "30000", "volume": "0.1"}
    pair = pair_of(
        sown(
            kraken,
            account(
                balances={"ZUSD": "100"},
                keys=[{"name": "bot", "permissions": rights}],
                ledger=entries,
                orders=[order, order | {"status": "canceled", "opened": "2027-01-04", "closed": "2027-01-05"}],
                trades=[{"pair": "XBT/USD", "type": "sell", "price": 41000, "volume": "0.02", "at": "2027-01-10"}],
            ),
        )
    )
    assert kraken.signed("Balance", pair).result["ZUSD"] == "100.0000"
    shown = sorted(kraken.signed("Ledgers", pair).result["ledger"].values(), key=lambda entry: entry["time"])
    assert [entry["balance"] for entry in shown] == ["7.0000", "12.0000"]
    [opened] = kraken.signed("OpenOrders", pair).result["open"].values()
    assert opened["descr"]["order"].startswith("buy 0.10000000 XBTUSD @ limit 30000")
    [closed] = kraken.signed("ClosedOrders", pair).result["closed"].values()
    assert closed["status"] == "canceled"
    [trade] = kraken.signed("TradesHistory", pair).result["trades"].values()
    assert (trade["pair"], trade["cost"]) == ("XXBTZUSD", "820.00000")


def test_a_sub_account_is_set_up_below_its_master_and_begins_empty(kraken: Caller) -> None:
    below = {"username": "desk-mm", "keys": [{"name": "mm", "permissions": ["query-funds"]}]}
    master, sub = sown(kraken, account(subAccounts=[below])).accounts
    assert (sub.parent, sub.is_new) == ("desk", True)
    assert sub.iiban != master.iiban
    public_key, secret = sub.keys[0].public_key, sub.keys[0].secret
    assert kraken.signed("Balance", (public_key, secret or "")).result == {}


def test_a_key_has_the_fix_permission_where_the_seed_says_so(kraken: Caller) -> None:
    sown(kraken, key(fix=True))
    assert sown(kraken, key(fix=True)).accounts[0].keys[0].secret is None
    [(path, said)] = mistakes(kraken, key())
    assert (path, "has the FIX permission" in said) == ((*SPOT, "keys", 0, "fix"), True)


def test_a_token_of_a_seed_lives_as_long_as_the_switches_say(kraken: Caller) -> None:
    spec = account(token=True) | {"switches": {"access-token-seconds": 60}}
    token = sown(kraken, spec).accounts[0].token
    assert token is not None
    assert token["expires_in"] == 60


def test_a_token_of_a_seed_opens_the_account(kraken: Caller) -> None:
    [made] = sown(kraken, account(email="d@example.org", token=True)).accounts
    assert made.token is not None
    assert kraken.oauth("GET", "/oauth/userinfo", token=made.token["access_token"]).result["email"] == "d@example.org"


def test_clock_and_switches_are_set_before_anything_is_made(kraken: Caller) -> None:
    clock.thaw(kraken.sandbox)
    sown(kraken, {"clock": "2030-01-01T00:00:00Z", "switches": {"tier": "starter"}, **key(validFor="1d")})
    assert clock.now(kraken.sandbox) == 1893456000
    assert switches.all_switches(kraken.sandbox)["tier"] == "starter"
    assert kraken.signed("Balance", (PAIR["apiKey"], PAIR["secret"])).error == "EAPI:Invalid key"


def test_the_limit_of_keys_is_the_accounts_own(kraken: Caller) -> None:
    token = sown(kraken, account(keyLimit=1, token=True)).accounts[0].token
    assert token is not None
    kraken.issue("one", token=token["access_token"])
    assert kraken.keys("POST", {"api_key_name": "two", "permissions": {}}, token=token["access_token"]).error == (
        "EAccount:Too many API keys"
    )


def test_a_confidential_client_has_a_secret_that_is_told_once(kraken: Caller) -> None:
    spec = {
        "oauthClients": [{"id": "app", "name": "App", "redirectUris": ["https://app.example"], "confidential": True}]
    }
    first, again = sown(kraken, spec).clients[0], sown(kraken, spec).clients[0]
    assert first.secret
    assert (again.secret, again.is_new) == (None, False)


def test_seeded_faults_strike(kraken: Caller) -> None:
    sown(kraken, {"faults": [{"kind": "error", "error": "EService:Unavailable", "endpoint": "Balance"}]})
    assert kraken.signed("Balance").error == "EService:Unavailable"
    assert kraken.signed("Balance").result


def test_seeding_again_changes_nothing_and_tells_no_secret(kraken: Caller, db: Path) -> None:
    sown(kraken, everything())
    before = rows(db)
    again = sown(kraken, everything())
    assert rows(db) == before
    assert not any(a.is_new or a.token or any(k.secret for k in (*a.keys, *a.futures_keys)) for a in again.accounts)


def test_a_clock_that_was_moved_is_never_turned_back(kraken: Caller) -> None:
    clock.thaw(kraken.sandbox)
    spec = {"clock": show_time(NOW)}
    sown(kraken, spec)
    clock.advance(kraken.sandbox, 10 * DAY)
    again = sown(kraken, spec).clock
    assert again is not None
    assert (again.second, again.is_new) == (NOW + 10 * DAY, False)
    assert clock.now(kraken.sandbox) == NOW + 10 * DAY


def test_a_switch_is_set_again_and_what_it_was_is_told(kraken: Caller) -> None:
    spec = {"switches": {"tier": "starter"}}
    sown(kraken, spec)
    switches.set_switch(kraken.sandbox, "tier", "intermediate")
    [told] = sown(kraken, spec).switches
    assert (told.before, told.value) == ("intermediate", "starter")
    assert switches.all_switches(kraken.sandbox)["tier"] == "starter"


def test_a_token_is_minted_again_once_the_pair_before_it_is_dead(kraken: Caller) -> None:
    spec = account(token=True)
    sown(kraken, spec)
    clock.advance(kraken.sandbox, 29 * DAY)  # it can still be refreshed
    assert sown(kraken, spec).accounts[0].token is None
    clock.advance(kraken.sandbox, 2 * DAY)
    assert sown(kraken, spec).accounts[0].token is not None


def test_a_key_that_was_revoked_is_missing_and_so_made_again(kraken: Caller) -> None:
    before = pair_of(sown(kraken, key()))
    seed.delete_key(kraken.sandbox, "desk", "bot")
    again = pair_of(sown(kraken, key()))
    assert kraken.signed("Balance", again).result
    assert kraken.signed("Balance", before).error == "EAPI:Invalid key"


def test_every_bad_entry_of_one_allow_list_is_told(kraken: Caller) -> None:
    wrong = mistakes(kraken, key(ipAllowlist=["10.0.0.1/8", "203.0.113.7", "home"]))
    assert [path for path, _ in wrong] == [(*SPOT, "keys", 0, "ipAllowlist", number) for number in (0, 2)]
    assert "write 10.0.0.0/8" in wrong[0][1]


def test_two_entries_that_say_the_same_are_two_and_stay_two(kraken: Caller, db: Path) -> None:
    spec = account(ledger=[{"type": "deposit", "asset": "XBT", "amount": "1"}] * 2)
    sown(kraken, spec)
    clock.advance(kraken.sandbox, 60)
    sown(kraken, spec)
    assert len(rows(db)["ledger"]) == 2


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("email", "other@example.org", "email is “desk@example.org” in the sandbox and “other@example.org” here"),
        ("iiban", "aa99n84gexample9", "iiban is “AA12 N84G EXAM PLE1” in the sandbox and “AA99 N84G EXAM PLE9” here"),
        ("tier", "pro", "tier is “intermediate” in the sandbox and “pro” here"),
        ("keyLimit", 6, "keyLimit is “5” in the sandbox and “6” here"),
    ],
)
def test_an_account_that_stands_otherwise_is_a_mistake_that_names_both(
    kraken: Caller, field: str, value: Any, said: str
) -> None:
    sown(kraken, everything())
    assert mistakes(kraken, account(**{field: value})) == [(("spec", "accounts", 0, field), said)]


@pytest.mark.parametrize(
    ("fields", "field", "said"),
    [
        ({"permissions": ["query-ledger"]}, "permissions", "“query-funds” in the sandbox and “query-ledger” here"),
        ({"ipAllowlist": ["203.0.113.7"]}, "ipAllowlist", "empty in the sandbox and “203.0.113.7” here"),
        ({"validUntil": "2030-01-01"}, "validUntil", "not set in the sandbox and “2030-01-01T00:00:00Z” here"),
        ({"nonceWindow": 3}, "nonceWindow", "“0” in the sandbox and “3” here"),
    ],
)
def test_a_key_that_stands_otherwise_is_a_mistake_that_names_both(
    kraken: Caller, fields: dict[str, Any], field: str, said: str
) -> None:
    sown(kraken, key())
    assert mistakes(kraken, key(**fields)) == [(("spec", "accounts", 0, "keys", 0, field), f"{field} is {said}")]


@pytest.mark.parametrize("other", [PAIR | {"secret": "b3RoZXI="}, {"otp": "5678"}])
def test_a_key_with_another_secret_is_a_mistake_that_shows_none(kraken: Caller, other: dict[str, str]) -> None:
    sown(kraken, key(**PAIR, otp="1234"))
    [(_, said)] = mistakes(kraken, key(**({"otp": "1234"} | other)))
    assert "another" in said
    assert not any(secret in said for secret in (PAIR["secret"], "b3RoZXI=", "1234", "5678"))


def test_an_account_that_was_only_requested_is_set_up(kraken: Caller) -> None:
    kraken.signed("CreateSubaccount", username="acme-mm", email="mm@acme.example").result  # noqa: B018
    spec = {"accounts": [{"username": "acme", "subAccounts": [{"username": "acme-mm", "iiban": "AA12N84GEXAMPLE1"}]}]}
    taken = {"username": "acme", "subAccounts": [{"username": "acme-mm", "iiban": kraken.master.iiban}]}
    assert "another account" in mistakes(kraken, {"accounts": [taken]})[0][1]
    assert sown(kraken, spec).accounts[1].iiban == "AA12 N84G EXAM PLE1"


def test_an_account_that_stands_elsewhere_is_a_mistake(kraken: Caller) -> None:
    sown(kraken, account(subAccounts=[{"username": "mm"}]))
    assert [path for path, _ in mistakes(kraken, {"accounts": [{"username": "mm"}]})] == [("spec", "accounts", 0)]


SPOT = ("spec", "accounts", 0)


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        ({"clock": "2027-02-30"}, ("spec", "clock")),
        ({"switches": {"tear": "pro"}}, ("spec", "switches", "tear")),
        ({"switches": {"tier": "gold"}}, ("spec", "switches", "tier")),
        ({"faults": [{"kind": "answer-lots"}]}, ("spec", "faults", 0)),
        (key(validFor="1d", validUntil="2030-01-01"), (*SPOT, "keys", 0, "validUntil")),
        (key(otp="1", totp="GEZDGNBVGY3TQOJQ"), (*SPOT, "keys", 0, "totp")),
        (key(queryFrom="1969-12-31"), (*SPOT, "keys", 0, "queryFrom")),
        (key(queryFrom="2026-01-02", queryTo="2026-01-01"), (*SPOT, "keys", 0, "queryTo")),
        (account(keyLimit=1, keys=[*KEYS, {"name": "two", "permissions": []}]), (*SPOT, "keys", 1)),
        (account(balances={"NOPE": "3"}), (*SPOT, "balances", "NOPE")),
        (account(ledger=[{"type": "t", "asset": "NOPE", "amount": 1}]), (*SPOT, "ledger", 0, "asset")),
        (key(ipAllowlist=["203.0.113.7", "203.0.113"]), (*SPOT, "keys", 0, "ipAllowlist", 1)),
        (key(apiKey="YQ=="), (*SPOT, "keys", 0)),
        (account(keys=KEYS * 2), (*SPOT, "keys", 1)),
        ({"accounts": [{"username": "a"}, {"username": "a"}]}, ("spec", "accounts", 1)),
        (account(balances={"XBT": "-1"}), (*SPOT, "balances", "XBT")),
        (account(balances={"XBT": "1", "XXBT": "1"}), (*SPOT, "balances", "XXBT")),
        (account(ledger=[{"type": "t", "asset": "XBT", "amount": 1, "at": "2027-13-01"}]), (*SPOT, "ledger", 0, "at")),
        (account(orders=[{"pair": "XBTUS", "type": "buy", "ordertype": "market", "volume": 1}]), (*SPOT, "orders", 0)),
        (
            account(orders=[{"pair": "XBTUSD", "type": "buy", "ordertype": "limit", "volume": "1"}]),
            (*SPOT, "orders", 0, "price"),
        ),
        (account(trades=[{"pair": "XBTUSD", "type": "buy", "price": 0, "volume": "1"}]), (*SPOT, "trades", 0, "price")),
        (
            account(withdrawAddresses=[{"name": "c", "asset": "XBT", "method": "Bitcoins", "address": "x"}]),
            (*SPOT, "withdrawAddresses", 0, "method"),
        ),
        (account(futuresKeys=[{"general": "READ_ONLY", "transfer": "NO_ACCESS", "cidrBlocks": ["x"]}]),
         (*SPOT, "futuresKeys", 0)),
        ({"oauthClients": [{"id": "a", "name": "A", "redirectUris": ["ftp://a"]}]}, ("spec", "oauthClients", 0)),
    ],
)  # fmt: skip
def test_what_cannot_be_is_found_where_it_is_written_and_changes_nothing(
    kraken: Caller, db: Path, spec: dict[str, Any], path: tuple[Any, ...]
) -> None:
    before = rows(db)
    assert [found for found, _ in mistakes(kraken, spec)] == [path]
    assert rows(db) == before


def test_every_mistake_is_told_at_once_and_a_sound_part_does_not_stay(kraken: Caller, db: Path) -> None:
    before = rows(db)
    spec = everything() | {"switches": {"tear": "pro"}, "faults": [{"kind": "x"}, {"kind": "y"}]}
    assert len(mistakes(kraken, spec)) == 3
    assert rows(db) == before


def test_a_public_key_that_another_key_has_is_refused(kraken: Caller) -> None:
    sown(kraken, key(**PAIR))
    with pytest.raises(UsageError, match="public key"):
        seed.seed_website_key(kraken.sandbox, "acme", "twin", [], pair=(PAIR["apiKey"], PAIR["secret"]))


keys = st.lists(
    st.fixed_dictionaries(
        {
            "name": st.sampled_from(["a", "b", "c"]),
            "permissions": st.lists(st.sampled_from(["query-funds", "modify-trades"]), unique=True),
        },
        optional={"nonceWindow": st.integers(0, 9), "validFor": st.sampled_from(["1d", "2d"])},
    ),
    unique_by=lambda key: key["name"],
)
specs = st.fixed_dictionaries(
    {"username": st.sampled_from(["x", "y"])},
    optional={"keys": keys, "tier": st.sampled_from(["starter", "pro"]), "balances": st.just({"XBT": "1"})},
)


@given(first=specs, second=specs)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_second_seed_does_all_of_it_or_nothing_and_then_again_nothing(
    first: dict[str, Any], second: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    db = tmp_path_factory.mktemp("law") / "sandbox.db"
    open_sandbox(db).close()
    clock.freeze(db, NOW)
    sow(db, {"accounts": [first]})
    before = rows(db)
    try:
        sow(db, {"accounts": [second]})
    except Unsown:
        assert rows(db) == before
        return
    after = rows(db)
    sow(db, {"accounts": [second]})
    assert rows(db) == after
