"""A workspace with keys on an account and on its sub-account, for the kill switch."""

from __future__ import annotations

from pathlib import Path

import pytest

import desk as d
from desk import Desk, make_desk, stop_time
from krakenctl.sandbox.people import seed


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """Two keys on acme, one on its sub-account mm; and one that a person made."""
    desk = make_desk(tmp_path_factory.mktemp("switch") / "acme")
    seed.seed_website_key(desk.db, "acme", "by hand", ["withdraw-funds"])
    desk.declare(d.account(), d.subaccount("mm"), d.key("bot"), d.key("view"), d.key("bot", on="mm"))
    return desk.applied()


@pytest.fixture
def desk(template: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setattr("krakenctl.tasks.containment.sweep.time", stop_time(monkeypatch))
    monkeypatch.setattr("krakenctl.tasks.containment.switch.time", stop_time(monkeypatch))
    return template.copy(tmp_path / "acme")
