"""What keys have answered, and how often the exchange has refused them."""

# ruff: noqa: S101 - these are tests

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from krakenctl.model.recorded import EndProof, Recorded
from krakenctl.model.silence import CLOCK_SLACK, ROW_SECONDS, Answer, Refusal, RefusalRow
from krakenctl.state.base import State
from krakenctl.testing.examples import ADDRESS, key
from krakenctl.testing.state_contract.fixtures import WRITERS, WRITES, Fixtures, MakeState


class Answers(Fixtures):
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
        proof = EndProof(since=5, host="desk", said="EAPI:Invalid key")
        make_state().promote(key(1), None)
        for public_key in (key(1).public_key, "another", "another"):
            make_state().gone(public_key, proof)
        make_state().refused("another", "vault", Refusal(at=5, times=1, said="EAPI:Invalid key"))
        assert make_state().read().gone == {key(1).public_key: proof, "another": proof}
        make_state().hear("another", "vault", answers=True)
        assert make_state().read().gone == {key(1).public_key: proof}
        make_state().revoked(ADDRESS, key(1).live_name)
        assert make_state().read().gone == {}
