"""The audit log: one chain, whoever writes."""

# ruff: noqa: S101 - these are tests

from __future__ import annotations

import json

import pytest

from krakenctl.model.chain import Walked, hash_of, walk
from krakenctl.state.base import State
from krakenctl.testing.examples import intent
from krakenctl.testing.state_contract.fixtures import WRITERS, WRITES, Fixtures, MakeState, at_once, deed


class Log(Fixtures):
    def test_a_new_log_has_no_line_and_no_head(self, state: State) -> None:
        assert (list(state.log.lines()), state.log.head()) == ([], "")

    def test_each_line_of_the_log_is_kept_in_order_and_hashed_over_the_one_before(self, make_state: MakeState) -> None:
        heads = [make_state().log.append(deed(n)) for n in range(3)]
        lines = list(make_state().log.lines())
        assert [json.loads(line)["at"] for line in lines] == [0, 1, 2]
        assert [hash_of(line) for line in lines] == heads
        assert [json.loads(line)["prev"] for line in lines] == ["", *heads[:2]]
        assert make_state().log.head() == heads[-1]

    def test_what_is_told_with_a_write_is_told_in_its_transaction_after_what_was_told_before(
        self, make_state: MakeState
    ) -> None:
        state = make_state()
        state.log.append(deed(1), deed(2))
        before = state.read().serial
        state.begin(intent(1), deeds=[deed(3), deed(4)])
        assert state.read().serial in (before, before + 1)  # a state without a serial tells none
        lines = list(make_state().log.lines())
        assert [json.loads(line)["at"] for line in lines] == [1, 2, 3, 4]
        assert walk(lines, stored=state.log.head()) == Walked(4, hash_of(lines[-1]))

    @pytest.mark.parametrize("shared", [False, True], ids=["a state each", "one state"])
    def test_writers_at_once_make_one_chain(self, make_state: MakeState, shared: bool) -> None:
        one = make_state()

        def work(writer: int) -> None:
            state = one if shared else make_state()
            for n in range(WRITES):
                state.log.append(deed(n * WRITERS + writer))

        at_once(work)
        lines = list(one.log.lines())
        assert walk(lines, stored=one.log.head()) == Walked(WRITERS * WRITES, hash_of(lines[-1]))
        assert {json.loads(line)["at"] for line in lines} == set(range(WRITERS * WRITES))
