"""The clock that nonces are made of: whatever our clock does, wherever the exchange's is, however slow its answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakenctl.errors import Unreachable
from krakenctl.parallel import each
from krakenctl.wiring import clocks
from krakenctl.wiring.clocks import Clocks, Moment, look

SECOND, MILLISECOND = 1_000_000_000, 1_000_000  # nanoseconds
START, DAY = 1_800_000_000 * SECOND, 86_400 * SECOND

phases = st.integers(0, SECOND - 1)  # how far into its second the exchange is
SKEWS = st.integers(-2 * DAY, 2 * DAY) | st.integers(-3 * SECOND, 3 * SECOND)
ways = st.integers(0, 20 * SECOND)  # how long a question takes there, and the answer back

STANDING = SimpleNamespace(monotonic=lambda: 0.0, time_ns=lambda: START)


def calls(most: int = 2 * DAY) -> st.SearchStrategy[list[tuple[int, int]]]:
    """How much later each call is, and what somebody does to our wall clock by then."""
    return st.lists(st.tuples(st.integers(0, 3 * SECOND), st.integers(-2 * DAY, most)), min_size=2, max_size=12)


@dataclass
class World:
    """Nanoseconds. The true time is the exchange's."""

    true: int
    ahead: int  # our wall clock
    there: int = 0
    back: int = 0
    asked: int = 0
    slept: int = 0  # which our monotonic clock has not counted
    ways: list[tuple[int, int]] = field(default_factory=list)  # there and back, of the first calls

    def server_time(self, _http: object) -> int:
        self.asked += 1
        if self.ways:
            self.there, self.back = self.ways.pop(0)
        self.true += self.there
        told = self.true // SECOND
        self.true += self.back
        return told

    def clocks(self, patch: pytest.MonkeyPatch, *, embedded: bool = False) -> Clocks:
        own = SimpleNamespace(
            monotonic=lambda: (self.true - START - self.slept) / SECOND, time_ns=lambda: self.true + self.ahead
        )
        patch.setattr(clocks.spot, "server_time", self.server_time)
        return Clocks(lambda: look(None, own), own, embedded=embedded)  # type: ignore[arg-type]


@given(phases, ways, ways)
def test_a_host_whose_clock_is_exact_is_never_judged_fast_or_slow(phase, there, back):
    world = World(START + phase, 0, there, back)
    with pytest.MonkeyPatch.context() as patch:
        assert world.clocks(patch).clock() == world.true


@given(phases, ways, ways, st.integers(1, 2 * DAY))
def test_a_host_that_is_fast_by_more_than_a_second_and_the_call_is_not_believed(phase, there, back, more):
    world = World(START + phase, SECOND + there + back + more, there, back)
    with pytest.MonkeyPatch.context() as patch:
        assert world.true + there - SECOND < world.clocks(patch).clock() <= world.true


@given(phases, ways, ways, SKEWS)
def test_it_is_ahead_of_the_exchange_by_no_more_than_whole_seconds_and_the_call_leave_open(phase, there, back, ahead):
    """And never of our own clock: a nonce above what a consumer sends next locks it out, whichever clock it has."""
    world = World(START + phase, ahead, there, back)
    with pytest.MonkeyPatch.context() as patch:
        told = world.clocks(patch).clock()
    assert told < world.true + SECOND + there + back
    assert told <= world.true + ahead


@given(phases, ways, ways, st.integers(-2 * DAY, 2 * DAY), st.integers(0, DAY))
def test_the_time_at_the_exchange_is_never_told_ahead_nor_further_behind_than_the_call(
    phase, there, back, ahead, later
):
    world = World(START + phase, ahead, there, back)
    with pytest.MonkeyPatch.context() as patch:
        opened = world.clocks(patch)
        opened.now()
        world.true += later
        assert world.true - back - 2 * SECOND < opened.now() * SECOND <= world.true


def told_by(world, calls, *, embedded=False):
    seen, ahead = [], world.ahead
    with pytest.MonkeyPatch.context() as patch:
        opened = world.clocks(patch, embedded=embedded)
        for later, skew in calls:
            seen.append(opened.clock())
            world.true, world.ahead = world.true + later, ahead + skew
    return seen


@given(calls(), phases, SKEWS, st.booleans())
def test_it_never_goes_back_and_two_calls_are_a_millisecond_apart(calls, phase, ahead, embedded):
    seen = told_by(World(START + phase, ahead), calls, embedded=embedded)
    assert all(after - before >= MILLISECOND for before, after in pairwise(seen))


