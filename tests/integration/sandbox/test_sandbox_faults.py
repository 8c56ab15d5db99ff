"""Mischief: every sort of fault, what it is aimed at, and what it leaves behind."""

from __future__ import annotations

import itertools
import json
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from fnmatch import fnmatchcase
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sandbox_caller import NOW, Caller, pair

from krakenctl.errors import AnswerLost, UsageError
from krakenctl.sandbox import clock, faults, open_sandbox
from krakenctl.sandbox.database import opened
from krakenctl.sandbox.faults import aim, late
from krakenctl.sandbox.faults.kinds import KINDS
from krakenctl.sandbox.guards import Bearer, Signed
from krakenctl.sandbox.people import operate, seed
from krakenctl.sandbox.routes import ROUTES
from krakenctl.sandbox.switches import set_switch
from krakenctl.transport.http import Http
from krakenctl.transport.wsgi import WsgiAdapter

ISSUE = "POST /oauth/fast-api-key"
INFO = "GetApiKeyInfo"
CANARY = "canary-Zq7"


def set_fault(kraken: Caller, kind: str, **told: Any) -> int:
    return faults.add(kraken.sandbox, {"kind": kind, **told})


def names(kraken: Caller) -> list[str]:
    return [key["api_key_name"] for key in kraken.listed()]


def on_website(kraken: Caller) -> list[str]:
    """Every key, a person's too, as the file has it."""
    with opened(kraken.sandbox) as database:
        return [name for (name,) in database.connection().execute("SELECT name FROM key ORDER BY id")]


def counts(kraken: Caller) -> tuple[int, int]:
    [fault] = faults.listing(kraken.sandbox)
    return fault["seen"], fault["struck"]


# What becomes of the connection and the answer


def test_an_answer_is_lost_after_the_deed(kraken):
    set_fault(kraken, "answer-lost", endpoint=ISSUE)
    with pytest.raises(ConnectionError):
        kraken.issue("bot")
    assert names(kraken) == ["bot"]


def test_a_connection_is_cut_before_the_deed(kraken):
    set_fault(kraken, "cut", endpoint=ISSUE)
    with pytest.raises(ConnectionError):
        kraken.issue("bot")
    assert names(kraken) == []


@pytest.mark.parametrize("kind", ["cut", "answer-lost", "late-deed"])
def test_a_cut_connection_looks_to_a_client_as_a_real_one_does(kraken, kind):
    """Embedded as over a socket: it may have been done."""
    set_fault(kraken, kind, endpoint="userinfo")
    http = Http("http://kraken.invalid", WsgiAdapter(kraken.sandbox))
    token = {"Authorization": f"Bearer {kraken.master.token['access_token']}"}
    with pytest.raises(AnswerLost, match="may have been done"):
        http.call("GET", "/oauth/userinfo", headers=token)
    assert http.call("GET", "/oauth/userinfo", headers=token).status == 200


def test_an_answer_is_held_back_while_others_are_served(kraken, db):
    set_fault(kraken, "delay", seconds=2.5)
    held = []
    sandbox = open_sandbox(db, hold=lambda seconds: held.append((seconds, names(kraken))))
    Caller(sandbox, kraken.master).issue("bot")
    assert held == [(2.5, ["bot"])]
    sandbox.close()


@pytest.mark.parametrize("kind", ["http-error", "error"])
def test_no_answer_after_the_deed_undoes_a_cut(kraken, kind):
    set_fault(kraken, "cut")
    set_fault(kraken, kind, after="yes")
    with pytest.raises(ConnectionError):
        kraken.listed()


def test_a_fault_that_is_used_up_is_in_nobodys_way(kraken):
    """It is counted no more, and a read is no write again: others may write meanwhile."""
    set_fault(kraken, "error")
    kraken.signed(INFO)
    with ThreadPoolExecutor(1) as pool, kraken.sandbox.database.write():
        assert pool.submit(kraken.send, "GET", "/0/public/Time").result().result
    assert counts(kraken) == (1, 1)
    assert not faults.are_set(kraken.sandbox.database.connection())


def test_a_deed_that_is_not_due_is_in_nobodys_way(kraken):
    give_up(kraken, "bot")
    with ThreadPoolExecutor(1) as pool, kraken.sandbox.database.write():
        assert pool.submit(kraken.send, "GET", "/0/public/Time").result().result


def test_a_person_may_add_a_key_that_may_do_nothing(kraken):
    set_fault(kraken, "key-added", permissions=[])
    assert kraken.signed(INFO).result
    assert on_website(kraken) == ["master", "by-hand"]


