"""When silence proves an end, and how long a refused key rests."""

from __future__ import annotations

from itertools import chain, pairwise, repeat

from hypothesis import given
from hypothesis import strategies as st

from allow_lists import addresses, allow_lists
from krakenctl.model.silence import (
    CLOCK_SLACK,
    MOST_REFUSED,
    Refusal,
    RefusalRow,
    silence_proves,
)

HOUR = 3600


@given(allow_lists(), st.lists(allow_lists(), max_size=3))
def test_silence_proves_nothing_unless_this_hosts_address_is_sure_to_be_let_in(allow_list, let_in):
    """Whichever address this host has, of those from which everybody who answered may be used."""
    possible = addresses(network for each in [allow_list, *let_in] for network in each)
    for each in filter(None, let_in):
        possible &= addresses(each)
    if allow_list and silence_proves(allow_list, let_in):
        assert possible <= addresses(allow_list)


@given(st.integers(0, 2**32), st.lists(st.integers(60, 10**6), max_size=12))
def test_each_refusal_doubles_the_rest_up_to_a_day(at, gaps):
    refusal = Refusal(at, 1, "EAPI:Invalid key")
    assert refusal.rests_until == at + HOUR
    for gap in gaps:
        before = refusal.rests_until - refusal.at
        refusal = refusal.again(refusal.at + gap, "EAPI:Invalid key")
        assert refusal.rests_until - refusal.at == min(2 * before, 24 * HOUR)


@given(st.integers(0, 2**32), st.lists(st.integers(0, 2 * 24 * HOUR), max_size=200))
def test_a_row_that_nobody_answers_takes_one_call_a_rest_and_the_rests_double_up_to_a_day(at, gaps):
    """Of whoever asks as soon as it may be: after three, the fourth hour by hour, and in the end one a day."""
    row, times = RefusalRow(), []
    for gap in gaps:
        at += gap
        if row.counts(at) < MOST_REFUSED:
            row = row.after(at)
            times.append(at)
    assert row.calls == len(times)
    rests = [later - one for one, later in pairwise(times[MOST_REFUSED - 1 :])]
    assert all(rest >= least * HOUR for rest, least in zip(rests, chain((1, 1, 2, 4, 8, 16), repeat(24)), strict=False))


@given(st.integers(1, 99), st.integers(CLOCK_SLACK + 1, 10**6))
def test_a_clock_that_was_put_back_keeps_nobody_waiting_until_it_is_there_again(calls, back):
    row = RefusalRow(10**9, calls)
    assert row.counts(10**9 - back) == min(calls, MOST_REFUSED - 1)
    assert row.after(10**9 - back) == RefusalRow(10**9 - back, calls + 1)


def test_the_tries_of_one_look_count_as_one():
    first = Refusal(100, 1, "EAPI:Invalid key")
    assert first.again(159, "EAPI:Invalid nonce") == Refusal(159, 1, "EAPI:Invalid nonce")