@given(calls(), calls(most=SECOND), phases, SKEWS, st.booleans())
def test_whoever_puts_our_clock_back_changes_nothing(anyhow, back, phase, ahead, embedded):
    """Nor on, with an embedded exchange."""
    world, calls = World(START + phase, ahead), anyhow if embedded else back
    seen, passed = told_by(world, calls, embedded=embedded), sum(later for later, _ in calls[:-1])
    assert world.asked == 1
    assert abs(seen[-1] - seen[0] - passed) <= len(calls) * MILLISECOND, "it goes on as fast as time does"


@given(phases, st.lists(st.integers(0, DAY), min_size=1, max_size=5), st.integers(0, SECOND // 4))
def test_a_host_that_slept_looks_again(phase, nights, back):
    """At a prompt, for one: an end that has passed has passed, and its consumer has sent higher nonces since."""
    world = World(START + phase, 0, 0, back)
    with pytest.MonkeyPatch.context() as patch:
        opened = world.clocks(patch)
        for night in nights:
            opened.clock()
            world.true, world.slept = world.true + night, world.slept + night
            assert world.true - back - 3 * SECOND < opened.now() * SECOND <= world.true
            assert world.true - SECOND <= opened.clock() <= world.true + len(nights) * 2 * MILLISECOND


@given(phases, st.integers(2 * SECOND, DAY))
def test_where_it_cannot_look_again_its_time_is_behind_and_never_ahead(phase, night):
    world = World(START + phase, 0)
    with pytest.MonkeyPatch.context() as patch:
        opened = world.clocks(patch)
        before = opened.clock()
        world.true, world.slept = world.true + night, world.slept + night
        patch.setattr(clocks.spot, "server_time", unreachable)
        assert before < opened.clock() <= world.true


def unreachable(_http):
    raise Unreachable("nobody")


@given(phases, st.lists(st.tuples(ways, ways), min_size=3, max_size=3), st.integers(-2 * DAY, 2 * DAY))
def test_of_three_slow_looks_the_quickest_counts(phase, tries, ahead):
    """The slower one is, the longer ago may be what it told."""
    world, took = World(START + phase, ahead, ways=[*tries]), [there + back for there, back in tries]
    asked = next((tried for tried, each in enumerate(took[:2], 1) if each <= SECOND // 2), 3)
    with pytest.MonkeyPatch.context() as patch:
        told = world.clocks(patch).now() * SECOND
    assert world.asked == asked
    assert world.true - min(took[:asked]) - 2 * SECOND < told <= world.true


@given(calls(), st.integers(-2 * DAY, 2 * DAY), st.booleans())
def test_krakenctls_own_keys_have_a_clock_that_never_goes_back_either(calls, ahead, embedded):
    world, seen = World(START, ahead), []
    with pytest.MonkeyPatch.context() as patch:
        opened = world.clocks(patch, embedded=embedded)
        for later, skew in calls:
            seen.append(opened.own_clock())
            world.true, world.ahead = world.true + later, ahead + skew
    assert all(after - before >= MILLISECOND for before, after in pairwise(seen))


def test_on_a_fast_host_krakenctls_own_keys_get_the_exchanges_time():
    """Other programs with that key would be locked out else."""
    world = World(START, DAY)
    with pytest.MonkeyPatch.context() as patch:
        assert world.clocks(patch).own_clock() == START


def test_an_embedded_exchange_whose_clock_was_put_back_still_gets_rising_nonces():
    world = World(START, DAY)
    with pytest.MonkeyPatch.context() as patch:
        assert world.clocks(patch, embedded=True).clock() == START + DAY


def test_many_threads_ask_the_exchange_once_and_no_two_are_told_the_same():
    asked = []

    def moment() -> Moment:
        asked.append(1)
        return Moment(told=START // SECOND, before=START, took=0, then=0)

    opened = Clocks(moment, STANDING)
    told = [*each(lambda _: opened.clock(), range(40), 8)]
    assert (len(set(told)), len(asked)) == (40, 1)


def test_an_exchange_that_did_not_answer_is_asked_again():
    tries = iter([Unreachable("nobody"), Moment(told=START // SECOND, before=START, took=0, then=0)])

    def moment() -> Moment:
        if isinstance(found := next(tries), Unreachable):
            raise found
        return found

    opened = Clocks(moment, STANDING)
    with pytest.raises(Unreachable):
        opened.now()
    assert not opened.is_known
    assert opened.now() >= START // SECOND
    assert opened.is_known
