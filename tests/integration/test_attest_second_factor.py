"""A key with a second factor refuses whoever gives none: it is no dead end, and neither is a mistyped one."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from by_hand import a_key, by_hand, run
from desk import make_desk
from krakenctl.testing.person import Robot
from waiting import BOT, NAME, ORDERS, THERE


@pytest.fixture(params=["EAPI:Invalid signature", "EGeneral:Permission denied"])
def desk(tmp_path, request):
    """The key was made with a factor, and this host may use it."""
    desk = make_desk(tmp_path)
    desk.switch("otp-error", request.param)
    desk.declare(by_hand(), a_key(ipAllowlist="any"))
    run(desk, Factored(desk.db))
    return desk


class Factored(Robot):
    """A person who sets the factor up before the pair is given."""

    def issue(self, step):
        pair = super().issue(step)
        with closing(sqlite3.connect(self.db)) as connection, connection:
            connection.execute("UPDATE key SET otp = 'static:hunter2' WHERE name = ?", (step.name,))
        return pair


def told(ran):
    return " ".join((ran.out + ran.err).split())


def test_its_pair_waits_and_both_causes_are_named(desk):
    assert (desk.slots(), desk.recorded().keys) == (["acme/bot/pending"], {})
    seen = told(desk.run("plan"))
    assert "one was mistyped, or the key has a second factor (2FA)" in seen
    assert "krakenctl attest" in seen


def test_attest_with_the_factor_ends_the_wait(desk, monkeypatch):
    monkeypatch.setenv("FACTOR", "hunter2")
    ran = desk.run("attest", BOT, "--otp-env", "FACTOR")
    assert ran.code == 0, ran.out + ran.err
    assert "take consumer.nonce out of its manifest" in told(ran)
    assert desk.entry("acme/bot").live_name == NAME
    assert "hunter2" not in ran.out + ran.err + desk.run("log").out


def test_or_somebody_answers_for_it_on_the_record_beside_what_kraken_said(desk):
    ran = desk.run("apply", "--yes", "--allow", "open", "--reason", "t", "--accept-unverified", "it has 2FA")
    assert ran.code == 0, ran.out + ran.err
    [record] = desk.recorded().keys.values()
    reason, _, words = record.unverified.partition(" (Kraken: ")
    assert (reason, words in ("EAPI:Invalid signature)", "EGeneral:Permission denied)")) == ("it has 2FA", True)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("words", ["EAPI:Invalid signature", "EAPI:Invalid nonce", "EAPI:Invalid key"])
def test_a_right_key_that_this_host_may_not_use_is_never_called_wrong(tmp_path, words, order):
    desk = make_desk(tmp_path)
    desk.switch("check-order", order)
    desk.switch("disallowed-ip-error", words)
    desk.declare(by_hand(), a_key(ipAllowlist=[THERE]))
    run(desk, Robot(desk.db))
    assert "is not as it was asked for" not in told(desk.run("plan"))
    ran = desk.run("apply", "--yes", "--accept-unverified", "ticket 4711")
    assert (ran.code, len(desk.recorded().keys)) == (0, 1), ran.out + ran.err
