"""Whoever is killed, and however many write at once: what was done stays done."""

# ruff: noqa: S101 - these are tests

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from krakenctl.errors import StateError
from krakenctl.model.chain import walk
from krakenctl.state.base import State
from krakenctl.testing.examples import ADDRESS, STORY, intent
from krakenctl.testing.memory import MemoryState
from krakenctl.testing.state_contract.fixtures import WRITERS, WRITES, Fixtures, MakeState, at_once, comparable


class Durable(Fixtures):
    @pytest.mark.parametrize("deeds", range(1, len(STORY) + 1, 2))
    def test_a_process_that_is_killed_loses_nothing_it_had_done(
        self, make_state: MakeState, opening: str, deeds: int
    ) -> None:
        lineage, reference = make_state().read().lineage, MemoryState()
        _run_and_kill(opening, deeds)
        for deed in STORY[:deeds]:
            deed(reference)
        assert comparable(make_state()) == comparable(reference)
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

        at_once(work)
        recorded = one.read()
        assert {one.generation for one in recorded.intents} == set(range(WRITERS * WRITES))
        assert recorded.generations == {ADDRESS: WRITERS * WRITES - 1}

    def test_the_serial_rises_with_every_deed_and_with_nothing_else(self, make_state: MakeState) -> None:
        for deed in STORY:
            before = make_state().read().serial
            deed(make_state())
            make_state().log.head()
            assert make_state().read().serial == before + 1

    def test_a_closed_state_says_so_in_an_error_of_ours(self, state: State) -> None:
        state.close()
        with pytest.raises(StateError):
            state.read()


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
