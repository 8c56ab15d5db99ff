"""The part of the chaos matrix that fits into a test run; `make chaos` runs the whole. See docs/chaos.md."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from chaos.by_person import ALL
from chaos.matrix import WITH_A_PERSON
from chaos.quirks import COLUMNS, POSTGRES, QUIRKS
from chaos.sabotage import SABOTAGE
from chaos.scenarios import SCENARIOS
from running import ROOT

if TYPE_CHECKING:
    from postgres import Server


def _chaos(*args: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own, which is warm and has no threads: each cell is a fork of it."""
    return subprocess.run(
        [sys.executable, ROOT / "benchmarks/chaos.py", "--processes", "1", *args],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_whatever_strikes_a_run_the_next_ones_bring_back_every_promise(scenario: str):
    ran = _chaos("--fast", "--scenario", scenario, *(word for quirk in QUIRKS for word in ("--quirk", quirk)))
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.parametrize("scenario", WITH_A_PERSON)
def test_whenever_a_run_dies_that_asks_a_person_no_key_is_lost_from_sight(scenario: str):
    ran = _chaos("--fast", "--scenario", scenario)
    assert (ran.returncode, "0 cells" in ran.stdout) == (0, False), ran.stdout + ran.stderr


def test_the_same_holds_for_a_state_on_a_postgresql_server(postgres: Server):
    """On one of its own: this server is killed."""
    ran = _chaos("--fast", "--quirk", POSTGRES)
    assert (ran.returncode, "0 cells" in ran.stdout) == (0, False), ran.stdout + ran.stderr


def test_the_matrix_notices_every_krakenctl_that_breaks_a_promise():
    ran = _chaos("--sabotage", "all")
    assert (ran.returncode, ran.stdout.count("noticed: ")) == (0, len(SABOTAGE)), ran.stdout + ran.stderr


def test_a_cell_can_be_run_again_by_its_name():
    ran = _chaos("--cell", "create/0/kill/default")
    assert (ran.returncode, ran.stdout.splitlines()[-1]) == (0, "every promise was kept")


def test_the_page_names_every_scenario_and_every_quirk():
    words = set(re.findall(r"[\w-]+", (ROOT / "docs/chaos.md").read_text()))
    assert {*ALL, *COLUMNS} <= words
