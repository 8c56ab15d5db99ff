"""Which allow-list lets in whatever another one does."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from allow_lists import addresses, allow_lists
from krakenctl.model.allow_list import collapsed, lies_within, readable

_odd = st.sampled_from(["anywhere", "10.0.0.300", "10.0.0.0/33", ""])


@given(allow_lists(), allow_lists())
def test_a_list_lies_within_another_exactly_when_each_of_its_addresses_does(inner, outer):
    is_part = not outer or (bool(inner) and addresses(inner) <= addresses(outer))
    assert lies_within(inner, outer) is is_part


@given(allow_lists(), allow_lists(), _odd)
def test_an_entry_that_nobody_can_read_vouches_for_nothing(inner, outer, odd):
    assert lies_within((*inner, odd), outer) is (not outer)
    assert lies_within(inner, (*outer, odd)) is (bool(outer) and lies_within(inner, outer))


@given(allow_lists())
def test_joined_networks_let_the_same_addresses_in_and_none_twice(entries):
    joined = [address for network in collapsed(readable(entries)[0]) for address in network]
    assert len(joined) == len(set(joined))
    assert set(joined) == addresses(entries)
