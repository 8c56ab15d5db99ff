"""The benchmarks' workspaces are real ones, and stay so."""

from __future__ import annotations

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
