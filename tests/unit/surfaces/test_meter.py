"""Our own call counter: whoever waits as long as it says is never refused by Kraken's, and never waits in vain."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakenctl.surfaces.kraken.meter import TIERS, Counter, Limit, Meter

pauses = st.lists(st.floats(0, 60), max_size=80)
tiers = st.sampled_from(sorted(TIERS))


class Kraken:
    """Kraken's own counter, as docs.kraken.com describes it: written down a second time, to be compared with."""

    def __init__(self, limit: Limit) -> None:
        self._limit, self._level, self._at = limit, 0.0, 0.0

    def is_refused(self, now: float) -> bool:
        self._level = max(0.0, self._level - (now - self._at) * self._limit.decay)
        self._at = now
        self._level += 1
        return self._level > self._limit.maximum + 1e-6


@given(tier=tiers, pauses=pauses)
def test_whoever_waits_is_never_refused(tier, pauses):
    counter, kraken, now = Counter(TIERS[tier]), Kraken(TIERS[tier]), 0.0
    for pause in pauses:
        now += pause
        now += counter.take(now)
        assert not kraken.is_refused(now)


@given(tier=tiers, pauses=pauses)
def test_nobody_waits_where_kraken_would_take_the_call(tier, pauses):
    """Half a second earlier it would have been refused."""
    counter, kraken, now = Counter(TIERS[tier]), Kraken(TIERS[tier]), 0.0
    for pause in pauses:
        now += pause
        waited = counter.take(now)
        if waited:
            early = Kraken(TIERS[tier])
            early._level, early._at = kraken._level, kraken._at
            assert early.is_refused(max(now, now + waited - 0.5))
        now += waited
        kraken.is_refused(now)


@pytest.mark.parametrize(("tier", "burst"), [("starter", 15), ("intermediate", 20), ("pro", 20)])
def test_a_burst_is_free_and_what_follows_comes_as_fast_as_the_counter_falls(tier, burst):
    counter = Counter(TIERS[tier])
    assert [counter.take(0.0) for _ in range(burst)] == [0.0] * burst
    waits = [counter.take(0.0) for _ in range(10)]
    assert waits == pytest.approx([(number + 1) / TIERS[tier].decay for number in range(10)])


def test_after_a_refusal_the_next_call_waits_for_room():
    counter = Counter(TIERS["pro"])
    counter.full(100.0)
    assert counter.take(100.0) == pytest.approx(1.0)


def test_a_meter_waits_and_lets_go():
    waited: list[float] = []
    meter = Meter(Limit(1, 0.5), lambda: 0.0, waited.append)
    meter.before_call()
    meter.before_call()
    meter.refused()
    meter.before_call()
    assert waited == pytest.approx([2.0, 4.0])
