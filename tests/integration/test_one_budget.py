"""Kraken locks accounts, not hosts: refused calls are counted together, whichever host or command made them."""

from __future__ import annotations

import socket

import pytest

from by_hand import a_key, by_hand, planned, run
from desk import make_desk
from krakenctl.sandbox.people import operate
from krakenctl.testing.person import Robot
from waiting import BOT, NAME, ORDERS, at, counting, in_env, row, set_nonce, waiting_desk

AWAY = "198.51.100.7"
NAMES = ("one", "two", "three", "four")


@pytest.fixture(params=ORDERS)
def order(request):
    return request.param


@pytest.fixture
def desk(tmp_path, order):
    """A key that waits, and has been in use beyond the small nonces."""
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


def test_what_one_host_was_refused_counts_on_every_other(blank_desk, monkeypatch):
    blank_desk.declare(by_hand(), *map(a_key, NAMES))
    run(blank_desk, Robot(blank_desk.db))
    for host in ("runner-a", "runner-b"):
        on(monkeypatch, host)
        blank_desk.advance(60)
        assert "4 asked" in blank_desk.run("verify").out
    for name in NAMES:
        form = {"ip_allowlist": [AWAY], "valid_until": 1_815_552_000}
        operate.edit_key(blank_desk.db, "acme", f"{name}.a7.g1", ["query-funds"], **form)
    on(monkeypatch, "runner-a")
    signed = counting(monkeypatch)
    planned(blank_desk)
    assert signed() == 3
    on(monkeypatch, "runner-b")
    planned(blank_desk)
    assert signed() == 3


def test_attests_in_a_row_lock_no_account(desk, monkeypatch):
    with at(monkeypatch):
        signed = counting(monkeypatch)
        assert "refuses 21 as its nonce" in told(desk.run("attest", BOT))
        assert desk.run("attest", BOT).code == 1
        again = desk.run("attest", BOT)
        assert (again.code, signed()) == (1, 3), told(again)
    assert "3 calls of acme were refused in a row" in told(again)
    assert "not asked before 2027-" in told(again)
    assert "nothing was done" in told(again)


def test_attest_asks_again_when_the_row_is_over(desk, monkeypatch):
    with at(monkeypatch):
        desk.run("attest", BOT)
        desk.run("attest", BOT)
        desk.advance(3700)
        signed = counting(monkeypatch)
        desk.run("attest", BOT)
    assert signed() == 2


def test_what_a_person_says_is_worth_one_call(desk, monkeypatch):
    with at(monkeypatch):
        desk.run("attest", BOT)
        desk.run("attest", BOT)
        signed = counting(monkeypatch)
        wrong = desk.run("attest", BOT, "--nonce", "9000")
        assert (wrong.code, signed()) == (1, 1), told(wrong)
        made = row(desk, NAME)
        other = in_env(monkeypatch, made.public_key, "A" * 86 + "==")
        ran = desk.run("attest", BOT, *other)
        assert (ran.code, signed()) == (1, 2), told(ran)
        desk.advance(3700)
        assert desk.run("attest", BOT, "--nonce", "10001").code == 0


def test_an_answer_to_attest_ends_the_row(desk, monkeypatch):
    with at(monkeypatch):
        desk.run("attest", BOT)
        assert desk.run("attest", BOT, "--nonce", "10001").code == 0
    assert desk.recorded().refused == {}


def test_what_attest_was_refused_counts_for_a_plan(desk, monkeypatch):
    with at(monkeypatch):
        desk.run("attest", BOT)
        desk.run("attest", BOT, "--nonce", "9000")
        signed = counting(monkeypatch)
        planned(desk)
    assert signed() == 0