def test_malformed_json_comes_with_status_200_and_the_deed_is_done(kraken):
    set_fault(kraken, "malformed", endpoint=ISSUE)
    reply = kraken.keys("POST", {"api_key_name": "bot"})
    assert reply.status == 200
    with pytest.raises(ValueError, match=r"."):
        json.loads(reply.body)
    assert names(kraken) == ["bot"]


@pytest.mark.parametrize("status", [403, 429, 500, 503, 504, 520])
def test_a_proxy_answers_and_nothing_is_done(kraken, status):
    set_fault(kraken, "http-error", status=status, endpoint=ISSUE, **{"retry-after": 7})
    reply = kraken.keys("POST", {"api_key_name": "bot"})
    assert (reply.status, reply.headers["Retry-After"]) == (status, "7")
    assert reply.headers["Content-Type"].startswith("text/html")
    assert f"<title>{status} ".encode() in reply.body
    assert names(kraken) == []


@pytest.mark.parametrize(("body", "content"), [("empty", b""), ("json", b'{"error":["EService:Unavailable"]}')])
def test_a_proxy_may_say_nothing_or_say_it_in_json(kraken, body, content):
    set_fault(kraken, "http-error", body=body)
    assert kraken.keys("GET").body == content


@pytest.mark.parametrize("kind", ["http-error", "error"])
def test_an_error_may_come_after_the_deed(kraken, kind):
    set_fault(kraken, kind, after="yes", endpoint=ISSUE)
    assert b"secret" not in kraken.keys("POST", {"api_key_name": "bot"}).body
    assert names(kraken) == ["bot"]


# What Kraken says instead


def test_any_error_string_can_be_said(kraken):
    set_fault(kraken, "error", error="EGeneral:Internal error", endpoint=ISSUE)
    assert kraken.keys("POST", {"api_key_name": "bot"}).error == "EGeneral:Internal error"
    assert names(kraken) == []


@pytest.mark.parametrize("after", ["yes", "no"])
def test_a_warning_comes_beside_the_result_of_the_call(kraken, after):
    set_fault(kraken, "error", error="WGeneral:Slow down", after=after, endpoint=INFO)
    said = kraken.signed(INFO).json
    assert said["error"] == ["WGeneral:Slow down"]
    assert said["result"]["api_key_name"] == "master"


def test_a_warning_comes_beside_an_error_too_and_not_without_an_envelope(kraken):
    set_fault(kraken, "error", error="WGeneral:Slow down", times="always")
    assert kraken.signed(INFO, ("nobody", "")).json["error"] == ["EAPI:Invalid key", "WGeneral:Slow down"]
    key = (kraken.master.public_key, kraken.master.secret)
    assert kraken.at("GET /funding/v1/networks", key).json.keys() == {"network_groups", "networks"}


def test_a_warning_and_a_cut_connection_are_a_cut_connection(kraken):
    set_fault(kraken, "error", error="WGeneral:Slow down")
    set_fault(kraken, "cut")
    with pytest.raises(ConnectionError):
        kraken.signed(INFO)


def test_a_refused_call_spends_no_nonce(kraken):
    set_fault(kraken, "error")
    assert kraken.signed(INFO, nonce=5).error == "EService:Unavailable"
    assert kraken.signed(INFO, nonce=5).result


@pytest.mark.parametrize(
    ("told", "error"), [({}, "EService:Throttled"), ({"seconds": 30}, f"EService: Throttled: {NOW + 30}")]
)
def test_throttled_may_name_a_time(kraken, told, error):
    set_fault(kraken, "throttled", **told)
    assert kraken.signed(INFO).error == error


def test_a_rate_limit_is_hit_whatever_the_counter_says(kraken):
    set_fault(kraken, "rate-limit")
    assert kraken.signed(INFO).error == "EAPI:Rate limit exceeded"


def test_a_lockout_locks_the_account_for_as_long_as_the_switch_says(kraken):
    set_switch(kraken.sandbox, "lockout-restart", "no")
    set_fault(kraken, "lockout")
    for _ in range(2):
        assert kraken.signed(INFO).error == "EGeneral:Temporary lockout"
    clock.advance(kraken.sandbox, 901)
    assert kraken.signed(INFO).result


def test_a_lockout_of_nobody_known_locks_the_address(kraken):
    set_fault(kraken, "lockout")
    assert kraken.signed(INFO, ("nobody", kraken.master.secret)).error == "EGeneral:Temporary lockout"
    assert kraken.signed(INFO).error == "EGeneral:Temporary lockout"
    elsewhere = {"REMOTE_ADDR": "198.51.100.9"}
    assert kraken.signed(INFO, environ=elsewhere).result


