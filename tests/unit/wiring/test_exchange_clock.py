"""The clock that nonces are made of, whatever our own clock does and wherever the exchange's is."""

from __future__ import annotations

from itertools import pairwise
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakenctl.credentials import Credentials
from krakenctl.model.workspace import StateSettings, Workspace
from krakenctl.surfaces.ground import Premises
from krakenctl.wiring import exchange
from krakenctl.wiring.exchange import Exchange

START = 1_800_000_000
MILLISECOND = 1_000_000  # nanoseconds
DAY = 86_400
# How much later each call is, and where our wall clock is by then: somebody may set it.
CALLS = st.lists(st.tuples(st.floats(0, 3), st.floats(-2 * DAY, 2 * DAY)), min_size=2, max_size=12)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    state = StateSettings()
    made = Workspace(
        name="test",
        endpoint="http://127.0.0.1:9",
        tag="a7",
        manifests=(),
        state=state,
        stores={},
        default_store="main",
        credentials={},
    )
    return made, Credentials(tmp_path_factory.mktemp("clock"), {})


def told(workspace, calls, ahead):
    """What the clock tells, call by call, of an exchange that is `ahead`."""
    gone, ours = 0.0, float(START)
    opened = Exchange(*workspace, {}, open_surface=pytest.fail, premises=Premises)
    time = SimpleNamespace(sleep=pytest.fail, monotonic=lambda: gone, time_ns=lambda: int(ours * 1_000_000_000))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exchange, "time", time)
        patch.setattr(exchange.spot, "server_time", lambda _: int(ours + gone + ahead))
        for later, skew in calls:
            yield opened.clock()
            gone, ours = gone + later, START + gone + later + skew
    opened.close()


@given(CALLS, st.sampled_from([0, 119, 121, -121, DAY, -DAY]) | st.floats(-300, 300))
def test_it_never_goes_back_and_two_calls_are_a_millisecond_apart(workspace, calls, ahead):
    seen = [*told(workspace, calls, ahead)]
    assert all(after - before >= MILLISECOND for before, after in pairwise(seen))


@given(CALLS, st.sampled_from([121, -121, DAY, -DAY]))
def test_it_goes_on_as_fast_as_time_does(workspace, calls, ahead):
    """The exchange's seconds and ours turn over at different moments; that made a second too much, or too little."""
    seen = [*told(workspace, calls, ahead)]
    passed = sum(later for later, _ in calls[:-1])
    assert abs(seen[-1] - seen[0] - passed * 1_000_000_000) <= len(calls) * MILLISECOND


@given(st.floats(-2 * DAY, 2 * DAY))
def test_it_is_never_a_second_ahead_of_either_clock(workspace, ahead):
    """A nonce above what a consumer sends next locks it out, whether its clock is the exchange's or ours."""
    first = next(told(workspace, [(0, 0)] * 2, ahead))
    assert first <= START * 1_000_000_000
    assert first <= (START + ahead + 1) * 1_000_000_000


def test_it_is_ours_to_the_millisecond_where_both_are_right(workspace):
    assert next(told(workspace, [(0, 0)] * 2, 0)) == START * 1_000_000_000
