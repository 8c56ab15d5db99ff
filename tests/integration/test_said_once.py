"""Why a key waits is said in full once on each stream of a run, and in short wherever it is said again."""

from __future__ import annotations

import pytest

from waiting import BOT, waiting_desk

WHY = "this host is not in its allow-list"


@pytest.fixture
def desk(tmp_path):
    return waiting_desk(tmp_path / "acme")


def flat(text):
    return " ".join(text.split())


def test_apply_says_once_why_a_key_waits_and_what_to_do(desk):
    ran = desk.run("apply", "--yes")
    out, err = flat(ran.out), flat(ran.err)
    assert (ran.code, out.count("recover --absent"), err.count(WHY), err.count("krakenctl attest")) == (8, 1, 1, 1)
    assert "is not finished, as said above" in out
    assert f"! blocked {BOT}, as said above" in out
    assert f"! {BOT} check bot.a7.g1 !" in err


def test_for_machines_each_place_has_the_whole_reason(desk):
    report = desk.run("apply", "--yes", "-o", "json").json
    assert WHY in report["outcomes"][0]["message"]
    assert WHY in report["recovered"][0]["message"]
    assert WHY in desk.plan()["changes"][0]["reasons"][0]
