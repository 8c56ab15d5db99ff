"""The benchmarks' workspaces are real ones, and stay so."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from running import ROOT, krakenctl


@pytest.mark.parametrize(("option", "accounts"), [("--keys", 3), ("--accounts", 20)])
def test_a_generated_workspace_is_in_order(tmp_path: Path, option: str, accounts: int) -> None:
    command = [sys.executable, ROOT / "benchmarks/generate.py", tmp_path / "w", option, "20", "--seeded"]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    planned = krakenctl("-C", tmp_path / "w", "plan", "--detailed-exitcode", "-o", "json")
    assert planned.code == 0, planned.err
    assert len(planned.json["unchanged"]) == 20
    assert len(planned.json["accounts"]) == accounts


def test_the_sandbox_is_measured_embedded_and_served() -> None:
    """So short that the numbers mean nothing; but every call is answered without an error, or it would have failed."""
    command = [sys.executable, ROOT / "benchmarks/sandbox.py", "--seconds", "0.1", "--keys", "1000", "-o", "json"]
    measured = json.loads(subprocess.run(command, check=True, capture_output=True, timeout=120).stdout)
    assert [(each["what"], each["clients"]) for each in measured["results"][:6]] == [
        ("embedded", 1),
        ("embedded", 8),
        ("hello", 1),
        ("served", 1),
        ("hello", 8),
        ("served", 8),
    ]
    assert all(each["per_second"] > 0 for each in measured["results"])
    assert measured["machine"]["processor"]


def test_many_accounts_cost_the_calls_that_the_design_allows_and_no_more() -> None:
    far = ["--accounts", "4", "--keys", "2", "--latency", "0.001", "--parallelism", "2"]
    command = [sys.executable, ROOT / "benchmarks/accounts.py", *far, "-o", "json"]
    measured = json.loads(subprocess.run(command, check=True, capture_output=True, timeout=120).stdout)
    assert [each["what"] for each in measured["results"]] == ["issue", "rotate"]
    assert all(each["calls"] == each["planned_calls"] for each in measured["results"])
    assert all(each["wall"] > each["ideal"] > 0 for each in measured["results"])


def test_a_year_is_lived_through_with_every_tick_and_with_every_third_one_missed() -> None:
    command = [sys.executable, ROOT / "benchmarks/year.py", "--days", "6", "--keys", "6", "--every", "6", "-o", "json"]
    lived = json.loads(subprocess.run(command, check=True, capture_output=True, timeout=120).stdout)
    assert {name: year["ticks"] for name, year in lived["results"].items()} == {
        "every tick": 6,
        "every third tick missed": 4,
    }
    for year in lived["results"].values():
        assert year["calls"] == 6 * 6 * 6  # four times a day, and once more before the tick and after it
        assert (year["failures"], year["broken"], year["gaps"]) == ([], [], 0)


def test_the_journal_is_measured_beside_a_bare_fsync_on_either_sort_of_state(postgres) -> None:
    command = [sys.executable, ROOT / "benchmarks/journal.py", "--rounds", "2", "--dsn", postgres.dsn]
    table = subprocess.run(command, check=True, capture_output=True, timeout=120, text=True).stdout
    contestants = [line.split("|")[1].partition(":")[0].strip() for line in table.splitlines()[2:]]
    assert contestants == ["a bare write and fsync", *["SQLite"] * 3, *["PostgreSQL"] * 3]
    assert postgres.sql("SELECT 1 FROM pg_tables WHERE schemaname LIKE 'krakenctl_bench%'") == []
