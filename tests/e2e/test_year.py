"""A simulated year with keys of all policies: no consumer ever fails, and no key outlives what was declared.

Fifteen keys instead of fifty, whose consumers call every sixth hour and right after each tick; every third tick is
missed. `benchmarks/year.py` runs the whole.
"""

import pytest

from desk import DAY, NOW
from krakenctl.model.recorded import Recorded
from year import HOUR, POLICIES, Declared, Fleet, Live, Year, live_through, outlived

DAYS = 365


def not_every_third(day: int) -> bool:
    return day % 3 != 2


@pytest.fixture(scope="module")
def lived(tmp_path_factory) -> tuple[Year, Recorded]:
    fleet = Fleet(tmp_path_factory.mktemp("year") / "desk", keys=15)
    return live_through(fleet, days=DAYS, every=6, ticks=not_every_third), fleet.desk.recorded()


def test_no_consumer_ever_fails(lived):
    year, _ = lived
    assert year.failures == []
    assert year.calls > 15 * DAYS * 4 * 0.9  # one grant ends within the year


def test_no_key_outlives_its_policy_and_no_more_than_two_generations_live(lived):
    year, _ = lived
    assert year.broken == []


def test_every_tick_ends_in_peace_and_without_a_gap(lived):
    year, _ = lived
    assert year.ticks == sum(map(not_every_third, range(DAYS)))
    assert set(year.codes) == {0}
    assert year.gaps == 0


def test_keys_are_rotated_in_time_and_not_all_the_time(lived):
    """At least as often as their policy wants; and none in the first half of its life."""
    _, state = lived
    for address, generation in state.generations.items():
        policy = POLICIES[address.name.partition("-")[0]]
        declared = Declared(address.path[0], "", address.name, policy)
        life = min(filter(None, (declared.max_age, declared.valid_for)))
        span = declared.ends - NOW if declared.ends else DAYS * DAY
        assert (span - 2 * DAY) // life <= generation - 1 <= span // (life // 2), address


def test_the_room_that_nobody_declared_was_found_out(lived):
    year, _ = lived
    assert set(year.seen) == {"unknown"}


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
