"""A key that a person restricts to another address on the website lives, and what krakenctl says of it fits that."""

from __future__ import annotations

from contextlib import closing

import pytest

from by_hand import a_key, by_hand, planned, run
from desk import make_desk
from krakenctl.model.address import Address
from krakenctl.model.recorded import EndProof
from krakenctl.model.silence import TWICE
from krakenctl.sandbox.people import operate
from krakenctl.testing.person import Robot
from krakenctl.wiring.opening import state_home
from waiting import ORDERS

AWAY = ["198.51.100.7"]
BOT = "ApiKey/acme/bot"


@pytest.fixture(params=ORDERS)
def order(request):
    return request.param


@pytest.fixture
def desk(tmp_path, order):
    """`peer` shows that this host's address has not changed."""
    desk = make_desk(tmp_path / "acme")
    desk.switch("check-order", order)
    desk.declare(by_hand(), a_key("bot"), a_key("peer"))
    run(desk, Robot(desk.db))
    desk.advance(60)
    form = {"ip_allowlist": AWAY, "valid_until": 1_815_552_000}
    operate.edit_key(desk.db, "acme", "bot.a7.g1", ["query-funds"], **form)
    return desk


def words(ran):
    return " ".join((ran.out + ran.err).split())


def bot_of(ran):
    return next(each for each in ran.json["keys"] if each["address"] == BOT)


@pytest.mark.parametrize("before", [[], ["plan"], ["verify"], ["plan", "verify", "drift"]], ids="-".join)
def test_every_command_says_so_whichever_came_before(desk, order, before):
    for command in before:
        desk.run(command)
        desk.advance(61)
    is_known = order == "nonce-first"  # else Kraken says the same of a key that is gone
    ran = desk.run("verify", "-o", "json")
    verified = bot_of(ran)
    assert (ran.code, verified["verdict"], verified["differs"]) == (3, "denied", True), verified
    assert {right["verdict"] for right in verified["permissions"]} == {"unknown"}, "it may do what it may, elsewhere"
    assert ("it lives: somebody restricted it" in verified["why"]) is is_known, verified
    desk.advance(61)
    drift = words(desk.run("drift"))
    assert "was changed on the website" in drift if is_known else "answers no more from here" in drift, drift
    desk.advance(61)
    doctor = words(desk.run("doctor"))
    assert "consumer.nonce" not in doctor, doctor
    assert "EAPI:Invalid key" in doctor, doctor
    assert planned(desk).changes == () or not is_known
    desk.advance(61)
    seen = words(desk.run("who-can", "query-funds"))
    assert ("answers no more from here, and may live on: bot.a7.g1" in seen) is not is_known, seen
    assert ("look on the website" in doctor) is not is_known, doctor
    [refusal] = desk.recorded().refused.values()
    assert refusal.said.startswith("EAPI:Invalid key")


def test_what_is_taken_for_gone_is_told(desk):
    record = desk.recorded().keys[Address.parse(BOT)]
    with closing(state_home(desk.root).open()) as state:
        state.gone(record.public_key, EndProof(since=1_800_000_000, host="desk", said=TWICE))
    for command in (["doctor"], ["who-can", "query-funds"]):
        told = words(desk.run(*command))
        assert "taken for gone" in told, told
        assert "look on the website" in told, told
