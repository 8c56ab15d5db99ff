"""The call counter: its room and its decay by tier, what each call costs, and which switch says otherwise."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import kraken_calls
import kraken_permissions
from krakenctl.sandbox import clock
from krakenctl.sandbox.people import seed
from krakenctl.sandbox.switches import set_switch

TIERS = {"starter": (15, 0.33), "intermediate": (20, 0.5), "pro": (20, 1.0)}  # room, and decay a second
FULL = ["EAPI:Rate limit exceeded"]
COSTS = {"AddOrder": 0, "OpenPositions": 1, "QueryLedgers": 2}  # undisputed; a key without permissions is charged too


def counter(kraken, key):
    [level] = (
        kraken.sandbox.database.connection()
        .execute("SELECT counter FROM key WHERE public_key = ?", (key[0],))
        .fetchone()
    )
    return level


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("refused", ["free", "counted"])
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(calls=st.lists(st.tuples(st.integers(0, 4), st.sampled_from(sorted(COSTS))), min_size=20, max_size=50))
def test_a_call_fits_exactly_when_the_counter_has_room(kraken, tier, refused, calls):
    set_switch(kraken.sandbox, "tier", tier)
    set_switch(kraken.sandbox, "refused-call-cost", refused)
    room, decay = TIERS[tier]
    key, level = seed.seed_website_key(kraken.sandbox, "acme", "bot", []), 0.0
    for wait, call in calls:
        if wait == 4:
            clock.advance(kraken.sandbox, wait)
            level = max(0.0, level - wait * decay)
        fits = level + COSTS[call] <= room
        assert (kraken.signed(call, key).json["error"] != FULL) is fits
        level += COSTS[call] if fits or refused == "counted" else 0
        assert counter(kraken, key) == pytest.approx(level)
    seed.delete_key(kraken.sandbox, "acme", "bot")


@pytest.mark.parametrize("switch", ["documented", "low", "high"])
def test_every_call_costs_what_its_sources_say(kraken, switch):
    set_switch(kraken.sandbox, "call-cost", switch)
    for row in kraken_permissions.read():
        key = seed.seed_website_key(kraken.sandbox, "acme", row.endpoint, [])
        kraken.at(f"{row.method} {kraken_calls.filled(row.path)}", key)
        expected = {"documented": row.cost, "low": row.low, "high": row.high}[switch]
        assert counter(kraken, key) == expected, row.endpoint


def test_an_account_has_a_tier_of_its_own(kraken):
    with kraken.sandbox.database.write() as connection:
        connection.execute("UPDATE account SET tier = 'starter'")
    answers = [kraken.signed("GetApiKeyInfo").json["error"] for _ in range(20)]
    assert answers.count(FULL) == 20 - 15


def test_a_full_counter_stops_no_other_key_of_the_account(kraken):
    for _ in range(21):
        kraken.signed("GetApiKeyInfo")
    assert kraken.signed("GetApiKeyInfo").json["error"] == FULL
    key = seed.seed_website_key(kraken.sandbox, "acme", "other", [])
    assert kraken.signed("GetApiKeyInfo", key).result


def test_a_clock_that_is_turned_back_empties_no_counter(kraken):
    key = seed.seed_website_key(kraken.sandbox, "acme", "bot", [])
    for _ in range(20):
        kraken.signed("GetApiKeyInfo", key)
    clock.freeze(kraken.sandbox, clock.now(kraken.sandbox) - 3600)
    assert kraken.signed("GetApiKeyInfo", key).json["error"] == FULL
