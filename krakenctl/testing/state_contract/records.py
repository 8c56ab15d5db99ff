"""What is recorded of accounts and keys."""

# ruff: noqa: S101 - these are tests

from __future__ import annotations

from dataclasses import replace

import pytest

from krakenctl.model.description import NonceScale
from krakenctl.model.journal import Stage
from krakenctl.model.recorded import Recorded, RecordedAccount
from krakenctl.state.base import State
from krakenctl.testing.examples import ADDRESS, OTHER, SPEC, STORY, intent, key
from krakenctl.testing.memory import MemoryState
from krakenctl.testing.state_contract.fixtures import Fixtures, MakeState, comparable


class Records(Fixtures):
    def test_a_new_state_is_empty_and_has_a_lineage(self, state: State) -> None:
        recorded = state.read()
        assert recorded.lineage
        assert recorded == Recorded(lineage=recorded.lineage)

    def test_the_lineage_stays_and_is_nobody_elses(self, make_state: MakeState) -> None:
        lineage = make_state().read().lineage
        for deed in STORY:
            deed(make_state())
        assert make_state().read().lineage == lineage
        assert make_state("another").read().lineage != lineage

    def test_what_one_run_has_done_the_next_one_knows(self, make_state: MakeState) -> None:
        reference = MemoryState()
        for deed in STORY:
            deed(make_state())
            deed(reference)
            assert comparable(make_state()) == comparable(reference)

    def test_every_field_is_read_as_it_was_written(self, state: State) -> None:
        account = RecordedAccount(
            name="mm-desk", kind="SubAccount", surface="website", username="ü‘; --", iiban="AA12", requested=True
        )
        current = key(7, trigger="leak of 2026-11\n“quoted”", protect=True)
        retired = key(6, retired_until=2**40, protect=True, trigger="t")
        pending = intent(8, old_name=current.live_name, stage=Stage.CHECKED, verdict="listed", sent=SPEC)
        pending = replace(pending, run="r1", who="ann ‘; --", plan="sha256:1")
        state.remember_account(account)
        state.promote(current, retired)
        state.begin(pending)
        recorded = state.read()
        assert recorded.accounts == {"mm-desk": account}
        assert (recorded.keys, recorded.retired, recorded.intents) == ({ADDRESS: current}, (retired,), (pending,))
        assert recorded.keys[ADDRESS].spec == SPEC

    def test_a_promotion_replaces_and_retires_in_one_and_the_intent_stays_open(self, state: State) -> None:
        state.promote(key(1), None)
        state.begin(intent(2))
        state.promote(key(2), key(1, retired_until=5))
        recorded = state.read()
        assert (recorded.keys, recorded.retired) == ({ADDRESS: key(2)}, (key(1, retired_until=5),))
        assert [one.stage for one in recorded.intents] == [Stage.PROMOTED]
        state.finish(ADDRESS, key(2).live_name)
        assert state.read().intents == ()

    def test_a_promotion_without_a_key_to_retire_leaves_only_the_new_one(self, state: State) -> None:
        state.promote(key(1), None)
        state.promote(key(2), None)
        assert state.read().traces == (key(2),)

    def test_a_promotion_may_take_a_key_over_from_its_former_address(self, state: State) -> None:
        state.promote(key(1), None)
        state.promote(key(2, OTHER), key(1, OTHER, retired_until=5), former=ADDRESS)
        recorded = state.read()
        assert (recorded.keys, recorded.retired) == ({OTHER: key(2, OTHER)}, (key(1, OTHER, retired_until=5),))

    def test_an_update_may_move_a_key_to_another_address(self, state: State) -> None:
        state.promote(key(1), None)
        moved = key(1, OTHER, live_name=key(1).live_name)
        state.update(moved, former=ADDRESS)
        assert state.read().keys == {OTHER: moved}

    def test_an_address_has_one_current_key_however_it_came_to_it(self, state: State) -> None:
        state.promote(key(1), None)
        state.update(key(1, live_name="renamed by a person"))
        assert state.read().traces == (key(1, live_name="renamed by a person"),)

    def test_an_update_of_a_retired_key_leaves_the_current_one(self, state: State) -> None:
        state.promote(key(2), key(1, retired_until=5))
        state.update(key(1, retired_until=9))
        assert state.read().traces == (key(2), key(1, retired_until=9))

    @pytest.mark.parametrize("sort", ["current", "retired", "intended"])
    def test_a_revoked_key_is_forgotten_whatever_it_was(self, state: State, sort: str) -> None:
        state.promote(key(2), key(1, retired_until=5))
        state.begin(intent(3))
        gone = {"current": key(2).live_name, "retired": key(1).live_name, "intended": intent(3).live_name}[sort]
        state.revoked(ADDRESS, gone)
        left = {trace.live_name for trace in state.read().traces}
        assert left == {key(n).live_name for n in (1, 2, 3)} - {gone}

    def test_to_forget_a_key_is_not_to_forget_what_has_still_to_be_revoked(self, state: State) -> None:
        state.promote(key(2), key(1, retired_until=5))
        state.begin(intent(3))
        state.forget(ADDRESS)
        assert state.read().traces == (key(1, retired_until=5), intent(3))

    def test_what_people_say_of_a_key_and_what_nobody_looked_at_is_remembered(self, make_state: MakeState) -> None:
        claimed = key(1, retired_until=5, claimed_by="alice@desk", claimed_at=4, unheard=True)
        unverified = replace(key(2), unverified="ticket 4711", without_secret=True, nonce=NonceScale.MILLISECONDS)
        make_state().promote(unverified, claimed)
        recorded = make_state().read()
        assert (recorded.keys[ADDRESS], recorded.retired) == (unverified, (claimed,))
