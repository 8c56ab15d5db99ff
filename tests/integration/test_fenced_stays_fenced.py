"""What was shown by asking twice stays so: that a key lives, and that somebody restricted it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from by_hand import a_key, by_hand, planned, run
from desk import make_desk
from krakenctl.model.silence import FENCED, NO_KEY, TWICE, Refusal
from krakenctl.sandbox.people import operate
from krakenctl.testing.person import Robot

AWAY, TWO = "198.51.100.7", "ApiKey/acme/two"


@pytest.fixture
def desk(tmp_path):
    """Both have answered this host; one was restricted to other addresses since, and has shown that it lives."""
    desk = make_desk(tmp_path / "acme")
    desk.switch("check-order", "nonce-first")
    desk.declare(by_hand(), a_key("one"), a_key("two"))
    run(desk, Robot(desk.db))
    desk.advance(60)
    assert desk.run("verify").code == 0
    form = {"ip_allowlist": [AWAY], "valid_until": 1_815_552_000}
    operate.edit_key(desk.db, "acme", "two.a7.g1", ["query-funds"], **form)
    desk.advance(60)
    assert planned(desk).changes == ()
    assert said(desk) == [FENCED]
    return desk


def said(desk):
    return [refusal.said for refusal in desk.recorded().refused.values()]


@pytest.mark.parametrize("apart", [60, 4000])
def test_a_key_that_lives_is_not_replaced_because_somebody_asked_it_by_name(desk, apart):
    desk.advance(apart)
    [told] = desk.run("verify", TWO, "-o", "json").json["keys"]
    assert "it lives: somebody restricted it" in told["why"]
    desk.advance(60)
    assert [(change.action, change.reasons) for change in planned(desk).changes] == []
    assert said(desk) == [FENCED]


def test_once_it_is_deleted_two_refusals_show_that(desk):
    operate.revoke_key(desk.db, "acme", "two.a7.g1")
    desk.advance(7200)
    planned(desk)
    assert said(desk) == [TWICE]


@given(shown=st.sampled_from([FENCED, TWICE]), gaps=st.lists(st.integers(0, 100_000), max_size=6))
def test_no_number_of_single_refusals_forgets_what_two_have_shown(shown, gaps):
    refusal = Refusal(at=1_800_000_000, times=1, said=shown)
    for gap in gaps:
        refusal = refusal.again(refusal.at + gap, NO_KEY)
    assert refusal.said == shown
    assert refusal.again(refusal.at, {FENCED: TWICE, TWICE: FENCED}[shown]).said != shown