# What goes wrong with keys


@pytest.mark.parametrize("where", ["signing", "listing", "both"])
def test_a_new_key_is_known_only_after_a_while(kraken, where):
    set_fault(kraken, "slow-key", where=where, seconds=30)
    key = pair(kraken.issue("bot"))
    assert bool(names(kraken)) is (where == "signing")
    assert (kraken.signed(INFO, key).json["error"] == []) is (where == "listing")
    clock.advance(kraken.sandbox, 30)
    assert names(kraken) == ["bot"]
    assert kraken.signed(INFO, key).result


@pytest.mark.parametrize("where", ["signing", "listing", "both"])
def test_a_revoked_key_lives_on_for_a_while(kraken, where):
    key = pair(kraken.issue("bot"))
    set_fault(kraken, "slow-revoke", where=where, seconds=30)
    assert kraken.keys("DELETE", {"api_key_name": "bot"}).result is True
    assert bool(names(kraken)) is (where != "signing")
    assert (kraken.signed(INFO, key).json["error"] == []) is (where != "listing")
    clock.advance(kraken.sandbox, 30)
    assert names(kraken) == []
    assert kraken.signed(INFO, key).error == "EAPI:Invalid key"


def test_a_key_that_lives_on_is_revoked_for_whoever_asks_again_and_its_name_is_free(kraken):
    kraken.issue("bot")
    set_fault(kraken, "slow-revoke")
    kraken.keys("DELETE", {"api_key_name": "bot"})
    assert kraken.keys("DELETE", {"api_key_name": "bot"}).error.startswith("EGeneral:Invalid arguments")
    assert kraken.issue("bot")


def test_what_is_left_of_a_revoked_key_goes_with_the_next_one(kraken):
    for name in ("a", "b", "c"):
        kraken.issue(name)
        set_fault(kraken, "slow-revoke", seconds=30, where="signing")
        kraken.keys("DELETE", {"api_key_name": name})
        clock.advance(kraken.sandbox, 30)
    assert on_website(kraken) == ["master", "c"]


def test_an_update_is_answered_at_once_and_takes_effect_later(kraken):
    kraken.issue("bot", "funds_query")
    set_fault(kraken, "slow-update", seconds=30)
    assert kraken.keys("PUT", {"api_key_name": "bot", "ip_allowlist": ["203.0.113.7"]}).result is True
    assert kraken.listed()[0]["ip_allowlist"] == []
    clock.advance(kraken.sandbox, 29)
    assert kraken.listed()[0]["ip_allowlist"] == []
    clock.advance(kraken.sandbox, 1)
    [key] = kraken.listed()
    assert (key["ip_allowlist"], key["modified_time"]) == (["203.0.113.7"], str(NOW + 30))


def test_an_update_that_is_refused_is_refused_at_once_and_for_good(kraken):
    kraken.issue("bot")
    set_fault(kraken, "slow-update", times="always")
    assert kraken.keys("PUT", {"api_key_name": "bot", "nonce_window": -1}).error.endswith("nonce_window")
    assert kraken.keys("PUT", {"api_key_name": "bot"}, token="none").status == 401
    with opened(kraken.sandbox) as database:
        assert database.connection().execute("SELECT count(*) FROM late_deed").fetchone() == (0,)


def test_slots_are_full_until_told_otherwise(kraken):
    set_fault(kraken, "slots-full", times="always")
    for _ in range(2):
        assert kraken.keys("POST", {"api_key_name": "bot"}).error == "EAccount:Too many API keys"
    faults.clear(kraken.sandbox)
    assert kraken.issue("bot")


def test_one_slot_may_be_free(kraken):
    set_fault(kraken, "slots-full", free=1, times="always")
    kraken.issue("first")
    assert kraken.keys("POST", {"api_key_name": "second"}).error == "EAccount:Too many API keys"
    assert names(kraken) == ["first"]


def test_a_key_may_be_issued_with_more_and_less_than_was_asked_for(kraken):
    told = {"add": "withdraw-funds+add-funds", "drop": "query-funds", "ip-allowlist": "any", "valid-until": NOW + 9}
    set_fault(kraken, "misissue", **told)
    issued = kraken.issue("bot", "funds_query", "export_data", ip_allowlist=["203.0.113.7"])
    assert {flag for flag, on in issued["permissions"].items() if on} == {"funds_add", "funds_withdraw", "export_data"}
    assert (issued["ip_allowlist"], issued["valid_until"]) == ([], NOW + 9)
    assert kraken.issue("bot-2", "funds_query")["permissions"]["funds_query"] is True


