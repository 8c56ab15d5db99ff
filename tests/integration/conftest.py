"""Nobody naps. Served sandboxes for a whole file: each test has an account of its own there, and leaves no fault."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from krakenctl.sandbox import switches
from krakenctl.testing.sandbox import KrakenSandbox, served
from naps import Looks, skip_naps
from website_scene import ORDERS, Scene, scene_on


@pytest.fixture(autouse=True)
def _no_naps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is slept before another try has passed at once."""
    skip_naps(monkeypatch, Looks())


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KrakenSandbox]:
    with served(tmp_path_factory.mktemp("shared") / "sandbox.db") as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(shared: KrakenSandbox) -> Iterator[KrakenSandbox]:
    """Each test makes an account of its own, so that no lockout and no counter is shared."""
    yield shared
    shared.clear_faults()
    switches.set_switches(shared.db, {}, afresh=True)


@pytest.fixture(scope="module")
def served_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KrakenSandbox]:
    """Its clock stands still."""
    with served(tmp_path_factory.mktemp("website") / "sandbox.db") as sandbox:
        sandbox.freeze("2027-01-15T08:00:00Z")
        yield sandbox


@pytest.fixture(params=ORDERS)
def scene(served_sandbox: KrakenSandbox, request: pytest.FixtureRequest) -> Iterator[Scene]:
    with scene_on(served_sandbox, request.param) as scene:
        yield scene
