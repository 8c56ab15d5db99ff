"""The references keep the contracts that they stand for."""

from __future__ import annotations

import pytest

from krakenctl.testing.memory import MemoryState, MemoryStore
from krakenctl.testing.state_contract import StateContract
from krakenctl.testing.store_contract import StoreContract


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def make_store(self):
        store = MemoryStore()
        return lambda: store

    @pytest.fixture
    def kept(self):
        return lambda: b""  # nothing is at rest

    # There is nothing half-way in a dictionary, and nobody who may not read it.
    test_a_put_that_stops_half_way_leaves_the_old_entry_or_the_new = None
    test_a_promotion_that_stops_half_way_is_finished_by_the_next = None
    test_a_failure_is_a_store_error_that_shows_no_secret = None
    test_who_may_not_read_may_still_write_and_see_what_is_taken = None
    test_who_may_not_read_still_knows_what_it_has_put_there_itself = None


class TestMemoryState(StateContract):
    @pytest.fixture
    def make_state(self):
        states: dict[str, MemoryState] = {}
        return lambda name="state": states.setdefault(name, MemoryState(name))

    # Nothing of it outlives the process, nothing is ever open, and nobody has two copies to tell apart.
    test_a_process_that_is_killed_loses_nothing_it_had_done = None
    test_a_process_that_is_killed_in_the_middle_of_a_deed_has_done_it_or_not = None
    test_the_serial_rises_with_every_deed_and_with_nothing_else = None
    test_a_closed_state_says_so_in_an_error_of_ours = None