# What people do meanwhile


def test_a_person_renames_the_newest_key_just_before_or_after_a_call(kraken):
    set_fault(kraken, "key-renamed", after="yes", name="mine", endpoint=ISSUE)
    kraken.issue("bot")
    assert names(kraken) == ["mine"]
    set_fault(kraken, "key-renamed", key="mine", name="yours", endpoint=ISSUE)
    assert kraken.issue("mine")
    assert names(kraken) == ["yours", "mine"]


def test_a_person_deletes_a_key_just_before_it_is_used(kraken):
    key = pair(kraken.issue("bot"))
    set_fault(kraken, "key-deleted", key="bot", endpoint=INFO)
    assert kraken.signed(INFO, key).error == "EAPI:Invalid key"


def test_a_person_adds_keys_of_distinct_names(kraken):
    set_fault(kraken, "key-added", name="n" * 32, times=2, permissions="withdraw-funds")
    assert names(kraken) == names(kraken) == []
    assert on_website(kraken) == ["master", "n" * 32, "n" * 30 + "-2"]


def test_people_act_on_the_account_of_the_call_and_on_no_other(kraken):
    other = seed.seed_account(kraken.sandbox, username="beta", email="b@acme.example")
    set_fault(kraken, "key-deleted")
    kraken.send("GET", "/0/public/Time")
    assert counts(kraken) == (0, 0)
    kraken.listed(other.token["access_token"])
    assert kraken.signed(INFO).result
    assert kraken.signed(INFO, (other.public_key, other.secret)).error == "EAPI:Invalid key"


@pytest.mark.parametrize(("seconds", "lands"), [(3600, NOW + 3600), (-60, NOW - 60), (-3e8, NOW - 3e8)])
def test_the_clock_jumps_before_a_call_and_stays_there(kraken, seconds, lands):
    set_fault(kraken, "clock-jump", seconds=seconds)
    for _ in range(2):
        assert kraken.send("GET", "/0/public/Time").result["unixtime"] == lands


def test_a_running_clock_jumps_and_runs_on(kraken, monkeypatch):
    monkeypatch.setattr("time.time", lambda: 1000.0)
    clock.thaw(kraken.sandbox)
    set_fault(kraken, "clock-jump", seconds=-5000)
    kraken.send("GET", "/0/public/Time")
    assert clock.state(kraken.sandbox) == clock.State(now=0.0, frozen=False, offset=-1000.0)


# Deeds that come late


def give_up(kraken: Caller, name: str, **told: Any) -> None:
    set_fault(kraken, "late-deed", endpoint=ISSUE, **told)
    with pytest.raises(ConnectionError):
        kraken.issue(name, "funds_query")


def test_a_late_deed_happens_at_its_time_and_not_before(kraken):
    give_up(kraken, "bot", seconds=30)
    assert names(kraken) == []
    clock.advance(kraken.sandbox, 29)
    assert names(kraken) == []
    clock.advance(kraken.sandbox, 500)
    [key] = kraken.listed()
    assert (key["api_key_name"], key["created_time"]) == ("bot", str(NOW + 30))


def test_late_deeds_happen_in_the_order_of_their_times(kraken):
    give_up(kraken, "slow", seconds=60)
    give_up(kraken, "quick", seconds=30)
    clock.advance(kraken.sandbox, 90)
    assert names(kraken) == ["quick", "slow"]


def test_whoever_was_let_in_stays_let_in(kraken):
    key = seed.seed_website_key(kraken.sandbox, "acme", "hand", ["withdraw-funds"])
    set_fault(kraken, "late-deed", endpoint="CreateSubaccount")
    with pytest.raises(ConnectionError):
        kraken.signed("CreateSubaccount", key, username="late", email="l@acme.example")
    seed.delete_key(kraken.sandbox, "acme", "hand")
    clock.advance(kraken.sandbox, 60)
    assert kraken.signed("CreateSubaccount", username="late", email="l@acme.example").error.endswith("username")


def test_who_is_not_let_in_does_nothing_late(kraken):
    key = seed.seed_website_key(kraken.sandbox, "acme", "hand", ["query-funds"])
    set_fault(kraken, "late-deed", endpoint="CreateSubaccount")
    with pytest.raises(ConnectionError):
        kraken.signed("CreateSubaccount", key, username="late", email="l@acme.example")
    clock.advance(kraken.sandbox, 60)
    assert kraken.signed("CreateSubaccount", username="late", email="l@acme.example").result is True


