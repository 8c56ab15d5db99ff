"""What every state keeps to. See `krakenctl.state.base.State`; the reference is `memory.MemoryState`."""

# ruff: noqa: S101 - these are tests

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from krakenctl.errors import StateError
from krakenctl.model.address import key_address
from krakenctl.model.chain import Verdict, hash_of, walk
from krakenctl.model.description import NonceScale
from krakenctl.model.journal import Stage
from krakenctl.model.plan import Ended, Mark
from krakenctl.model.recorded import Gone, Recorded, RecordedAccount, SeenLimit
from krakenctl.model.run import Deed, Run
from krakenctl.model.silence import CLOCK_SLACK, ROW_SECONDS, Answer, Refusal, RefusalRow
from krakenctl.state.base import State
from krakenctl.testing.examples import ADDRESS, OTHER, SPEC, STORY, announced_key, given_key, intent, key
from krakenctl.testing.memory import MemoryState

MakeState = Callable[..., State]
WRITERS, WRITES = 3, 15

_texts = st.text(st.characters(exclude_characters="\0", codec="utf-8"))  # PostgreSQL has no place for a NUL
_addresses = st.sampled_from([ADDRESS, OTHER, key_address("acme", "mm-btc")])
_generations = st.integers(1, 4)
_current = st.builds(key, _generations, _addresses)
_retired = st.builds(key, _generations, _addresses, retired_until=st.integers(1, 2**40))
_formers = st.none() | _addresses
_counts = st.integers(0, 99)
_names = st.builds(lambda address, n: key(n, address).live_name, _addresses, _generations)
_public_keys = st.builds(lambda n: key(n).public_key, _generations)
_hosts = st.sampled_from(["desk", "vault"])
_seconds = st.integers(0, 2**40)
_deeds = st.one_of(
    st.tuples(st.just("refused"), _public_keys, _hosts, st.builds(Refusal, _seconds, _counts, _texts)),
    st.tuples(st.just("gone"), _public_keys, st.builds(Gone, since=_seconds, host=_hosts, said=_texts)),
    st.tuples(st.just("locked_out"), st.sampled_from("ab"), _seconds),
    st.tuples(st.just("count_refused"), st.sampled_from("ab"), st.integers(0, 2 * ROW_SECONDS)),
    st.tuples(st.just("end_row"), st.sampled_from("ab")),
    st.tuples(st.just("begin"), st.builds(intent, _generations, _addresses)),
    st.tuples(st.just("advance"), _addresses, _names, st.sampled_from(Stage), st.sampled_from(["", "listed"])),
    st.tuples(st.just("promote"), _current, st.none() | _retired, _formers),
    st.tuples(st.just("update"), _current | _retired, _formers),
    st.tuples(st.just("revoked"), _addresses, _names),
    st.tuples(st.just("forget"), _addresses, st.none() | st.builds(given_key, _generations, _addresses)),
    st.tuples(st.just("announce"), st.builds(announced_key, _generations, _addresses)),
    st.tuples(st.just("finish"), _addresses, _names),
    st.tuples(st.just("learn_limit"), st.sampled_from("ab"), st.none() | st.builds(SeenLimit, _counts, _counts)),
    st.tuples(st.just("remember_account"), st.builds(RecordedAccount, name=st.sampled_from("ab"), iiban=_texts)),
)
_UNTOLD = ("announce", "learn_limit", "refused", "gone", "locked_out", "count_refused", "end_row")  # no run did that
_numbers = itertools.count()


