"""What a fault is aimed at and how it is written; one that could never strike, or makes no sense, is refused."""

from __future__ import annotations

import itertools
import json
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sandbox_caller import NOW, Caller
from sandbox_mischief import INFO, counts, names, set_fault

from krakenctl.errors import UsageError
from krakenctl.sandbox import clock, faults, open_sandbox
from krakenctl.sandbox.faults import aim
from krakenctl.sandbox.faults.kinds import KINDS
from krakenctl.sandbox.people import seed
from krakenctl.sandbox.routes import ROUTES

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
