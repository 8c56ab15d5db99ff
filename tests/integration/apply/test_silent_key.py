"""A key in use stops answering, and nobody planned that: followed, and ended only by what a person has seen."""

from __future__ import annotations

import pytest

from by_hand import a_key, by_hand, planned, run
from krakenctl.actor import new_run
from krakenctl.model.address import Address
from krakenctl.model.drift import Kind
from krakenctl.model.outcome import Result
from krakenctl.model.plan import Action, Cause
from krakenctl.plan.authority import Tick
from krakenctl.project import open_project
from krakenctl.sandbox.people import operate
from krakenctl.tasks.drift.look import Question, drift
from krakenctl.testing.person import Robot
from krakenctl.workflow import open_desk

BOT, NAME = Address.parse("ApiKey/acme/bot"), "bot.a7.g1"
AWAY = ["198.51.100.7"]


class Looks(Robot):
    """Does as told; what is deleted already they merely see."""

    def revoke(self, step):
        if step.name in {row["name"] for row in operate.keys_in(self.db, "acme")}:
            super().revoke(step)


@pytest.fixture
def made(desk):
    desk.declare(by_hand(), a_key(), a_key("peer"))
    assert {each.result for each in run(desk, Robot(desk.db)).report.outcomes} == {Result.DONE}
    desk.switch("check-order", "address-first")
    return desk


def restrict(desk):
    operate.edit_key(desk.db, "acme", NAME, ["query-funds"], ip_allowlist=AWAY)


def delete(desk):
    operate.revoke_key(desk.db, "acme", NAME)


@pytest.mark.parametrize("deed", [restrict, delete])
def test_every_plan_names_it_and_replaces_it(made, deed):
    deed(made)
    for _ in range(3):
        [change] = planned(made).changes
        assert (change.action, change.causes, change.old.name) == (Action.REPLACE, (Cause.SILENT,), NAME)
        assert "answers no more from here" in change.reasons[0]
        made.advance(3600)
    assert made.entry("acme/bot").live_name == NAME


@pytest.mark.parametrize("deed", [restrict, delete])
def test_nothing_happens_without_a_person(made, deed):
    deed(made)
    assert run(made, None).outcome.result is Result.BLOCKED
    made.advance(60)
    [change] = run(made, None, Tick()).plan.changes
    assert (change.action, "answers no more" in change.reasons[0]) == (Action.BLOCKED, True)
    assert made.recorded().keys[BOT].live_name == NAME


@pytest.mark.parametrize("deed", [restrict, delete])
def test_one_step_that_a_person_confirms_ends_it(made, deed):
    deed(made)
    done = run(made, Looks(made.db))
    assert done.outcome.result is Result.DONE
    assert (made.recorded().keys[BOT].live_name, made.recorded().retired) == ("bot.a7.g2", ())
    assert NAME not in made.rows()
    assert planned(made).changes == ()


def test_it_is_followed_until_somebody_has_looked(made):
    restrict(made)
    made.declare(by_hand(), a_key(rotation={"overlap": "1h"}), a_key("peer"))
    assert run(made, Robot(made.db)).outcome.result is Result.DONE
    made.advance(7200)
    [record] = made.recorded().retired
    assert (record.live_name, record.silent) == (NAME, True)
    [change] = planned(made).changes
    assert (change.action, change.old.name, "answers no more" in change.reasons[-1]) == (Action.REVOKE, NAME, True)
    assert run(made, Looks(made.db)).outcome.result is Result.DONE
    assert NAME not in made.rows()


def test_whoever_has_seen_that_it_is_gone_may_say_so(made):
    delete(made)
    planned(made)
    with open_desk(open_project(made.root)) as opened, opened.lease(new_run("recover")):
        opened.answer(BOT, exists=False)
    [change] = planned(made).changes
    assert (change.action, change.causes, change.new.name) == (Action.CREATE, (Cause.LOST,), "bot.a7.g2")


def test_a_restriction_that_the_manifest_takes_over_is_an_update(made):
    restrict(made)
    made.declare(by_hand(), a_key(ipAllowlist=AWAY), a_key("peer"))
    [change] = planned(made).changes
    assert change.action is Action.UPDATE


def test_drift_calls_it_silent_and_never_missing(made):
    delete(made)
    kinds = {each.kind for each in drift(open_project(made.root), Question(within=0)).drifts}
    assert (Kind.SILENT in kinds, Kind.MISSING in kinds) == (True, False)
