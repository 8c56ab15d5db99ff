"""Whatever attest is told, in whichever order with other commands and hosts: few calls in a row are refused."""

from __future__ import annotations

import itertools
import socket

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from krakenctl.errors import RateLimited, Refused
from krakenctl.model.silence import MOST_BY_WORD, ROW_SECONDS
from krakenctl.sandbox import clock
from krakenctl.surfaces.kraken import answers
from waiting import BOT, at, set_nonce, waiting_desk
from website_scene import watch

ATTEST = ("attest", BOT)
COMMANDS = (
    ATTEST,
    (*ATTEST, "--nonce", "9000"),
    (*ATTEST, "--nonce", "ms"),
    (*ATTEST, "--otp-env", "FACTOR"),
    (*ATTEST, "--env", "MM_API_KEY,MM_API_SECRET"),
    ("plan",),
    ("verify", BOT),
)
NUMBERS = itertools.count()


@pytest.fixture(scope="module")
def waiting(tmp_path_factory):
    """A key that waits, and that has seen a number far above any that anybody here may send."""
    desk = waiting_desk(tmp_path_factory.mktemp("waiting") / "acme", consumer={"nonce": "unknown"})
    desk.advance(3700)
    desk.switch("lockout-threshold", "none")
    set_nonce(desk, 10**18)
    return desk


@pytest.mark.parametrize("order", ["nonce-first", "address-first"])
def test_no_word_of_a_person_goes_on_for_ever(waiting, tmp_path, monkeypatch, order):
    monkeypatch.setenv("FACTOR", "hunter2")
    monkeypatch.setenv("MM_API_KEY", "another")
    monkeypatch.setenv("MM_API_SECRET", "A" * 86 + "==")

    @settings(
        max_examples=4,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(
        st.lists(
            st.tuples(st.sampled_from(COMMANDS), st.booleans(), st.sampled_from([0, 0, 600])), min_size=7, max_size=9
        )
    )
    def law(steps):
        desk, refused = waiting.copy(tmp_path / str(next(NUMBERS))), []
        desk.switch("check-order", order)

        def hear(_, answer):
            try:
                answers.result(answer, "answer")
            except RateLimited:
                return
            except Refused:
                refused.append(clock.now(desk.db))
            else:
                refused.clear()

        with monkeypatch.context() as patch:
            watch(patch, hear)
            for command, is_there, seconds in steps:
                patch.setattr(socket, "gethostname", lambda is_there=is_there: "there" if is_there else "here")
                with at(monkeypatch, "198.51.100.7" if is_there else "127.0.0.1"):
                    desk.run(*command)
                assert sum(one > clock.now(desk.db) - ROW_SECONDS for one in refused) <= MOST_BY_WORD, steps
                desk.advance(seconds)

    law()
