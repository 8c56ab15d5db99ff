"""A key that waits to be looked at, and whose manifest gives it another address meanwhile, stays that key."""

from __future__ import annotations

import pytest

from by_hand import a_key, by_hand, planned, run
from krakenctl.model.address import Address
from krakenctl.model.plan import Action
from krakenctl.model.recovery import Move
from krakenctl.testing.person import Robot
from waiting import BOT, NAME, ORDERS, THERE, at, nonce, set_nonce, waiting_desk

ROBOT = Address.parse("ApiKey/acme/robot")
MOVED = {"metadata": {"formerly": ["bot"]}, "secret": {"path": "acme/bot"}}


def moved(desk, *grants, **spec):
    return declared(desk, *grants, **MOVED, **spec)


def declared(desk, *grants, **spec):
    desk.declare(by_hand(), a_key("robot", *(grants or ("query-funds",)), **{"ipAllowlist": [THERE], **spec}))
    desk.advance(60)
    return desk


@pytest.fixture(params=ORDERS)
def desk(tmp_path, request):
    return waiting_desk(tmp_path / "acme", request.param)


def test_no_second_key_is_made_beside_it(desk):
    plan = planned(moved(desk))
    assert [(one.name, one.move) for one in plan.recovery] == [(NAME, Move.WAIT)]
    assert [(change.address, change.action) for change in plan.changes] == [(ROBOT, Action.BLOCKED)]
    run(desk, robot := Robot(desk.db))
    assert {what for what, _, _ in robot.told} <= {"again", "accepts"}, "it is neither deleted nor made anew"


def test_once_it_is_attested_it_is_the_key_of_the_new_address(desk, monkeypatch):
    moved(desk)
    with at(monkeypatch):
        ran = desk.run("attest", BOT)
    assert (ran.code, desk.entry("acme/bot").live_name) == (0, NAME), ran.out + ran.err
    run(desk, robot := Robot(desk.db))
    plan = planned(desk)
    assert (robot.told, plan.changes, plan.unchanged) == ([], (), (ROBOT,))


@pytest.mark.parametrize("manifest", ["not moved", "less"])
def test_it_is_taken_back_where_it_is_not_what_is_declared_there(desk, manifest):
    declared(desk) if manifest == "not moved" else moved(desk, "query-ledger")
    assert [(one.name, one.move) for one in planned(desk).recovery] == [(NAME, Move.REVOKE)]


def test_it_is_asked_as_its_program_sends_by_the_manifest_of_today(desk, monkeypatch):
    moved(desk, consumer={"nonce": "s"})
    set_nonce(desk, 5000)
    desk.advance(3600)
    with at(monkeypatch):
        desk.run("attest", BOT)
    assert nonce(desk) < 10**10, "a number of a clock in milliseconds would lock its program out"
