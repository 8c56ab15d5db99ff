"""A simulated year of fifty keys of all policies: no consumer ever fails, and no key outlives what was declared.

Every consumer signs a call at midnight and at noon, just before each tick and right after it: what breaks between two
ticks stays broken until the second. `benchmarks/year.py --whole` is the same with a call every hour, timed. Two tests
are a whole year each. They share nothing and stand apart, for two workers to take one each.
"""

from collections.abc import Callable

import pytest

from desk import DAY, NOW
from krakenctl.model.recorded import Recorded
from year import HOUR, POLICIES, SCHEDULES, Declared, Fleet, Live, live_through, outlived

KEYS, DAYS = 50, 365
CALLS_A_DAY = 4


def test_in_a_year_no_consumer_fails_and_no_key_outlives_its_policy(tmp_path):
    live_well(Fleet(tmp_path / "desk", KEYS), SCHEDULES["every tick"])


def live_well(fleet: Fleet, ticks: Callable[[int], bool]) -> None:
    year = live_through(fleet, days=DAYS, every=12, ticks=ticks)
    assert year.failures == []
    assert year.broken == []  # that is also: never more than two generations
    assert year.calls == CALLS_A_DAY * sum(days_granted(key) for key in fleet.keys)
    assert year.ticks == sum(map(ticks, range(DAYS)))
    assert set(year.codes) == {0}
    assert year.gaps == 0
    assert set(year.seen) == {"unknown"}, "the room that nobody declared was found out"
    rotated_in_time_and_not_all_the_time(fleet.desk.recorded())


def days_granted(key: Declared) -> int:
    return (key.ends - NOW) // DAY if key.ends else DAYS


def rotated_in_time_and_not_all_the_time(state: Recorded) -> None:
    """At least as often as their policy wants; and none in the first half of its life."""
    assert len(state.generations) == KEYS
    for address, generation in state.generations.items():
        policy = POLICIES[address.name.partition("-")[0]]
        declared = Declared(address.path[0], "", address.name, policy)
        life = min(filter(None, (declared.max_age, declared.valid_for)))
        span = declared.ends - NOW if declared.ends else DAYS * DAY
        assert (span - 2 * DAY) // life <= generation - 1 <= span // (life // 2), address


# --- and it is able to fail


def test_without_tick_consumers_fail_and_keys_outlive_their_policies(tmp_path):
    fleet = Fleet(tmp_path / "desk", keys=10)
    year = live_through(fleet, days=12, every=6, ticks=lambda _: False)
    assert any("short-" in failure for failure in year.failures)
    assert any("days-" in line and "maxAge" in line for line in year.broken)


@pytest.mark.parametrize(
    ("live", "words"),
    [
        ([Live("acme", "bot.a7.g1", NOW - 8 * DAY, 0)], ["bot.a7.g1 outlives its maxAge"]),
        ([Live("acme", "bot.a7.g1", NOW - 7 * DAY, 0)], []),
        (
            [Live("acme", "bot.a7.g1", NOW - 7 * DAY, 0), Live("acme", "bot.a7.g2", NOW - 25 * HOUR, 0)],
            ["bot.a7.g1 outlives its overlap"],
        ),
        (
            [Live("acme", f"bot.a7.g{generation}", NOW - HOUR, 0) for generation in (1, 2, 3)],
            ["bot.a7.g3: 3 generations live"],
        ),
    ],
    ids=["too old", "just not", "overlap over", "three"],
)
def test_what_breaks_a_policy_is_seen(live, words):
    declared = Declared("acme", "acme", "bot", POLICIES["week"])
    assert list(outlived([declared], live, NOW)) == words


# --- once more, on a machine that is off now and then


def test_nor_does_any_in_a_year_in_which_every_third_tick_is_missed(tmp_path):
    live_well(Fleet(tmp_path / "desk", KEYS), SCHEDULES["every third tick missed"])
