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


def test_the_journal_is_measured_beside_a_bare_fsync_on_either_sort_of_state(postgres) -> None:
    command = [sys.executable, ROOT / "benchmarks/journal.py", "--rounds", "2", "--dsn", postgres.dsn]
    table = subprocess.run(command, check=True, capture_output=True, timeout=120, text=True).stdout
    contestants = [line.split("|")[1].partition(":")[0].strip() for line in table.splitlines()[2:]]
    assert contestants == ["a bare write and fsync", *["SQLite"] * 3, *["PostgreSQL"] * 3]
    assert postgres.sql("SELECT 1 FROM pg_tables WHERE schemaname LIKE 'krakenctl_bench%'") == []
