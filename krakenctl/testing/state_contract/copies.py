"""What is restored, and what is set aside."""

# ruff: noqa: S101 - these are tests

from __future__ import annotations

from dataclasses import replace

from krakenctl.model.recorded import Recorded, RecordedAccount
from krakenctl.state.base import State
from krakenctl.testing.examples import ADDRESS, OTHER, intent, key
from krakenctl.testing.state_contract.fixtures import Fixtures, MakeState


class Copies(Fixtures):
    def test_what_is_restored_is_what_is_remembered(self, make_state: MakeState) -> None:
        lost = make_state("lost")
        lost.remember_account(RecordedAccount(name="acme", iiban="AA12"))
        lost.promote(key(2), key(1, retired_until=5))
        lost.begin(intent(3, OTHER))
        make_state().restore(lost.read())
        assert make_state().read() == lost.read()

    def test_what_is_restored_replaces_keys_and_keeps_what_was_burned_and_logged(self, state: State) -> None:
        state.promote(key(7), None)
        state.begin(intent(8))
        lineage = state.read().lineage
        state.restore(Recorded(lineage="", keys={OTHER: key(1, OTHER)}, generations={ADDRESS: 2, OTHER: 1}))
        recorded = state.read()
        assert (recorded.lineage, recorded.traces) == (lineage, (key(1, OTHER),))
        assert recorded.generations == {ADDRESS: 8, OTHER: 1}

    def test_a_copy_that_is_set_aside_has_a_name_of_its_own_and_changes_nothing(self, state: State) -> None:
        state.promote(key(1), None)
        before = state.read()
        first = state.set_aside()
        state.begin(intent(2))
        assert first
        assert len({first, state.set_aside(), state.set_aside()}) == 3
        assert state.read() == replace(before, intents=(intent(2),), generations={ADDRESS: 2})
