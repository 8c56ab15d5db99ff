"""Writes that share a transaction: each as if it were alone."""

from __future__ import annotations

import threading
from contextlib import closing
from pathlib import Path

import pytest

from krakenctl.errors import LeaseLost, StateError
from krakenctl.model.recorded import RecordedAccount
from krakenctl.state.sql import SqlState
from krakenctl.state.sqlite import open_state
from krakenctl.state.together import Together, _Write

THREADS = 8


@pytest.fixture
def state(tmp_path: Path):
    with closing(open_state(tmp_path / "state.db")) as opened:
        yield opened


@pytest.fixture
def together(state: SqlState) -> Together:
    return state._database


def remember(name):
    return lambda run: run("INSERT INTO meta VALUES (?, '')", name)


def names(together):
    return {row[0] for row in together.read(lambda run: run("SELECT name FROM meta"))}


def lost(run):
    run("INSERT INTO meta VALUES ('never', '')")
    raise LeaseLost("somebody else has it")


def queued(together, *deeds):
    """Deeds of others that came while somebody was writing."""
    writes = [_Write(deed) for deed in deeds]
    together._waiting += writes
    return writes


def test_those_that_wait_go_together_and_are_all_done(together):
    others = queued(together, remember("b"), remember("c"))
    together.write(remember("a"))
    assert names(together) >= {"a", "b", "c"}
    assert all(write.over and write.problem is None for write in others)


def test_what_fails_by_itself_is_undone_by_itself_and_told_to_whom_it_belongs(together):
    [before, failed, after] = queued(together, remember("b"), lost, remember("c"))
    together.write(remember("a"))
    assert names(together) >= {"a", "b", "c"}
    assert "never" not in names(together)
    assert (before.problem, after.problem, type(failed.problem)) == (None, None, LeaseLost)


def test_where_the_database_fails_none_of_them_is_done(together):
    others = queued(together, remember("b"), lambda run: run("INSERT INTO nowhere VALUES (1)"))
    with pytest.raises(StateError):
        together.write(remember("a"))
    assert not names(together) & {"a", "b"}
    assert all(isinstance(write.problem, StateError) for write in others)
    together.write(remember("a"))
    assert "a" in names(together)


def test_one_alone_raises_what_it_raises(together):
    with pytest.raises(LeaseLost):
        together.write(lost)
    assert "never" not in names(together)


def test_threads_lose_nothing(state):
    def work(number):
        for each in range(20):
            state.remember_account(RecordedAccount(name=f"a-{number}-{each}"))
            assert f"a-{number}-{each}" in state.read().accounts

    threads = [threading.Thread(target=work, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(state.read().accounts) == THREADS * 20


def test_a_look_need_not_wait_for_somebody_who_writes(together):
    writing, looked = threading.Event(), threading.Event()

    def slow(run):
        remember("slow")(run)
        writing.set()
        assert looked.wait(20)

    writer = threading.Thread(target=lambda: together.write(slow))
    writer.start()
    assert writing.wait(20)
    assert "slow" not in names(together)
    looked.set()
    writer.join()
    assert "slow" in names(together)