def test_a_late_deed_has_spent_its_nonce_when_it_came(kraken):
    set_fault(kraken, "late-deed", endpoint=INFO)
    with pytest.raises(ConnectionError):
        kraken.signed(INFO, nonce=9)
    assert kraken.signed(INFO, nonce=9).error == "EAPI:Invalid nonce"


def test_a_late_deed_that_is_refused_by_then_leaves_nothing(kraken):
    give_up(kraken, "bot", seconds=30)
    kraken.issue("bot")
    clock.advance(kraken.sandbox, 30)
    assert names(kraken) == ["bot"]
    assert not faults.are_set(kraken.sandbox.database.connection()) or counts(kraken) == (2, 1)


def test_a_late_deed_may_be_misissued_too(kraken):
    set_fault(kraken, "misissue", add="withdraw-funds")
    give_up(kraken, "bot")
    clock.advance(kraken.sandbox, 60)
    assert kraken.listed()[0]["permissions"]["funds_withdraw"] is True


def test_the_owner_of_a_late_sub_account_is_told_when_it_is_made(db):
    told = []
    sandbox = open_sandbox(db, owner=told.append)
    clock.freeze(sandbox, NOW)
    kraken = Caller(sandbox, seed.seed_account(sandbox, username="acme", email="desk@acme.example"))
    set_fault(kraken, "late-deed", endpoint="CreateSubaccount")
    with pytest.raises(ConnectionError):
        kraken.signed("CreateSubaccount", username="late", email="l@acme.example")
    assert told == []
    clock.advance(sandbox, 60)
    kraken.send("GET", "/0/public/Time")
    assert [set_up.username for set_up in told] == ["late"]
    sandbox.close()


def test_a_look_at_the_file_sees_what_is_overdue(kraken, db):
    give_up(kraken, "bot")
    clock.advance(db, 60)
    assert "bot" not in on_website(kraken)
    late.catch_up(db)
    assert "bot" in on_website(kraken)


def test_clearing_faults_leaves_what_is_on_its_way(kraken):
    give_up(kraken, "bot")
    faults.clear(kraken.sandbox)
    clock.advance(kraken.sandbox, 60)
    assert names(kraken) == ["bot"]


def test_every_call_with_a_credential_can_be_late():
    only = KINDS["late-deed"].only
    for route in ROUTES:
        assert any(fnmatchcase(route.path, path) for path in only) is isinstance(route.guard, Bearer | Signed), route


def test_no_credential_is_kept_for_a_late_deed(kraken, db):
    public, secret = seed.seed_website_key(kraken.sandbox, "acme", "hand", ["withdraw-funds"])
    with opened(kraken.sandbox) as database, database.write() as connection:
        connection.execute("UPDATE key SET otp = ? WHERE name = 'hand'", (f"static:{CANARY}",))
    set_fault(kraken, "late-deed", endpoint="CreateSubaccount")
    with pytest.raises(ConnectionError):
        kraken.signed("CreateSubaccount", (public, secret), otp=CANARY, username="late", email="l@acme.example")
    give_up(kraken, "bot")
    with closing(sqlite3.connect(db)) as connection:
        rows = [*connection.execute("SELECT * FROM late_deed"), *connection.execute("SELECT * FROM fault")]
    assert len(rows) == 4
    for canary in (CANARY, secret, kraken.master.token["access_token"], kraken.master.secret):
        assert canary not in repr(rows)


# What a fault is aimed at


@pytest.mark.parametrize(
    ("endpoint", "hit"),
    [
        ("POST /oauth/fast-api-key", True),
        ("post /oauth/fast-api-key", True),
        ("/oauth/fast-api-key", True),
        ("fast-api-key", True),
        ("fast-*", True),
        ("* /oauth/*", True),
        ("*", True),
        ("DELETE /oauth/fast-api-key", False),
        ("/oauth/fast-api-keys", False),
        ("/oauth/token", False),
    ],
)
def test_an_endpoint_is_named_in_full_or_by_its_end(kraken, endpoint, hit):
    set_fault(kraken, "error", endpoint=endpoint)
    kraken.keys("POST", {"api_key_name": "bot"})
    assert counts(kraken) == (int(hit), int(hit))


def test_without_an_endpoint_the_website_is_spared_and_so_is_what_is_not_there(kraken):
    set_fault(kraken, "error", times="always")
    assert kraken.send("GET", "/sign-in").status == 200
    assert kraken.send("GET", "/nowhere").status == 404
    assert counts(kraken) == (0, 0)
    faults.clear(kraken.sandbox)
    set_fault(kraken, "http-error", endpoint="/sign-in")
    assert kraken.send("GET", "/sign-in").status == 502


