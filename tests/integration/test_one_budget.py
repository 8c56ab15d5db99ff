"""Kraken locks accounts, not hosts: refused calls are counted together, whichever host or command made them."""

from __future__ import annotations

import socket

import pytest

from by_hand import OPEN, a_key, by_hand, planned, run
from desk import make_desk
from krakenctl.model.outcome import Result
from krakenctl.sandbox.people import operate
from krakenctl.testing.person import Robot
from waiting import BOT, NAME, ORDERS, at, counting, in_env, row, set_nonce, waiting_desk

AWAY = "198.51.100.7"
NAMES = ("one", "two", "three", "four")
HOSTS = ("runner-a", "runner-b")


@pytest.fixture(params=ORDERS)
def order(request):
    return request.param


@pytest.fixture
def desk(tmp_path, order):
    """A key that waits, and has been in use beyond the small nonces. Two calls were refused when it was made."""
    desk = waiting_desk(tmp_path / "acme", order, consumer={"nonce": "unknown"})
    desk.advance(3700)
    desk.switch("lockout-threshold", "none")  # it forgets no refusal by itself
    set_nonce(desk, 10_000)
    return desk


@pytest.fixture
def blank_desk(tmp_path, order):
    desk = make_desk(tmp_path / "acme")
    desk.switch("check-order", order)
    return desk


def on(patch, host):
    patch.setattr(socket, "gethostname", lambda: host)


def told(ran):
    return " ".join((ran.out + ran.err).split())


def known_on_two_hosts(desk, monkeypatch):
    """Keys that have answered both."""
    desk.declare(by_hand(), *map(a_key, NAMES))
    run(desk, Robot(desk.db))
    for host in HOSTS:
        on(monkeypatch, host)
        desk.advance(60)
        assert "4 asked" in desk.run("verify").out
    desk.advance(60)


def shut(desk, *names):
    """Restricted to another address."""
    for name in names:
        form = {"ip_allowlist": [AWAY], "valid_until": 1_815_552_000}
        operate.edit_key(desk.db, "acme", f"{name}.a7.g1", ["query-funds"], **form)


def test_what_one_host_was_refused_counts_on_every_other(blank_desk, monkeypatch):
    known_on_two_hosts(blank_desk, monkeypatch)
    shut(blank_desk, *NAMES)
    on(monkeypatch, HOSTS[0])
    signed = counting(monkeypatch)
    planned(blank_desk)
    assert signed() == 3
    for host in (*HOSTS, *HOSTS):
        on(monkeypatch, host)
        for command in ("plan", "verify", "drift"):
            blank_desk.run(command)
    assert signed() == 4  # one that had answered there might have been well


@pytest.mark.parametrize("command", ["plan", "verify", "drift"])
def test_keys_that_are_well_stay_asked_on_every_host_whatever_others_were_refused(blank_desk, monkeypatch, command):
    known_on_two_hosts(blank_desk, monkeypatch)
    shut(blank_desk, *NAMES[:3])
    for host in HOSTS:
        on(monkeypatch, host)
        for _ in range(2):
            blank_desk.run(command)
            blank_desk.advance(60)
    on(monkeypatch, HOSTS[0])
    seen = blank_desk.run("verify", "-o", "json").json["keys"]
    assert [each["asked"] for each in seen if each["address"].endswith("four")] == [True]
    assert blank_desk.recorded().rows == {}


def test_attests_in_a_row_lock_no_account(desk, monkeypatch):
    with at(monkeypatch):
        signed = counting(monkeypatch)
        assert "refuses 21 as its nonce" in told(desk.run("attest", BOT))
        assert desk.run("attest", BOT).code == 1
        again = desk.run("attest", BOT)
        assert (again.code, signed()) == (1, 1), told(again)
    assert "3 calls of acme were refused in a row" in told(again)
    assert "not asked before 2027-" in told(again)
    assert "nothing was done" in told(again)


def test_attest_asks_once_when_the_row_has_rested(desk, monkeypatch):
    with at(monkeypatch):
        desk.run("attest", BOT)
        desk.run("attest", BOT)
        desk.advance(3700)
        signed = counting(monkeypatch)
        for _ in range(3):
            desk.run("attest", BOT)
    assert signed() == 1


@pytest.mark.parametrize("command", ["plan", "verify"])
def test_an_hourly_command_whose_keys_are_all_shut_out_is_told_of_no_lockout(blank_desk, monkeypatch, command):
    known_on_two_hosts(blank_desk, monkeypatch)
    shut(blank_desk, *NAMES)
    signed = counting(monkeypatch)
    for _ in range(24):
        assert "locked" not in told(blank_desk.run(command)).lower()
        blank_desk.advance(3600)
    assert 4 < signed() <= 8


