"""What calls were refused, or locked an account, is known to later commands, though they change nothing else."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest

from by_hand import OPEN, a_key, by_hand, planned, run
from desk import subaccount
from krakenctl.actor import new_run
from krakenctl.model.address import Address
from krakenctl.model.containment import Fate, SwitchWish
from krakenctl.model.outcome import Result
from krakenctl.model.plan import Action
from krakenctl.plan.authority import Rotate
from krakenctl.sandbox.people import operate
from krakenctl.state import sqlite
from krakenctl.surfaces.person import Nobody
from krakenctl.tasks.containment.switch import open_switch
from krakenctl.testing.person import RIGHT, Robot, on
from website_scene import calls

AWAY = ["198.51.100.7"]


def made(desk, *names, **spec):
    desk.declare(by_hand(), *(a_key(name, **spec) for name in names))
    assert {each.result for each in run(desk, Robot(desk.db)).report.outcomes} == {Result.DONE}
    desk.advance(60)


def moved(desk, *names):
    """As if this host's address had changed."""
    for name in names:
        opened_to(desk, name, AWAY)


def opened_to(desk, name, ip_allowlist):
    form = {"ip_allowlist": ip_allowlist, "valid_until": 1_815_552_000}
    operate.edit_key(desk.db, "acme", f"{name}.a7.g1", ["query-funds"], **form)


def notes(plan):
    return [finding.message for finding in plan.findings]


@pytest.mark.parametrize("order", ["nonce-first", "address-first"])
def test_however_often_one_plans_from_a_new_address_few_calls_are_refused(desk, monkeypatch, order):
    desk.switch("check-order", order)
    made(desk, "one", "two", "three", "four")
    moved(desk, "one", "two", "three", "four")
    asked = calls(monkeypatch)
    plans = [planned(desk) for _ in range(20)]
    assert asked == ["refused"] * 4  # three, and one by the next plan: the last might have been well
    assert all(plan == plans[1] for plan in plans[2:])
    assert plans[0].changes == ()
    assert any("it was deleted, or this host has another address now" in each for each in notes(plans[0]))
    assert desk.recorded().gone == {}


def test_however_often_one_plans_dead_keys_are_asked_no_more(desk, monkeypatch):
    made(desk, "one", "two", "three", "peer")
    for name in ("one", "two", "three"):
        operate.revoke_key(desk.db, "acme", f"{name}.a7.g1")
    asked = calls(monkeypatch)
    for _ in range(20):
        assert len(planned(desk).changes) == 3
        desk.advance(60)
    assert asked.count("refused") == 6  # each twice


def test_what_a_plan_was_refused_is_known_to_the_next_apply(desk, monkeypatch):
    made(desk, "bot")
    moved(desk, "bot")
    planned(desk)
    asked = calls(monkeypatch)
    run(desk, Nobody())
    assert asked == []
    [refusal] = desk.recorded().refused.values()
    assert (refusal.times, refusal.said) == (1, "EAPI:Invalid key")
    assert len(desk.recorded().answered) == 1  # that it answered from here once stays known


def test_a_lone_key_that_was_deleted_is_replaced_and_only_claimed_to_be_gone(desk):
    """Its silence was there before anybody was asked to delete it, and may be a restriction."""
    made(desk, "bot")
    operate.revoke_key(desk.db, "acme", "bot.a7.g1")
    [note] = [each for each in notes(planned(desk)) if "krakenctl rotate ApiKey/acme/bot" in each]
    assert "it was deleted" in note
    robot = Robot(desk.db, deletes=False)  # there is nothing to delete
    [outcome] = run(desk, robot, Rotate(addresses=(Address.parse("ApiKey/acme/bot"),))).report.outcomes
    assert outcome.result is Result.DONE
    assert [trace.live_name for trace in desk.recorded().traces] == ["bot.a7.g2", "bot.a7.g1"]
    [finding] = [each for each in planned(desk).findings if each.rule == "revoke-claimed"]
    assert "bot.a7.g1" in finding.message