def test_an_account_is_named_by_its_username(kraken):
    other = seed.seed_account(kraken.sandbox, username="beta", email="b@acme.example")
    set_fault(kraken, "error", account="beta", times="always")
    assert kraken.signed(INFO).result
    assert names(kraken) == []
    assert kraken.signed(INFO, (other.public_key, other.secret)).error == "EService:Unavailable"
    assert kraken.keys("GET", token=other.token["access_token"]).error == "EService:Unavailable"
    assert kraken.refresh(kraken.master.token["refresh_token"]).status == 200
    assert kraken.refresh(other.token["refresh_token"]).error == "EService:Unavailable"
    assert kraken.send("GET", "/0/public/Time").result


def test_the_nth_matching_call_and_so_many_after_it_are_struck(kraken):
    set_fault(kraken, "error", endpoint="Time", nth=2, times=2)
    answers = [kraken.send("GET", "/0/public/Time").json["error"] for _ in range(5)]
    assert [bool(error) for error in answers] == [False, True, True, False, False]
    kraken.listed()
    assert counts(kraken) == (3, 2)


def _time(db: Path, master: seed.SeededAccount) -> None:
    sandbox = open_sandbox(db)
    Caller(sandbox, master).send("GET", "/0/public/Time")
    sandbox.close()


def test_calls_are_counted_across_processes(kraken, db):
    set_fault(kraken, "error", nth=2)
    other = get_context("fork").Process(target=_time, args=(db, kraken.master))
    other.start()
    other.join()
    assert kraken.send("GET", "/0/public/Time").error == "EService:Unavailable"


told = st.fixed_dictionaries(
    {},
    optional={
        "nth": st.integers(1, 6),
        "times": st.integers(1, 6) | st.just("always"),
        "probability": st.floats(0, 1, exclude_min=True),
        "seed": st.integers(0, 9),
    },
)


def struck(aimed: dict[str, Any], calls: int) -> list[int]:
    hits: list[int] = []
    for number in range(1, calls + 1):
        if aim.strikes(aimed, number, len(hits)):
            hits.append(number)
    return hits


@given(aimed=told, calls=st.integers(0, 40))
def test_the_same_aim_strikes_the_same_calls_and_never_too_early_or_too_often(aimed, calls):
    hits = struck(aimed, calls)
    assert hits == struck(aimed, calls) == [number for number in struck(aimed, calls + 5) if number <= calls]
    assert all(number >= aimed.get("nth", 1) for number in hits)
    assert aimed.get("times", 1) == "always" or len(hits) <= aimed.get("times", 1)


def test_another_seed_strikes_other_calls_and_about_as_many():
    every = [struck({"probability": 0.3, "times": "always", "seed": seed}, 1000) for seed in range(5)]
    assert len({tuple(hits) for hits in every}) == 5
    assert all(200 < len(hits) < 400 for hits in every)


def test_of_two_faults_of_one_kind_the_first_strikes_and_the_second_has_its_turn(kraken):
    set_fault(kraken, "error", error="EService:Busy")
    set_fault(kraken, "error", error="EService:Unavailable")
    assert [kraken.signed(INFO).json["error"] for _ in range(3)] == [["EService:Busy"], ["EService:Unavailable"], []]


# What could never strike is refused


@pytest.mark.parametrize(
    ("kind", "endpoint", "hint"),
    [
        ("rate-limit", "Balanc", "did you mean POST /0/private/Balance?"),
        ("cut", "/0/private/Blance", "did you mean POST /0/private/Balance?"),
        ("cut", "tradebalance", "did you mean POST /0/private/TradeBalance?"),
        ("cut", "GET Balance", "did you mean POST /0/private/Balance?"),
        ("error", "*/oauth/*", "it strikes no page"),
        ("cut", "fees", "sandbox endpoints"),
        ("cut", "/_sandbox/clock", "sandbox endpoints"),
        ("slow-key", "Balance", "it strikes POST /oauth/fast-api-key, POST /app/settings/api/new"),
        ("late-deed", "/oauth/token", "it strikes /0/private/*"),
        ("lockout", "/oauth/userinfo", "it strikes /0/private/*"),
        ("error", "/app/settings/api/new", "it strikes no page"),
    ],
)
def test_a_fault_that_could_never_strike_is_refused(kraken, kind, endpoint, hint):
    with pytest.raises(UsageError) as caught:
        set_fault(kraken, kind, endpoint=endpoint)
    assert hint in caught.value.hint
    assert faults.listing(kraken.sandbox) == []