class StateContract:
    """Subclass it, and say with fixtures how to reach your state. Needed: `make_state`; for a real death: `opening`."""

    @pytest.fixture
    def make_state(self) -> MakeState:
        """Opens the state of a name (`make_state("law-1")`), the same again with each call; new ones are empty.

        The name has a default, `state`. Closing what is still open is the fixture's business too.
        """
        raise NotImplementedError("give your contract a fixture make_state")

    @pytest.fixture
    def opening(self) -> str:
        """Python that binds `state` to the state of the default name, to be run by another process."""
        pytest.skip("this contract was not told how another process opens the state")

    @pytest.fixture
    def state(self, make_state: MakeState) -> State:
        return make_state()

    @settings(
        max_examples=40,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
    )
    @given(deeds=st.lists(st.tuples(st.booleans(), _deeds), max_size=10))
    def test_any_deeds_of_two_runs_leave_what_they_would_leave_in_a_dictionary(
        self, make_state: MakeState, deeds: list[tuple[bool, tuple[Any, ...]]]
    ) -> None:
        place, reference = f"law-{next(_numbers)}", MemoryState()
        ours, theirs = make_state(place), make_state(place)
        for number, (one, (name, *arguments)) in enumerate(deeds):
            told = {} if name in _UNTOLD else {"deeds": [_deed(number)] * (number % 3)}
            for state in (ours if one else theirs, reference):
                getattr(state, name)(*arguments, **told)
        assert _comparable(theirs) == _comparable(ours) == _comparable(reference)
        assert list(theirs.log.lines()) == list(ours.log.lines()) == list(reference.log.lines())

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
            assert _comparable(make_state()) == _comparable(reference)

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

    def test_what_people_say_of_a_key_and_what_nobody_looked_at_is_remembered(self, make_state: MakeState) -> None:
        claimed = key(1, retired_until=5, claimed_by="alice@desk", claimed_at=4, silent=True)
        unverified = replace(key(2), unverified="ticket 4711", without_secret=True, nonce=NonceScale.MILLISECONDS)
        make_state().promote(unverified, claimed)
        recorded = make_state().read()
        assert (recorded.keys[ADDRESS], recorded.retired) == (unverified, (claimed,))

    def test_it_is_remembered_which_key_has_answered_from_which_host(self, make_state: MakeState) -> None:
        make_state().promote(key(1), None)
        told = Answer("AA12 N84G EXAM PLE1", spent=2**32, nonce=2**62)
        for host in ("desk", "desk", "vault"):
            make_state().hear(key(1).public_key, host, answers=True)
        make_state().hear("another", "desk", answers=True)
        make_state().hear("another", "desk", answers=True, told=told)
        make_state().hear(key(1).public_key, "vault", answers=False)
        make_state().hear("nobody", "vault", answers=False)
        assert make_state().read().answered == {(key(1).public_key, "desk"): Answer(), ("another", "desk"): told}
        make_state().revoked(ADDRESS, key(1).live_name)
        assert make_state().read().answered == {("another", "desk"): told}

    def test_a_refusal_is_remembered_until_the_key_answers_there_or_is_forgotten(self, make_state: MakeState) -> None:
        refusal = Refusal(at=2**32, times=1, said="EAPI:Invalid key")
        make_state().promote(key(1), None)
        make_state().hear("another", "desk", answers=True)
        for public_key, host in ((key(1).public_key, "desk"), ("another", "desk"), ("another", "vault")):
            make_state().refused(public_key, host, refusal)
        again = refusal.again(2**32 + 60, "EAPI:Invalid nonce")
        make_state().refused("another", "vault", again)
        make_state().revoked(ADDRESS, key(1).live_name)
        seen = make_state().read()
        assert seen.refused == {("another", "desk"): refusal, ("another", "vault"): again}
        assert ("another", "desk") in seen.answered
        make_state().hear("another", "desk", answers=True)
        assert make_state().read().refused == {("another", "vault"): again}

    def test_refused_calls_in_a_row_are_counted_by_account_until_one_is_answered(self, make_state: MakeState) -> None:
        for account, at in (("acme", 2**32), ("acme", 2**32 + ROW_SECONDS), ("desk", 7), ("other", 8)):
            make_state().count_refused(account, at)
        make_state().end_row("other")
        make_state().end_row("nobody")
        after = 2**32 + ROW_SECONDS
        assert make_state().read().rows == {"acme": RefusalRow(after, 2), "desk": RefusalRow(7, 1)}

    def test_a_row_of_refused_calls_outlives_its_keys(self, make_state: MakeState) -> None:
        make_state().promote(key(1), None)
        make_state().refused(key(1).public_key, "desk", Refusal(at=5, times=1, said="EAPI:Invalid key"))
        make_state().count_refused("mm-desk", 5)
        make_state().revoked(ADDRESS, key(1).live_name)
        make_state().restore(Recorded(lineage=""))
        assert make_state().read().rows == {"mm-desk": RefusalRow(5, 1)}

    @pytest.mark.parametrize("later", [ROW_SECONDS, -CLOCK_SLACK - 1])
    def test_a_row_goes_on_though_it_is_old_or_the_clock_was_put_back(self, state: State, later: int) -> None:
        for at in (10**9, 10**9, 10**9 + later):
            state.count_refused("acme", at)
        assert state.read().rows == {"acme": RefusalRow(10**9 + later, 3)}

    def test_two_that_count_refused_calls_at_once_lose_none(self, make_state: MakeState) -> None:
        states = [make_state() for _ in range(WRITERS)]

        def count(state: State) -> None:
            for _ in range(WRITES):
                state.count_refused("acme", 5)

        with ThreadPoolExecutor(WRITERS) as pool:
            list(pool.map(count, states))
        assert make_state().read().rows == {"acme": RefusalRow(5, WRITERS * WRITES)}

    def test_the_last_lockout_of_each_account_is_remembered(self, make_state: MakeState) -> None:
        for account, at in (("mm-desk", 5), ("acme", 7), ("mm-desk", 2**32)):
            make_state().locked_out(account, at)
        assert make_state().read().lockouts == {"mm-desk": 2**32, "acme": 7}

    def test_a_proof_that_a_key_is_gone_is_kept_until_it_answers_or_is_forgotten(self, make_state: MakeState) -> None:
        proof = Gone(since=5, host="desk", said="EAPI:Invalid key")
        make_state().promote(key(1), None)
        for public_key in (key(1).public_key, "another", "another"):
            make_state().gone(public_key, proof)
        make_state().refused("another", "vault", Refusal(at=5, times=1, said="EAPI:Invalid key"))
        assert make_state().read().gone == {key(1).public_key: proof, "another": proof}
        make_state().hear("another", "vault", answers=True)
        assert make_state().read().gone == {key(1).public_key: proof}
        make_state().revoked(ADDRESS, key(1).live_name)
        assert make_state().read().gone == {}

    def test_what_is_not_there_can_be_revoked_forgotten_and_advanced(self, state: State) -> None:
        before = state.read()
        state.revoked(ADDRESS, "nobody")
        state.forget(ADDRESS)
        state.advance(ADDRESS, "nobody", Stage.STORED)
        assert state.read() == before

    @pytest.mark.parametrize("deeds", range(1, len(STORY) + 1, 2))
    def test_a_process_that_is_killed_loses_nothing_it_had_done(
        self, make_state: MakeState, opening: str, deeds: int
    ) -> None:
        lineage, reference = make_state().read().lineage, MemoryState()
        _run_and_kill(opening, deeds)
        for deed in STORY[:deeds]:
            deed(reference)
        assert _comparable(make_state()) == _comparable(reference)
        assert make_state().read().lineage == lineage
        make_state().begin(intent(9))  # and its locks went with it

    def test_a_process_that_is_killed_in_the_middle_of_a_deed_has_done_it_or_not(
        self, make_state: MakeState, opening: str
    ) -> None:
        """Wherever the signal finds it: at most the last deed has no witness, none is done by half, and the log tells
        of those that are done, and of no other."""
        told = _write_and_kill(opening, after=WRITES)
        recorded = make_state().read()
        assert len(recorded.intents) in (told, told + 1)
        assert recorded.generations == {ADDRESS: len(recorded.intents)}
        lines = list(make_state().log.lines())
        assert [json.loads(line)["at"] for line in lines] == [
            n for n in range(1, len(recorded.intents) + 1) for _ in "ab"
        ]
        assert walk(lines, stored=make_state().log.head()).broken == ""
        make_state().begin(intent(told + 2))

    @pytest.mark.parametrize("shared", [False, True], ids=["a state each", "one state"])
    def test_writers_at_once_lose_none_of_each_others_updates(self, make_state: MakeState, shared: bool) -> None:
        one = make_state()

        def work(writer: int) -> None:
            state = one if shared else make_state()
            for n in range(WRITES):
                state.begin(intent(n * WRITERS + writer))

        _at_once(work)
        recorded = one.read()
        assert {one.generation for one in recorded.intents} == set(range(WRITERS * WRITES))
        assert recorded.generations == {ADDRESS: WRITERS * WRITES - 1}

    def test_the_serial_rises_with_every_deed_and_with_nothing_else(self, make_state: MakeState) -> None:
        for deed in STORY:
            before = make_state().read().serial
            deed(make_state())
            make_state().log.head()
            assert make_state().read().serial == before + 1

    def test_what_is_told_with_a_write_is_told_in_its_transaction_after_what_was_told_before(
        self, make_state: MakeState
    ) -> None:
        state = make_state()
        state.log.append(_deed(1), _deed(2))
        before = state.read().serial
        state.begin(intent(1), deeds=[_deed(3), _deed(4)])
        assert state.read().serial in (before, before + 1)  # a state without a serial tells none
        lines = list(make_state().log.lines())
        assert [json.loads(line)["at"] for line in lines] == [1, 2, 3, 4]
        assert walk(lines, stored=state.log.head()) == Verdict(4, hash_of(lines[-1]))

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

    def test_a_new_log_has_no_line_and_no_head(self, state: State) -> None:
        assert (list(state.log.lines()), state.log.head()) == ([], "")

    def test_each_line_of_the_log_is_kept_in_order_and_hashed_over_the_one_before(self, make_state: MakeState) -> None:
        heads = [make_state().log.append(_deed(n)) for n in range(3)]
        lines = list(make_state().log.lines())
        assert [json.loads(line)["at"] for line in lines] == [0, 1, 2]
        assert [hash_of(line) for line in lines] == heads
        assert [json.loads(line)["prev"] for line in lines] == ["", *heads[:2]]
        assert make_state().log.head() == heads[-1]

    @pytest.mark.parametrize("shared", [False, True], ids=["a state each", "one state"])
    def test_writers_at_once_make_one_chain(self, make_state: MakeState, shared: bool) -> None:
        one = make_state()

        def work(writer: int) -> None:
            state = one if shared else make_state()
            for n in range(WRITES):
                state.log.append(_deed(n * WRITERS + writer))

        _at_once(work)
        lines = list(one.log.lines())
        assert walk(lines, stored=one.log.head()) == Verdict(WRITERS * WRITES, hash_of(lines[-1]))
        assert {json.loads(line)["at"] for line in lines} == set(range(WRITERS * WRITES))

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

    def test_a_closed_state_says_so_in_an_error_of_ours(self, state: State) -> None:
        state.close()
        with pytest.raises(StateError):
            state.read()


