"""A key that was deleted on the website stays denied, however often and in whatever way somebody asks after it."""

from __future__ import annotations

import pytest

from by_hand import a_key, by_hand, run
from desk import make_desk
from krakenctl.sandbox.people import operate
from krakenctl.testing.person import Robot
from waiting import ORDERS

TWO = "ApiKey/acme/two"


@pytest.fixture(params=ORDERS)
def bereft(tmp_path, request):
    """Both have answered this host, and one is there no more."""
    desk = make_desk(tmp_path / "acme")
    desk.switch("check-order", request.param)
    desk.declare(by_hand(), a_key("one"), a_key("two"))
    run(desk, Robot(desk.db))
    desk.advance(60)
    assert desk.run("verify").code == 0
    operate.revoke_key(desk.db, "acme", "two.a7.g1")
    desk.advance(60)
    return desk


def verdict(desk, *address):
    ran = desk.run("verify", *address, "-o", "json")
    return ran.code, {key["address"]: key["verdict"] for key in ran.json["keys"]}[TWO]


@pytest.mark.parametrize("apart", [60, 4000])
def test_it_is_not_forgotten_by_whoever_asks_it_by_name(bereft, apart):
    for words in ((), (TWO,), (), (TWO,), ()):
        assert verdict(bereft, *words) == (3, "denied"), words
        bereft.advance(apart)
