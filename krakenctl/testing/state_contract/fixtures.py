"""How a contract reaches the state that it is about, and what several topics need."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from krakenctl.model.run import Deed, Run
from krakenctl.state.base import State
from krakenctl.testing.examples import ADDRESS

MakeState = Callable[..., State]
WRITERS, WRITES = 3, 15


class Fixtures:
    """See `StateContract`."""

    @pytest.fixture
    def make_state(self) -> MakeState:
        """Opens the state of a name (`make_state("law-1")`), the same again with each call; new ones are empty.

        The name has a default, `state`. Closing what is still open is the fixture's business too.
        """
        raise NotImplementedError("give your contract a fixture make_state")

    @pytest.fixture
    def opening(self) -> str:
        """Python that binds `state` to the state of the default name, to be run by another process."""
        pytest.skip("this contract was not told how another process opens the state")

    @pytest.fixture
    def state(self, make_state: MakeState) -> State:
        return make_state()


def deed(at: int) -> Deed:
    run = Run(id="r1", who="desk-lead", host="desk", command="apply")
    return Deed(at=at, run=run, verb="issue", outcome="done", address=ADDRESS, message="ü‘; --")


def at_once(work: Callable[[int], None]) -> None:
    """So many writers start together. What goes wrong in one of them is told here."""
    start = threading.Barrier(WRITERS)

    def begin(writer: int) -> None:
        start.wait(timeout=20)
        work(writer)

    with ThreadPoolExecutor(WRITERS) as pool:
        for done in [pool.submit(begin, writer) for writer in range(WRITERS)]:
            done.result()


def comparable(state: State) -> tuple[object, ...]:
    """All but the lineage, in an order that no port promises."""
    recorded = state.read()
    keys = sorted(recorded.ours, key=lambda one: (one.address, one.live_name))
    intents = sorted(recorded.intents, key=lambda one: (one.address, one.live_name))
    return recorded.accounts, keys, intents, recorded.generations, recorded.given, recorded.announced
