"""A sandbox with one account, whose answers the shapes are held against."""

from __future__ import annotations

from pathlib import Path

import pytest

from krakenctl.sandbox import clock, open_sandbox
from krakenctl.sandbox.people import seed

NOW = 1_800_000_000


@pytest.fixture
def sandbox(tmp_path: Path):
    opened = open_sandbox(tmp_path / "sandbox.db")
    clock.freeze(opened, NOW)
    seed.seed_account(opened, username="acme", email="desk@acme.example")
    yield opened
    opened.close()
