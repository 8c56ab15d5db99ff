"""The sandbox's own endpoints: faults, clock, switches and endpoints, for whoever sits at this computer."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sandbox_caller import NOW, Caller, Reply

from krakenctl.errors import UsageError
from krakenctl.sandbox import clock, faults
from krakenctl.sandbox.switches import DEFAULTS, all_switches, set_switch


def ask(kraken: Caller, method: str, name: str, body: Any = None, **environ: Any) -> Reply:
    content = b"" if body is None else json.dumps(body).encode()
    return kraken.send(method, f"/_sandbox/{name}", content, **{"REMOTE_ADDR": "127.0.0.1"} | environ)


# Faults


def test_faults_are_set_listed_and_cleared(kraken):
    first = ask(kraken, "POST", "faults", {"kind": "cut", "nth": 2}).result["id"]
    second = ask(kraken, "POST", "faults", {"kind": "delay", "seconds": 1}).result["id"]
    shown = ask(kraken, "GET", "faults").result
    assert shown == faults.listing(kraken.sandbox)
    assert shown[0] == {"id": first, "kind": "cut", "nth": 2, "seen": 0, "struck": 0}
    assert [fault["id"] for fault in ask(kraken, "DELETE", "faults", {"id": first}).result] == [second]
    assert ask(kraken, "DELETE", "faults").result == []


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"kind": "dely"}, "did you mean delay?"),
        ({"kind": "delay", "seconds": "soon"}, "delay: seconds cannot be 'soon'; it can be: a number"),
        ({}, "there is no fault"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused_and_told_why(kraken, body, said):
    reply = ask(kraken, "POST", "faults", body)
    assert reply.status == 400
    assert said in reply.error
    assert faults.listing(kraken.sandbox) == []


def test_a_fault_may_be_cleared_by_a_query_string(kraken):
    first, second = (faults.add(kraken.sandbox, {"kind": kind}) for kind in ("cut", "delay"))
    assert [fault["id"] for fault in ask(kraken, "DELETE", f"faults?id={first}").result] == [second]


@pytest.mark.parametrize("query", ["number=1", "id=1&all=yes", "id=x", "id=9", "id=" + "1" * 5000])
def test_a_query_string_that_says_something_else_clears_none(kraken, query):
    faults.add(kraken.sandbox, {"kind": "cut"})
    assert ask(kraken, "DELETE", f"faults?{query}").status == 400
    assert len(faults.listing(kraken.sandbox)) == 1


@pytest.mark.parametrize("body", [b"{bad", b"", b"[]", b'{"kind":"cut","kind":"cut"}'])
@pytest.mark.parametrize("name", ["faults", "clock", "switches"])
def test_a_body_that_is_no_json_object_is_a_bad_request_and_says_so(kraken, name, body):
    reply = kraken.send("POST", f"/_sandbox/{name}", body, REMOTE_ADDR="127.0.0.1")
    assert reply.status == 400
    assert "must be one JSON object" in reply.error


@pytest.mark.parametrize("body", [{"id": 9}, {"id": "1"}, {"id": True}, {"id": 2**70}, {"number": 1}])
def test_clearing_a_fault_that_is_not_there_clears_none(kraken, body):
    faults.add(kraken.sandbox, {"kind": "cut"})
    assert ask(kraken, "DELETE", "faults", body).status == 400
    assert len(faults.listing(kraken.sandbox)) == 1


def test_no_fault_strikes_these_endpoints(kraken):
    faults.add(kraken.sandbox, {"kind": "cut", "endpoint": "*", "times": "always"})
    assert ask(kraken, "GET", "clock").result["now"] == NOW
    assert ask(kraken, "GET", "nowhere").status == 404
    assert ask(kraken, "GET", "faults").result[0]["seen"] == 0


# Clock


def test_the_clock_is_moved_frozen_and_let_go(kraken, monkeypatch):
    monkeypatch.setattr("time.time", lambda: 1000.0)
    assert ask(kraken, "POST", "clock", {"advance": 60}).result == {"now": NOW + 60, "frozen": True, "offset": 0}
    assert ask(kraken, "POST", "clock", {"run": True}).result == {"now": 1000, "frozen": False, "offset": 0}
    assert ask(kraken, "POST", "clock", {"offset": -30}).result == {"now": 970, "frozen": False, "offset": -30}
    assert ask(kraken, "POST", "clock", {"freeze": 5}).result == {"now": 5, "frozen": True, "offset": -30}
    assert ask(kraken, "GET", "clock").result["now"] == 5


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"advance": -1},
        {"advance": "soon"},
        {"advance": True},
        {"freeze": 1e300},
        {"offset": None},
        {"run": False},
        {"rewind": 1},
        {"advance": 1, "run": True},
    ],
)
def test_a_clock_that_makes_no_sense_is_refused_and_left_alone(kraken, body):
    assert ask(kraken, "POST", "clock", body).status == 400
    assert clock.now(kraken.sandbox) == NOW


def test_the_clock_takes_what_its_command_takes(kraken, monkeypatch):
    monkeypatch.setattr("time.time", lambda: 1000.0)
    assert ask(kraken, "POST", "clock", {"advance": "1d"}).result["now"] == NOW + 86400
    assert ask(kraken, "POST", "clock", {"freeze": "2027-01-01T00:00:00Z"}).result["now"] == 1_798_761_600
    assert ask(kraken, "POST", "clock", {"freeze": "now"}).result["now"] == 1_798_761_600
    assert ask(kraken, "POST", "clock", {"offset": "-30s"}).result["offset"] == -30


def test_a_clock_that_cannot_go_back_says_what_can(kraken):
    assert ask(kraken, "POST", "clock", {"advance": -5}).error.endswith("an offset, or freezing it, can turn it back")


# Switches and endpoints


def test_switches_are_turned_and_all_are_shown(kraken):
    turned = {"tier": "starter", "keys-per-account": 12}
    shown = ask(kraken, "POST", "switches", turned).result
    assert shown == ask(kraken, "GET", "switches").result == all_switches(kraken.sandbox)
    assert shown == DEFAULTS | {"tier": "starter", "keys-per-account": "12"}


@pytest.mark.parametrize("wrong", [{"tier": "vip"}, {"tier": None}, {"clock-frozen": "1"}, {"gravity": "off"}])
def test_one_wrong_switch_turns_none(kraken, wrong):
    assert ask(kraken, "POST", "switches", {"error-space": "space"} | wrong).status == 400
    assert all_switches(kraken.sandbox) == DEFAULTS


def test_a_switch_takes_a_number_and_no_truth(kraken):
    set_switch(kraken.sandbox, "lockout-threshold", 3)
    assert all_switches(kraken.sandbox)["lockout-threshold"] == "3"
    with pytest.raises(UsageError, match="cannot be “True”"):
        set_switch(kraken.sandbox, "lockout-threshold", True)


def test_what_is_served_can_be_asked(kraken):
    rows = ask(kraken, "GET", "endpoints").result
    [row] = [row for row in rows if row["path"] == "/0/private/AddOrder"]
    assert (row["method"], row["gate"]) == ("POST", "modify-trades")


# Who may ask

EVERY = [
    ("GET", "faults"),
    ("POST", "faults"),
    ("DELETE", "faults"),
    ("GET", "clock"),
    ("POST", "clock"),
    ("GET", "switches"),
    ("POST", "switches"),
    ("GET", "endpoints"),
]
GOOD = {"faults": {"kind": "cut"}, "clock": {"advance": 1}, "switches": {"tier": "starter"}}


def assert_nothing_was_done(kraken: Caller) -> None:
    assert faults.listing(kraken.sandbox) == []
    assert clock.now(kraken.sandbox) == NOW
    assert all_switches(kraken.sandbox) == DEFAULTS


@pytest.mark.parametrize(("method", "name"), EVERY)
def test_only_this_computer_may_ask(kraken, method, name):
    assert ask(kraken, method, name, GOOD.get(name), REMOTE_ADDR="203.0.113.7").status == 403
    assert_nothing_was_done(kraken)


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "203.0.113.7", "localhost.evil.example", "[::2]:1"]
)
@pytest.mark.parametrize(("method", "name"), EVERY)
def test_a_page_of_another_name_cannot_ask_through_a_browser(kraken, method, name, host):
    assert ask(kraken, method, name, GOOD.get(name), HTTP_HOST=host).status == 403
    assert_nothing_was_done(kraken)


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8080", "127.0.0.1:80", "127.0.0.2", "[::1]:8080", "kraken.localhost"]
)
def test_every_name_of_this_computer_will_do(kraken, host):
    assert ask(kraken, "POST", "faults", {"kind": "cut"}, HTTP_HOST=host).result["id"]


@pytest.mark.parametrize("sort", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
@pytest.mark.parametrize("name", GOOD)
def test_a_form_of_another_site_is_refused(kraken, name, sort):
    assert ask(kraken, "POST", name, GOOD[name], CONTENT_TYPE=sort, raw=True).status == 415
    assert_nothing_was_done(kraken)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
words = st.sampled_from(["kind", "id", "endpoint", "nth", "advance", "freeze", "offset", "run", "tier", "seconds"])


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(call=st.sampled_from(EVERY), body=anything | st.dictionaries(words, anything, max_size=3), host=st.text())
def test_whatever_is_sent_the_answer_is_an_envelope(kraken, call, body, host):
    for environ in ({}, {"HTTP_HOST": host}):
        reply = ask(kraken, *call, body, **environ, raw=True)
        assert reply.status in {200, 400, 403}
        assert isinstance(reply.json["error"], list)
