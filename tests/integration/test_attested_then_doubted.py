"""A pair that somebody attested elsewhere is doubted here: it is neither forgotten nor promoted unasked."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from test_attested_untried import attested, fenced_off, told

from by_hand import OPEN, a_key, by_hand, run
from desk import make_desk
from krakenctl.errors import NeedsPerson
from krakenctl.model.human import Deleted
from krakenctl.model.key import KeyPair
from krakenctl.model.secret import Secret
from krakenctl.sandbox.people import operate
from krakenctl.testing.person import MISTYPED, Robot
from waiting import NAME, ORDERS, THERE, made

SPENDS = {"one left": "7", "none left": "41"}  # of the small numbers that a new key is asked with


@dataclass(slots=True)
class MakesAnother(Robot):
    """At the doubt they make another key, with another name, and type that in; told what is wrong, they delete it."""

    def issue(self, step):
        raise NeedsPerson("stop")

    def again(self, step, differences):
        self.told.append(("again", step, differences))
        if len(self.told) == 1:
            wanted = {"ip_allowlist": OPEN, "valid_until": step.wanted.valid_until}
            made = operate.make_key(self.db, "acme", "oops", ["query-funds"], **wanted)
            return KeyPair(public_key=made["apiKey"], secret=Secret(made["secret"]))
        if len(self.told) > 2:
            raise NeedsPerson("stop")
        operate.revoke_key(self.db, "acme", "oops")
        return Deleted.SAID


@pytest.mark.parametrize("spends", SPENDS)
@pytest.mark.parametrize("waits", [0, 7200])
@pytest.mark.parametrize("checks_first", ORDERS)
def test_a_mistyped_pair_waits_though_the_other_host_has_used_up_the_numbers(
    tmp_path, monkeypatch, checks_first, spends, waits
):
    desk = make_desk(tmp_path / "acme")
    desk.switch("check-order", checks_first)
    like_this = {"ipAllowlist": [*OPEN, THERE], "consumer": {"nonce": "unknown"}}
    desk.declare(by_hand(), a_key(**like_this))
    run(desk, Robot(desk.db))
    desk.advance(60)
    desk.declare(by_hand(), a_key("bot", "query-ledger", **like_this))
    made(desk, MISTYPED)
    attesting = attested(desk, monkeypatch, "--nonce", SPENDS[spends], name="bot.a7.g2")
    assert attesting.code == 4, told(attesting)
    desk.advance(waits)
    run(desk, Robot(desk.db, gives_up=True)) if not waits else desk.run("apply", "--yes")
    assert desk.entry("acme/bot").live_name == "bot.a7.g1"


@pytest.mark.parametrize("is_attested", [True, False])
def test_deleting_another_key_made_at_the_doubt_ends_not_the_one_that_was_asked_for(tmp_path, monkeypatch, is_attested):
    desk = fenced_off(tmp_path / "acme")
    if is_attested:
        attested(desk, monkeypatch)
    desk.advance(7200)
    run(desk, MakesAnother(desk.db))
    assert NAME in desk.rows()
    assert NAME in told(desk.run("plan"))