@pytest.mark.parametrize("route", [route for route in ROUTES if route.group != "sandbox"], ids=lambda r: r.path)
def test_every_endpoint_can_be_named_with_words_for_its_braces(kraken, route):
    set_fault(kraken, "cut", endpoint=f"{route.method} {route.path.replace('{', '').replace('}', '')}")
    set_fault(kraken, "cut", endpoint=route.path)


def test_a_person_is_shown_no_json(kraken):
    set_fault(kraken, "error", endpoint="/oauth/*", times="always")
    assert kraken.send("GET", "/oauth/authorize").headers["Content-Type"].startswith("text/html")
    assert kraken.keys("GET").error == "EService:Unavailable"


def test_an_account_that_is_not_there_is_refused(kraken):
    with pytest.raises(UsageError, match="no account “nobody”"):
        set_fault(kraken, "cut", account="nobody")


def test_with_a_mistake_in_one_fault_none_is_set(kraken):
    with pytest.raises(UsageError):
        faults.add_all(kraken.sandbox, [{"kind": "cut"}, {"kind": "cut", "endpoint": "Nope"}])
    assert faults.listing(kraken.sandbox) == []


# Keys that people make are struck as on the website


def make_key(kraken: Caller, name: str = "bot") -> tuple[str, str]:
    made = operate.make_key(kraken.sandbox, "acme", name, ["query-funds"])
    return made["apiKey"], made["secret"]


def test_a_persons_new_key_is_slow_too_and_needs_no_endpoint(kraken):
    set_fault(kraken, "slow-key", account="acme")
    key = make_key(kraken)
    assert kraken.signed(INFO, key).error == "EAPI:Invalid key"
    clock.advance(kraken.sandbox, 60)
    assert kraken.signed(INFO, key).result


def test_a_key_that_a_person_revokes_lives_on_for_a_while(kraken):
    key = make_key(kraken)
    set_fault(kraken, "slow-revoke")
    operate.revoke_key(kraken.sandbox, "acme", "bot")
    assert kraken.signed(INFO, key).result
    clock.advance(kraken.sandbox, 60)
    assert kraken.signed(INFO, key).error == "EAPI:Invalid key"


def test_a_persons_key_may_be_issued_with_less_than_was_asked_for(kraken):
    set_fault(kraken, "misissue", drop="query-funds")
    assert kraken.signed("Balance", make_key(kraken)).error == "EGeneral:Permission denied"


def test_a_person_finds_the_slots_full_as_often_as_the_fault_says(kraken):
    set_fault(kraken, "slots-full")
    with pytest.raises(UsageError, match="no further key"):
        make_key(kraken)
    assert make_key(kraken)


def test_what_a_person_does_counts_only_for_faults_about_keys(kraken):
    set_fault(kraken, "cut", endpoint="/app/settings/api/new")
    make_key(kraken)
    assert counts(kraken) == (0, 0)


# How a fault is written


