"""A sandbox with one master account and a frozen clock."""

from __future__ import annotations

from pathlib import Path

import pytest
from sandbox_caller import NOW, Caller

from krakenctl.sandbox import clock, open_sandbox
from krakenctl.sandbox.people import seed


@pytest.fixture
def db(tmp_path: Path) -> Path:
    return tmp_path / "sandbox.db"


@pytest.fixture
def kraken(db: Path):
    sandbox = open_sandbox(db)
    clock.freeze(sandbox, NOW)
    yield Caller(sandbox, seed.seed_account(sandbox, username="acme", email="desk@acme.example"))
    sandbox.close()
