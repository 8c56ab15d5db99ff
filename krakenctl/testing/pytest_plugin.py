"""A pytest plug-in for tests of anything that talks to Kraken: each test gets a Kraken of its own.

pytest imports this file in every run of whoever has krakenctl installed, so it imports nothing of krakenctl before a
test asks for a sandbox.

    def test_a_key_without_the_right_is_refused(kraken_sandbox):
        key = kraken_sandbox.key(permissions=["query-funds"])
        with pytest.raises(PermissionError):
            MyBot(kraken_sandbox.url, key.public_key, key.secret).place_order()
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from krakenctl.testing.sandbox import KrakenSandbox


@pytest.fixture
def kraken_sandbox(kraken_sandbox_factory: Callable[[], KrakenSandbox]) -> KrakenSandbox:
    """A Kraken sandbox that is served at `url`, with one account, `acme`. It ends with the test.

    `key()` makes an API key, `advance()` moves the clock, `fault()` breaks things: see krakenctl.testing.sandbox.
    """
    return kraken_sandbox_factory()


@pytest.fixture
def kraken_sandbox_factory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], KrakenSandbox]]:
    """Call it for each Kraken sandbox that the test needs. All of them end with the test."""
    from krakenctl.testing.sandbox import served

    with ExitStack() as until_the_end:
        yield lambda: until_the_end.enter_context(served(tmp_path_factory.mktemp("kraken") / "sandbox.db"))