def test_a_fault_is_listed_as_it_was_set(kraken):
    number = faults.add(kraken.sandbox, faults.parse("http-error,status=503, endpoint=/oauth/*,retry_after=2"))
    shown = {"id": number, "kind": "http-error", "status": 503, "endpoint": "/oauth/*", "retry-after": 2}
    assert faults.listing(kraken.sandbox) == [shown | {"seen": 0, "struck": 0}]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_reads_in_both_spellings_and_survives_being_listed(kraken, kind):
    text = "misissue,drop=add-funds" if kind == "misissue" else kind
    fault = faults.parse(f"{text},nth=2,probability=0.5,times=always")
    faults.add(kraken.sandbox, fault)
    [shown] = faults.listing(kraken.sandbox)
    assert {name: shown[name] for name in fault} == fault


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("anser-lost", "did you mean answer-lost?"),
        ("", "there are: answer-lost, "),
        ("delay,second=5", "did you mean seconds?"),
        ("delay,seconds=soon", "it can be: a number from 0 to 600"),
        ("delay,seconds=inf", "it can be"),
        ("delay,seconds", "write KIND,name=value"),
        ("delay,seconds=1,seconds=2", "write KIND,name=value"),
        ("delay,kind=cut", "write KIND,name=value"),
        ("cut,nth=0", "it can be: a whole number from 1"),
        ("cut,nth=1.5", "it can be"),
        ("cut,times=never", "or always"),
        ("cut,probability=2", "it can be: a number above 0, up to 1"),
        ("cut,probability=0", "it can be: a number above 0, up to 1"),
        ("http-error,status=200", "it can be"),
        ("http-error,body=pdf", "it can be: one of html, json, empty"),
        ("error,error=no", "it can be: an error string"),
        ("error,after=perhaps", "it can be: yes or no"),
        ("misissue", "set one of: add, drop"),
        ("misissue,add=fly", "it can be: permission codes"),
        ("misissue,ip-allowlist=here", "it can be: addresses"),
        (f"key-renamed,name={'n' * 33}", "it can be: text of up to 32"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused_with_what_would(text, hint):
    with pytest.raises(UsageError) as caught:
        faults.parse(text)
    assert hint in caught.value.hint


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["always", "any", "yes"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=5,
)
settings_of = st.sampled_from(sorted({name for kind in KINDS.values() for name in kind.settings} | faults.AIM.keys()))


# The least and the most of what a setting takes, and all of what else it may be.
ENDS = [0, 1, -1, 2**53, 1e-9, 600, 86400, 10 * 366 * 86400.0, -10 * 366 * 86400.0, 400, 599]
ENDS += [[], ["withdraw-funds"], "any", "0.0.0.0/0+::1", "yes", "no", True, "html", "json", "empty", "listing", "both"]
ENDS += ["EGeneral:" + "~" * 120, "WGeneral:Warning", "n" * 32, "\0", "é" * 16, "*", "[", "POST *", "acme", "always"]


CALLS = [
    lambda kraken: kraken.send("GET", "/0/public/Time"),
    lambda kraken: kraken.signed(INFO),
    lambda kraken: kraken.keys("GET"),
    lambda kraken: kraken.keys("POST", {"api_key_name": "bot", "permissions": {"funds_query": True}}),
    lambda kraken: kraken.keys("PUT", {"api_key_name": "bot", "ip_allowlist": []}),
    lambda kraken: kraken.keys("DELETE", {"api_key_name": "bot"}),
    lambda kraken: kraken.signed("CreateSubaccount", username="sub", email="s@acme.example"),
    lambda kraken: kraken.send("GET", "/app/settings/api"),
]


def accepted(kind: str) -> list[dict[str, Any]]:
    """Faults of a kind that differ in one setting; whatever it does not take is left out."""
    must = {"drop": "add-funds"} if kind == "misissue" else {}
    found = [{"kind": kind, "times": "always"} | must]
    for name, value in itertools.product(KINDS[kind].settings, ENDS):
        fault = found[0] | {name: value}
        with suppress(UsageError):
            faults.checked(fault)
            found.append(fault)
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_no_fault_that_is_accepted_makes_a_call_fail(db, kind):
    """At worst the connection is cut, as a fault may say, or the answer is what a fault says."""
    sandbox = open_sandbox(db, hold=lambda _: None)
    kraken = Caller(sandbox, seed.seed_account(sandbox, username="acme", email="desk@acme.example"))
    for fault in accepted(kind):
        faults.clear(sandbox)
        clock.freeze(sandbox, NOW)
        faults.add(sandbox, fault)
        for call in CALLS:
            with suppress(ConnectionError):
                assert call(kraken).status < 500 or kind == "http-error"
    sandbox.close()


@given(kind=st.sampled_from(sorted(KINDS)) | anything, more=st.dictionaries(settings_of, anything, max_size=4))
def test_whatever_a_fault_is_said_to_be_it_is_read_or_refused(kind, more):
    try:
        read = faults.checked({"kind": kind, **more})
    except UsageError:
        return
    assert json.loads(json.dumps(read)) == read


def test_clearing_takes_one_fault_or_all(kraken):
    first, second = set_fault(kraken, "cut"), set_fault(kraken, "delay")
    faults.clear(kraken.sandbox, first)
    assert [fault["id"] for fault in faults.listing(kraken.sandbox)] == [second]
    with pytest.raises(UsageError, match="no fault has the number"):
        faults.clear(kraken.sandbox, first)
    faults.clear(kraken.sandbox)
    assert faults.listing(kraken.sandbox) == []


def test_a_slowly_revoked_key_and_its_successor_of_the_same_name_are_both_listed_as_they_are(kraken):
    set_switch(kraken.sandbox, "list-api-key", "present")
    first = kraken.issue("bot")
    faults.add(kraken.sandbox, {"kind": "slow-revoke", "where": "listing"})
    kraken.keys("DELETE", {"api_key_name": "bot"})
    second = kraken.issue("bot")
    assert [key["api_key"] for key in kraken.listed()] == [first["api_key"], second["api_key"]]
