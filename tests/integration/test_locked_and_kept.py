"""The only account with a list is locked: nothing is forgotten, made twice or asked for there meanwhile."""

from __future__ import annotations

import pytest

from desk import account, key, make_desk, subaccount
from krakenctl.sandbox.people import operate


@pytest.fixture
def desk(tmp_path):
    desk = make_desk(tmp_path / "acme")
    desk.declare(account(), key("bot"))
    desk.applied()
    operate.make_key(desk.db, "acme", "by-hand", ["query-funds"])
    desk.fault("error", times="always", endpoint="userinfo", error="EGeneral:Temporary lockout")
    return desk


def test_its_state_is_not_replaced_by_an_empty_one(desk):
    ran = desk.run("state", "rebuild", "--replace", "--yes")
    assert (ran.code, "nothing was done" in ran.err, len(desk.recorded().keys)) == (1, True, 1)
    desk.mend()
    assert desk.plan()["changes"] == []


def test_no_sub_account_is_asked_for(desk):
    desk.declare(account(), key("bot"), subaccount("mm"), key("two", on="mm"))
    ran = desk.run("apply", "--yes")
    assert (ran.code, "request" in ran.err) == (8, False)
    desk.mend()
    assert "request it" in desk.run("plan").out


def test_a_key_that_cannot_be_listed_now_is_not_said_to_be_missing(desk):
    ran = desk.run("import", "--from", "connect", "--to", "ApiKey/acme/x=by-hand")
    assert (ran.code, "its keys cannot be listed" in ran.out) == (1, True)
