"""What is under way, which numbers it burns, and what was done of a saved plan."""

# ruff: noqa: S101 - these are tests

from __future__ import annotations

from dataclasses import replace

from krakenctl.model.journal import Stage
from krakenctl.model.plan import Ended, Mark
from krakenctl.state.base import State
from krakenctl.testing.examples import ADDRESS, OTHER, intent, key
from krakenctl.testing.state_contract.fixtures import Fixtures


class Journal(Fixtures):
    def test_an_intent_goes_through_its_stages(self, state: State) -> None:
        state.begin(intent(1))
        state.begin(intent(1, OTHER))
        state.advance(ADDRESS, intent(1).live_name, Stage.STORED)
        assert {one.address: one.stage for one in state.read().intents} == {ADDRESS: Stage.STORED, OTHER: Stage.BEGUN}

    def test_a_generation_that_was_ever_meant_is_never_free_again(self, state: State) -> None:
        state.begin(intent(5))
        state.revoked(ADDRESS, intent(5).live_name)
        state.begin(intent(3))
        state.promote(key(3), None)
        state.forget(ADDRESS)
        assert state.read().generations == {ADDRESS: 5}

    def test_but_one_that_nothing_came_of_is_free_again_unless_a_later_one_is_burned(self, state: State) -> None:
        for generation, left in ((1, {}), (3, {ADDRESS: 2})):
            state.begin(intent(generation))
            state.finish(ADDRESS, intent(generation).live_name, free=generation)
            assert (state.read().generations, state.read().intents) == (left, ())
        state.begin(intent(3))
        state.begin(intent(4))
        state.finish(ADDRESS, intent(3).live_name, free=3)
        assert state.read().generations == {ADDRESS: 4}

    def test_the_revoke_of_a_replaced_key_ends_the_intent_of_its_successor(self, state: State) -> None:
        state.promote(key(1), None)
        state.begin(intent(2))
        state.promote(key(2), key(1, retired_until=5))
        state.revoked(ADDRESS, key(1).live_name, ends=key(2).live_name)
        assert state.read().traces == (key(2),)

    def test_an_update_may_end_the_intent_to_make_it(self, state: State) -> None:
        state.promote(key(1), None)
        state.begin(intent(1))
        state.update(key(1, protect=True), ends=key(1).live_name)
        assert state.read().traces == (key(1, protect=True),)

    def test_what_is_not_there_can_be_revoked_forgotten_and_advanced(self, state: State) -> None:
        before = state.read()
        state.revoked(ADDRESS, "nobody")
        state.forget(ADDRESS)
        state.advance(ADDRESS, "nobody", Stage.STORED)
        assert state.read() == before

    def test_what_was_done_of_a_saved_plan_is_remembered_by_plan_and_stays_done(self, state: State) -> None:
        begun, done = (Mark(change="create a", at=5 + one, who="alice ‘; --", done=bool(one)) for one in (0, 1))
        assert state.marks("sha256:1") == ()
        state.mark("sha256:1", begun)
        assert state.marks("sha256:1") == (begun,)
        state.mark("sha256:1", done)
        state.mark("sha256:1", begun)
        assert (state.marks("sha256:1"), state.marks("sha256:2")) == ((done,), ())

    def test_a_change_of_a_saved_plan_is_done_with_the_write_that_ends_it_and_only_if_it_was_begun(
        self, state: State
    ) -> None:
        begun, done = (Mark(change="create a", at=5 + one, who="ann", done=bool(one)) for one in (0, 1))
        other = replace(done, change="create b")
        state.mark("sha256:1", begun)
        ends = [Ended(plan=plan, mark=mark) for plan in ("sha256:1", "sha256:2") for mark in (done, other)]
        state.promote(key(1), None, deeds=ends)
        assert (state.marks("sha256:1"), state.marks("sha256:2")) == ((done,), ())
        assert list(state.log.lines()) == []
