"""A served sandbox for a whole file: each test leaves it without faults, and with every switch as it was."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from krakenctl.sandbox import switches
from krakenctl.testing.sandbox import KrakenSandbox, served


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
