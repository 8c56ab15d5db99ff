"""Mischief: every sort of fault, and what it leaves behind."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from sandbox_caller import NOW, Caller, pair
from sandbox_mischief import INFO, ISSUE, counts, names, on_website, set_fault

from krakenctl.errors import AnswerLost, UsageError
from krakenctl.sandbox import clock, faults, open_sandbox
from krakenctl.sandbox.database import opened
from krakenctl.sandbox.people import operate, seed
from krakenctl.sandbox.switches import set_switch
from krakenctl.transport.http import Http
from krakenctl.transport.wsgi import WsgiAdapter

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


def test_a_slowly_revoked_key_and_its_successor_of_the_same_name_are_both_listed_as_they_are(kraken):
    set_switch(kraken.sandbox, "list-api-key", "present")
    first = kraken.issue("bot")
    faults.add(kraken.sandbox, {"kind": "slow-revoke", "where": "listing"})
    kraken.keys("DELETE", {"api_key_name": "bot"})
    second = kraken.issue("bot")
    assert [key["api_key"] for key in kraken.listed()] == [first["api_key"], second["api_key"]]
