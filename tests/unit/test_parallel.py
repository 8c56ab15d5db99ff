"""Many at once: every result in its place, nothing lost, nothing begun after a failure."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakenctl import parallel

SECONDS = 20  # after which a test that hangs fails


@given(things=st.lists(st.integers()), most=st.integers(0, 8))
def test_what_becomes_of_each_is_told_in_their_order(things, most):
    assert parallel.each(lambda thing: thing * 2, things, most) == [thing * 2 for thing in things]


def test_as_many_are_done_at_once_as_was_asked_for():
    all_here = threading.Barrier(3, timeout=SECONDS)
    assert len(parallel.each(lambda _: all_here.wait(), range(6), 3)) == 6


@pytest.mark.parametrize("most", [1, 3])
def test_never_more_are_done_at_once(most):
    inside, gate = threading.Semaphore(0), threading.Event()

    def deed(_):
        inside.release()
        assert gate.wait(SECONDS)

    with ThreadPoolExecutor(1) as pool:
        work = pool.submit(parallel.each, deed, range(50), most)
        assert all(inside.acquire(timeout=SECONDS) for _ in range(most))
        one_more = inside.acquire(timeout=0.2)  # nothing holds back one that was let in wrongly
        gate.set()
        work.result()
    assert not one_more


def test_one_at_a_time_is_done_right_here():
    here = threading.get_ident()
    assert parallel.each(lambda _: threading.get_ident(), range(3), 1) == [here] * 3


def test_after_a_failure_nothing_more_is_begun_and_what_is_under_way_is_finished():
    both, begun, ended = threading.Barrier(2, timeout=SECONDS), [], []

    def deed(thing):
        begun.append(thing)
        both.wait()
        if thing == 0:
            raise ValueError("the first one")
        ended.append(thing)

    with pytest.raises(ValueError, match="the first one"):
        parallel.each(deed, range(2), 2)
    assert (sorted(begun), ended) == ([0, 1], [1])


def test_of_several_failures_the_first_in_order_is_told():
    both = threading.Barrier(2, timeout=SECONDS)

    def deed(thing):
        both.wait()
        raise ValueError(thing)

    with pytest.raises(ValueError, match="0"):
        parallel.each(deed, range(2), 2)


def test_by_default_there_are_some_at_once_and_not_too_many():
    assert 1 < parallel.usual() <= parallel.MOST