def test_a_key_that_answers_again_is_asked_as_ever(desk):
    made(desk, "bot")
    moved(desk, "bot")
    planned(desk)
    opened_to(desk, "bot", OPEN)
    desk.advance(3600)
    assert not any("refused" in each for each in notes(planned(desk)))
    assert desk.recorded().refused == {}


def test_no_command_calls_a_locked_account_until_the_lockout_has_passed(desk, monkeypatch):
    made(desk, "bot")
    desk.fault("lockout", account="acme")
    planned(desk)
    desk.mend()
    asked = calls(monkeypatch)
    desk.advance(899)
    for plan in (planned(desk), run(desk, Nobody()).plan):
        [change] = plan.changes
        assert change.action is Action.BLOCKED
        assert "before 2027-01-15T08:1" in change.reasons[0]
    assert asked == []
    desk.advance(1)
    assert planned(desk).changes == ()


def test_the_kill_switch_waits_for_no_lockout_that_was_seen_before(desk):
    made(desk, "bot", "peer")
    desk.fault("lockout", account="acme")
    planned(desk)
    desk.mend()
    wish = SwitchWish(addresses=(), under="acme")
    with open_switch(desk.root, person=Robot(desk.db)) as switch:
        report = switch.contain(wish, switch.find(wish), new_run("revoke"))
    assert {fate.fate for fate in report.keys} <= {Fate.REVOKED, Fate.CLAIMED}
    assert desk.ours() == []


def test_a_lockout_that_the_kill_switch_is_told_of_is_known_to_the_next_plan(desk, monkeypatch):
    made(desk, "bot")
    desk.fault("lockout", account="acme")
    with open_switch(desk.root, person=Nobody()) as switch:
        switch.find(SwitchWish(addresses=(), under="acme"))
    desk.mend()
    asked = calls(monkeypatch)
    [change] = planned(desk).changes
    assert "locked acme" in change.reasons[0]
    assert asked == []


def test_a_state_that_cannot_be_written_stops_no_plan(desk, monkeypatch):
    made(desk, "one", "two", "three")
    moved(desk, "one", "two", "three")
    monkeypatch.setattr(sqlite, "JOT_SECONDS", 0)
    before, asked = desk.recorded(), calls(monkeypatch)
    with closing(sqlite3.connect(desk.state_path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        first = planned(desk)
        desk.advance(60)
        assert replace(planned(desk), now=first.now) == first
        other.execute("ROLLBACK")
    assert asked == ["refused"] * 4  # two a command
    assert desk.recorded() == before


# Whose account it is


def test_the_first_key_of_an_account_says_whose_it_is(desk):
    desk.declare(by_hand(), a_key("bot", consumer={"nonce": "counter"}))
    [outcome] = run(desk, Robot(desk.db)).report.outcomes
    iiban = outcome.message.partition("its account is ")[2][:19]
    assert "as this first key of it says" in outcome.message
    desk.advance(60)
    assert planned(desk).accounts[0].iiban == iiban  # though this key may not be asked again


def test_a_second_key_of_another_account_is_refused_though_the_first_may_not_be_asked(desk):
    operate.make_account(desk.db, "elsewhere")
    made(desk, "bot", consumer={"nonce": "counter"})
    desk.declare(by_hand(), a_key("bot", consumer={"nonce": "counter"}), a_key("late"))
    robot = Robot(desk.db, [on("elsewhere")], gives_up=True)
    [outcome] = run(desk, robot).report.outcomes
    assert outcome.result is not Result.DONE
    assert any("belongs to the account" in each for _, _, wrong in robot.told for each in wrong)


def test_two_accounts_that_are_seen_first_in_one_run_are_told_apart(desk):
    operate.make_account(desk.db, "u-desk-2")
    second = subaccount("desk-2", surface="website", keyDefaults={"ipAllowlist": OPEN, "validFor": "180d"})
    desk.declare(by_hand(), second, a_key("one"), a_key("two", on="desk-2"))
    robot = Robot(desk.db, [RIGHT, on("acme")], gives_up=True, aliases={"desk-2": "u-desk-2"})
    outcomes = run(desk, robot).report.outcomes
    assert sorted(each.result is Result.DONE for each in outcomes) == [False, True]
    assert any("which is acme" in each for _, _, wrong in robot.told for each in wrong)