def test_no_wrong_word_keeps_a_key_that_is_well_from_being_asked(blank_desk, monkeypatch):
    blank_desk.declare(by_hand(), a_key("well"))
    run(blank_desk, Robot(blank_desk.db))
    planned(blank_desk)
    blank_desk.declare(by_hand(), a_key("well"), a_key(ipAllowlist=[AWAY]))
    run(blank_desk, Robot(blank_desk.db))
    blank_desk.advance(3600)
    for words in ((), (), ("--nonce", "500"), ("--nonce", "501")):
        ran = blank_desk.run("attest", BOT, *words)
        assert ran.code == 1, told(ran)
    assert "run `krakenctl verify ApiKey/acme/well` first" in told(ran)
    signed = counting(monkeypatch)
    seen = blank_desk.run("verify", "ApiKey/acme/well", "-o", "json").json["keys"]
    assert [each["asked"] for each in seen if each["address"] == "ApiKey/acme/well"] == [True]
    assert blank_desk.run("attest", BOT, "--nonce", "502").code == 1
    assert signed() == 2


class Corrects(Robot):
    """Edits as told, but for an address; and puts that right at the third time of asking."""

    def update(self, step):
        self._edit(step, [AWAY])

    def again(self, step, differences):
        self.told.append(("again", step, differences))
        if len(self.told) == 3:
            self._edit(step, step.wanted.ip_allowlist)

    def _edit(self, step, ip_allowlist):
        form = {"ip_allowlist": ip_allowlist, "valid_until": step.wanted.valid_until}
        operate.edit_key(self.db, "acme", NAME, ["query-funds"], **form)


def test_an_edit_that_is_put_right_before_the_fourth_look_is_looked_at(blank_desk):
    blank_desk.declare(by_hand(), a_key())
    run(blank_desk, Robot(blank_desk.db))
    planned(blank_desk)
    blank_desk.advance(60)
    blank_desk.declare(by_hand(), a_key(ipAllowlist=[*OPEN, "198.51.100.9"]))
    assert run(blank_desk, Corrects(blank_desk.db)).outcome.result is Result.DONE
    assert blank_desk.recorded().rows == {}


def test_what_a_person_says_is_worth_one_call(desk, monkeypatch):
    with at(monkeypatch):
        desk.run("attest", BOT)
        desk.run("attest", BOT)
        signed = counting(monkeypatch)
        wrong = desk.run("attest", BOT, "--nonce", "9000")
        assert (wrong.code, signed()) == (1, 1), told(wrong)
        other = in_env(monkeypatch, row(desk, NAME).public_key, "A" * 86 + "==")
        for again in (("--nonce", "9001"), other, ("--otp-env", "MM_API_KEY")):
            ran = desk.run("attest", BOT, *again)
            assert (ran.code, signed(), "not asked before 2027-" in told(ran)) == (1, 1, True), told(ran)
        desk.advance(3700)
        assert desk.run("attest", BOT, "--nonce", "10001").code == 0


def test_another_pair_is_worth_one_call(desk, monkeypatch):
    with at(monkeypatch):
        desk.run("attest", BOT)
        desk.run("attest", BOT)
        signed = counting(monkeypatch)
        other = in_env(monkeypatch, row(desk, NAME).public_key, "A" * 86 + "==")
        ran = desk.run("attest", BOT, *other)
    assert (ran.code, signed()) == (1, 1), told(ran)


def test_a_second_factor_is_worth_one_call(desk, monkeypatch):
    with at(monkeypatch):
        desk.run("attest", BOT)
        assert "--otp" in told(desk.run("attest", BOT)) + told(desk.run("attest", BOT))
        signed = counting(monkeypatch)
        monkeypatch.setenv("FACTOR", "hunter2")
        assert desk.run("attest", BOT, "--otp-env", "FACTOR").code == 1
    assert signed() == 1


def test_an_answer_to_attest_ends_the_row(desk, monkeypatch):
    with at(monkeypatch):
        desk.run("attest", BOT)
        assert desk.run("attest", BOT, "--nonce", "10001").code == 0
    assert (desk.recorded().refused, desk.recorded().rows) == ({}, {})


def test_what_attest_was_refused_counts_for_a_plan(desk, monkeypatch):
    with at(monkeypatch):
        desk.run("attest", BOT)
        desk.run("attest", BOT, "--nonce", "9000")
        signed = counting(monkeypatch)
        planned(desk)
    assert signed() == 0
