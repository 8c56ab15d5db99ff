"""Keys that are not ours any more, or not yet: handed over, or announced by an import."""

# ruff: noqa: S101 - these are tests

from __future__ import annotations

import pytest

from krakenctl.model.recorded import Recorded
from krakenctl.state.base import State
from krakenctl.testing.examples import ADDRESS, OTHER, announced_key, given_key, key
from krakenctl.testing.state_contract.fixtures import Fixtures, MakeState


class Given(Fixtures):
    def test_a_key_that_is_handed_over_is_remembered_as_none_of_ours(self, make_state: MakeState) -> None:
        make_state().promote(key(1), None)
        make_state().forget(ADDRESS, given_key(1))
        recorded = make_state().read()
        assert (recorded.keys, recorded.given) == ({}, (given_key(1),))
        make_state().promote(key(2), None)
        assert make_state().read().given == (given_key(1),)

    def test_what_is_forgotten_without_being_handed_over_is_not_remembered_as_such(self, state: State) -> None:
        state.promote(key(1), None)
        state.forget(ADDRESS)
        assert state.read().given == ()

    @pytest.mark.parametrize("end", ["revoked", "recorded"])
    def test_a_handed_over_key_is_remembered_until_it_is_gone_or_ours_again(self, state: State, end: str) -> None:
        state.forget(ADDRESS, given_key(1))
        state.forget(OTHER, given_key(1, OTHER))
        if end == "revoked":
            state.revoked(ADDRESS, given_key(1).live_name)
        else:
            state.update(key(1))
        assert state.read().given == (given_key(1, OTHER),)

    def test_what_was_handed_over_outlives_a_rebuilt_state_unless_it_is_ours_in_it(self, state: State) -> None:
        state.forget(ADDRESS, given_key(1))
        state.forget(OTHER, given_key(1, OTHER))
        state.restore(Recorded(lineage="", keys={ADDRESS: key(1)}, given=(given_key(3, OTHER),)))
        assert state.read().given == (given_key(1, OTHER), given_key(3, OTHER))

    def test_what_an_import_announces_is_remembered_until_a_key_of_that_address_is_recorded(
        self, make_state: MakeState
    ) -> None:
        make_state().announce(announced_key(1), announced_key(2, OTHER))
        make_state().announce(announced_key(3))
        assert make_state().read().announced == {ADDRESS: announced_key(3), OTHER: announced_key(2, OTHER)}
        make_state().promote(key(1), None)
        assert make_state().read().announced == {OTHER: announced_key(2, OTHER)}
        make_state().restore(Recorded(lineage=""))
        assert make_state().read().announced == {OTHER: announced_key(2, OTHER)}
