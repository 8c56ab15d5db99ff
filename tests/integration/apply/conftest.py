"""A desk whose clocks stand still, its wire, and a run that dies."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

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


class Death(BaseException):
    """Nothing of ours catches it: what follows is what a killed process would have left."""


@pytest.fixture
def die(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Apply, and die just before (or after) the n-th call of a method that `when` holds for."""

    def die(desk: Desk, owner: type, name: str, *, when: Any = None, after: bool = False) -> None:
        real = getattr(owner, name)

        def dying(*args: Any, **more: Any) -> Any:
            if when is not None and not when(*args):
                return real(*args, **more)
            if after:
                real(*args, **more)
            raise Death

        with monkeypatch.context() as patch:
            patch.setattr(owner, name, dying)
            with pytest.raises(Death):
                desk.apply()

    return die
