"""A desk whose clocks stand still, and its wire."""

from __future__ import annotations

from pathlib import Path

import pytest

from desk import Desk, StandingTime, Wire, make_desk, stop_time


@pytest.fixture(autouse=True)
def still(monkeypatch: pytest.MonkeyPatch) -> StandingTime:
    return stop_time(monkeypatch)


@pytest.fixture(scope="session")
def _fresh(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return make_desk(tmp_path_factory.mktemp("desk") / "acme")


@pytest.fixture
def desk(_fresh: Desk, tmp_path: Path) -> Desk:
    return _fresh.copy(tmp_path / "acme")


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    return Wire().install(monkeypatch)