def _deed(at: int) -> Deed:
    run = Run(id="r1", who="desk-lead", host="desk", command="apply")
    return Deed(at=at, run=run, verb="issue", outcome="done", address=ADDRESS, message="ü‘; --")


def _at_once(work: Callable[[int], None]) -> None:
    """So many writers start together. What goes wrong in one of them is told here."""
    start = threading.Barrier(WRITERS)

    def begin(writer: int) -> None:
        start.wait(timeout=20)
        work(writer)

    with ThreadPoolExecutor(WRITERS) as pool:
        for done in [pool.submit(begin, writer) for writer in range(WRITERS)]:
            done.result()


def _write_and_kill(opening: str, after: int) -> int:
    """SIGKILL to a process that writes without a pause, once it has told of so many deeds. How many it told of."""
    lines = (
        opening,
        "from itertools import count",
        "from krakenctl.model.run import Deed, Run",
        "from krakenctl.testing.examples import intent",
        "run = Run(id='r1', who='desk-lead', host='desk', command='apply')",
        "deeds = lambda n: [Deed(at=n, run=run, verb=verb, outcome='done') for verb in ('issue', 'store')]",
        "for n in count(1): state.begin(intent(n), deeds=deeds(n)); print(n, flush=True)",
    )
    command = [sys.executable, "-c", "\n".join(lines)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        assert process.stdout is not None
        told = [process.stdout.readline() for _ in range(after)]
        process.kill()
        told += process.stdout.readlines()
    return int(told[-1])


def _run_and_kill(opening: str, deeds: int) -> None:
    """SIGKILL to a process that has done so many deeds of the story and is about to do the next."""
    lines = (
        opening,
        "from krakenctl.testing.examples import STORY",
        f"for deed in STORY[:{deeds}]: deed(state)",
        "print('done', flush=True)",
        "input()",
    )
    command = [sys.executable, "-c", "\n".join(lines)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        assert process.stdout is not None
        told = process.stdout.readline()
        process.kill()
    assert told == "done\n"


def _comparable(state: State) -> tuple[object, ...]:
    """All but the lineage, in an order that no port promises."""
    recorded = state.read()
    keys = sorted((*recorded.keys.values(), *recorded.retired), key=lambda one: (one.address, one.live_name))
    intents = sorted(recorded.intents, key=lambda one: (one.address, one.live_name))
    return recorded.accounts, keys, intents, recorded.generations, recorded.given, recorded.announced
