"""The table of what the sandbox serves, against Kraken's reference as a person copied it from there."""

from __future__ import annotations

import json
from collections import Counter

import pytest

import kraken_permissions
from krakenctl.sandbox.coverage import as_markdown, coverage
from krakenctl.sandbox.switches import SWITCHES
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
    assert kraken_permissions.ways(row["guide"] or row["gate"]) == kraken_permissions.ways(
        wanted.guide or wanted.requirement
    )
    assert (row["cost"], row["cost_low"], row["cost_high"]) == (wanted.cost, wanted.low, wanted.high)


def test_what_sources_disagree_about_names_its_switch():
    for endpoint, wanted in WANTED.items():
        named = SIGNED[endpoint]["switches"]
        assert ("permissions-by" in named) is bool(wanted.guide)
        assert ("call-cost" in named) is (wanted.low != wanted.high)
    assert {name for row in ROWS for name in row["switches"]} <= SWITCHES.keys()


def test_the_switch_says_how_many_calls_the_guide_disagrees_about():
    differ = sum(bool(row.guide) for row in WANTED.values())
    assert f"differ on {differ} endpoints" in SWITCHES["permissions-by"].source


def test_an_endpoint_is_one_row_and_every_row_has_its_source():
    assert max(Counter((row["method"], row["path"]) for row in ROWS).values()) == 1
    assert all(row["source"] and row["gated_by"] for row in ROWS if row["served"])


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
