"""The table of what the sandbox serves, against Kraken's reference as a person copied it from there."""

from __future__ import annotations

import json
from collections import Counter

import pytest

import kraken_permissions
from krakenctl.sandbox import routes
from krakenctl.sandbox.coverage import as_markdown, coverage
from krakenctl.sandbox.keys import Key
from krakenctl.sandbox.switches import DEFAULTS, SWITCHES
from running import ROOT

WANTED = {row.endpoint: row for row in kraken_permissions.read()}
ROWS = coverage()
SERVED = {f"{row['method']} {row['path']}": row for row in ROWS if row["served"]}
SIGNED = {endpoint: row for endpoint, row in SERVED.items() if row["gate"] is not None}


def test_every_private_call_of_the_reference_is_served_and_no_other():
    assert SIGNED.keys() == WANTED.keys()


@pytest.mark.parametrize("endpoint", WANTED)
def test_a_call_asks_for_what_the_reference_says(endpoint):
    wanted, row = WANTED[endpoint], SIGNED[endpoint]
    assert kraken_permissions.ways(row["gate"]) == kraken_permissions.ways(wanted.requirement)
    assert row["unless"] == wanted.unless
    assert kraken_permissions.ways(row["guide"] or row["gate"]) == kraken_permissions.ways(
        wanted.guide or wanted.requirement
    )
    assert (row["cost"], row["costLow"], row["costHigh"]) == (wanted.cost, wanted.low, wanted.high)


def test_what_sources_disagree_about_names_its_switch():
    for endpoint, wanted in WANTED.items():
        named = SIGNED[endpoint]["switches"]
        assert ("permissions-by" in named) is bool(wanted.guide)
        assert ("call-cost" in named) is (wanted.low != wanted.high)
    assert {name for row in ROWS for name in row["switches"]} <= SWITCHES.keys()


def test_the_switch_says_how_many_calls_the_guide_disagrees_about():
    partly = [row.endpoint for row in WANTED.values() if row.guide and row.unless]
    differ = sum(bool(row.guide) for row in WANTED.values()) - len(partly)
    assert f"differ on {differ} endpoints" in SWITCHES["permissions-by"].source
    assert partly == ["POST /0/private/WithdrawCancel"]


def test_an_endpoint_is_one_row_and_every_row_has_its_source():
    assert max(Counter((row["method"], row["path"]) for row in ROWS).values()) == 1
    assert all(row["source"] and row["gatedBy"] for row in ROWS if row["served"])


STANDS_FOR = {"<number>": "60", "<error>": "EAPI:Invalid key", "<permission>": "query-funds"}
SETTINGS = [(s.name, STANDS_FOR.get(value, value)) for s in SWITCHES.values() for value in s.allowed]


def ruling(guard, switches):
    """Who is let in and what it costs: what a switch that is not named must leave alone."""
    by_oauth = Key(*["" if name == "codes" else 0 for name in Key._fields])._replace(client="bot")
    return routes.wanted(guard, switches), routes.lets_in(guard, by_oauth, switches), routes.cost(guard, switches)


@pytest.mark.parametrize("endpoint", SIGNED)
def test_exactly_the_switches_that_change_who_is_let_in_or_what_it_costs_are_named(endpoint):
    route, _ = routes.find(*endpoint.split(" "))
    usual = ruling(route.guard, DEFAULTS)
    change = {name for name, value in SETTINGS if ruling(route.guard, DEFAULTS | {name: value}) != usual}
    assert {*SIGNED[endpoint]["switches"]} == change | {"bearer-on-private"}


def test_a_list_of_keys_names_the_switches_of_its_path_and_its_scope():
    for path in ("/oauth/fast-api-key", "/oauth/fast-api-keys"):
        assert SERVED[f"GET {path}"]["switches"] == ["list-path", "list-scope"]
    assert SERVED["POST /oauth/fast-api-key"]["switches"] == []


def test_a_gate_with_an_exception_is_not_read_as_any_key():
    row = SIGNED["POST /0/private/WithdrawCancel"]
    assert (row["gate"], row["unless"]) == ("withdraw-funds", "a WalletTransfer")
    assert row["gatedBy"] == "signature + withdraw-funds, unless it is a WalletTransfer"


def test_what_is_not_served_says_why():
    missing = [row for row in ROWS if not row["served"]]
    assert sum("PrimeApiUser" in row["path"] for row in missing) == 9
    assert all(row["reason"] and row["source"] for row in missing)


def test_every_row_has_the_same_fields_and_is_plain_data():
    assert len({tuple(row) for row in ROWS}) == 1
    assert json.loads(json.dumps(ROWS)) == ROWS


def test_the_page_in_the_docs_is_the_table():
    assert (ROOT / "docs/sandbox-endpoints.md").read_text(encoding="utf-8") == as_markdown(ROWS), (
        "run `python -m krakenctl.sandbox.coverage > docs/sandbox-endpoints.md`"
    )
