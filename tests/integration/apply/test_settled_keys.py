"""A key that a person set as declared, without any apply: the next run that sees it remembers that."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace

import pytest

from by_hand import OPEN, a_key, by_hand, planned, run
from desk import HOME, account, key
from krakenctl.model.address import Address
from krakenctl.model.key import KeySpec
from krakenctl.plan.authority import APPLY, Tick
from krakenctl.sandbox.people import operate
from krakenctl.state.sqlite import open_state
from krakenctl.surfaces.person import Nobody
from krakenctl.testing.person import Robot

BOT, NAME = Address.parse("ApiKey/acme/bot"), "bot.a7.g1"
WIDER = ["127.0.0.1", "198.51.100.4"]


def spec(desk) -> KeySpec:
    return desk.recorded().keys[BOT].spec


def deeds(desk):
    """What was remembered, and nothing else done for it."""
    with closing(open_state(desk.state_path)) as state:
        return [told for told in map(json.loads, state.log.lines()) if told["verb"] == "remember"]


def edit(desk, to):
    until = desk.rows()[NAME].valid_until
    operate.edit_key(desk.db, "acme", NAME, ["query-funds"], ip_allowlist=to, valid_until=until)


@pytest.fixture
def set_by_hand(desk):
    """The manifest wants another list, and somebody has seen to that on the website."""
    desk.declare(by_hand(), a_key())
    run(desk, Robot(desk.db))
    desk.advance(60)
    desk.declare(by_hand(), a_key(ipAllowlist=WIDER))
    edit(desk, WIDER)
    return desk


@pytest.mark.parametrize("errand", [APPLY, Tick()], ids=["apply", "tick"])
def test_a_plan_that_cannot_ask_does_not_offer_the_edit_again(set_by_hand, errand):
    desk = set_by_hand
    done = run(desk, Nobody(), errand)
    assert (done.plan.changes, done.report.outcomes) == ((), ())
    assert spec(desk).ip_allowlist == tuple(WIDER)
    desk.declare(by_hand(), a_key(ipAllowlist=WIDER, consumer={"nonce": "unknown"}))
    desk.advance(60)
    plan = planned(desk)
    assert (plan.changes, plan.unchanged) == ((), (BOT,))


def test_a_plan_alone_remembers_nothing(set_by_hand):
    before = spec(set_by_hand)
    assert planned(set_by_hand).changes == ()
    assert (spec(set_by_hand), deeds(set_by_hand)) == (before, [])


def test_it_is_told_once_and_says_what_it_was(set_by_hand):
    for _ in range(2):
        run(set_by_hand, Nobody())
        set_by_hand.advance(60)
    [told] = deeds(set_by_hand)
    assert (told["address"], told["name"], told["outcome"]) == (str(BOT), NAME, "done")
    assert told["message"].endswith(f"it works from {', '.join(WIDER)}, not from {OPEN[0]}")


def test_the_same_of_a_key_that_kraken_lists(desk):
    desk.declare(account(), key("bot"))
    desk.applied()
    wider = [HOME, "198.51.100.7"]
    desk.declare(account(), key("bot", ipAllowlist=wider))
    edit(desk, wider)
    assert desk.apply().code == 0
    assert spec(desk).ip_allowlist == tuple(sorted(wider))
    assert len(deeds(desk)) == 1


def take_unseen(desk):
    with closing(open_state(desk.state_path)) as state:
        state.update(replace(state.read().keys[BOT], unverified="ticket 4711"))


def test_a_key_that_was_taken_unseen_is_so_no_more_once_it_has_told_itself(desk):
    desk.declare(by_hand(), a_key())
    run(desk, Robot(desk.db))
    take_unseen(desk)
    desk.advance(60)
    planned(desk)
    assert desk.recorded().keys[BOT].unverified == "ticket 4711", "a plan alone remembers nothing"
    run(desk, Nobody())
    assert desk.recorded().keys[BOT].unverified == ""
    assert [told["message"] for told in deeds(desk)] == [
        "as declared, as it says itself; it had been taken unseen: ticket 4711"
    ]


def test_a_list_says_nothing_of_the_pair_of_a_key_that_was_taken_unseen(desk):
    desk.declare(account(), key("bot"))
    desk.applied()
    take_unseen(desk)
    assert desk.apply().code == 0
    assert (desk.recorded().keys[BOT].unverified, deeds(desk)) == ("ticket 4711", [])
