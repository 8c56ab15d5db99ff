"""A key in use stops answering, and nobody planned that: followed, and ended only by what a person has seen."""

from __future__ import annotations

from contextlib import closing

import pytest

from by_hand import OPEN, a_key, by_hand, planned, run
from krakenctl.actor import new_run
from krakenctl.model.address import Address
from krakenctl.model.containment import SwitchWish
from krakenctl.model.drift import Kind
from krakenctl.model.outcome import Result
from krakenctl.model.plan import Action, Cause
from krakenctl.model.silence import NO_KEY, Refusal
from krakenctl.plan.authority import Tick
from krakenctl.project import open_project
from krakenctl.sandbox.people import operate
from krakenctl.state.sqlite import open_state
from krakenctl.tasks.containment.switch import open_switch
from krakenctl.tasks.drift.look import Question, drift
from krakenctl.testing.person import Robot

BOT, NAME = Address.parse("ApiKey/acme/bot"), "bot.a7.g1"
AWAY = ["198.51.100.7"]


class WindowClosed(Exception):
    """As SIGKILL would: nothing of ours is run after it."""


class Strays(Robot):
    """Deletes another key than the one that they are told to."""

    def revoke(self, step):
        self.told.append(("revoke", step, ()))
        operate.revoke_key(self.db, "acme", "other")


class Vanishes(Robot):
    """Says that it is deleted, which it is not, and then the run dies."""

    def revoke(self, step):
        raise WindowClosed


@pytest.fixture
def made(desk):
    desk.declare(by_hand(), a_key(), a_key("peer"))
    assert {each.result for each in run(desk, Robot(desk.db)).report.outcomes} == {Result.DONE}
    operate.make_key(desk.db, "acme", "other", ["query-funds"], ip_allowlist=OPEN)
    desk.switch("check-order", "address-first")
    return desk


def restrict(desk, to=AWAY):
    until = desk.rows()[NAME].valid_until
    operate.edit_key(desk.db, "acme", NAME, ["query-funds"], ip_allowlist=to, valid_until=until)


def delete(desk):
    operate.revoke_key(desk.db, "acme", NAME)


def nowhere(desk):
    """Deleted, where a mere restriction would show."""
    desk.switch("check-order", "nonce-first")
    delete(desk)


DEEDS = pytest.mark.parametrize("deed", [restrict, delete, nowhere])


@DEEDS
def test_every_plan_names_it_and_replaces_it(made, deed):
    deed(made)
    for _ in range(3):
        [change] = planned(made).changes
        assert (change.action, change.causes, change.old.name) == (Action.REPLACE, (Cause.SILENT,), NAME)
        assert "answers no more from here" in change.reasons[0]
        made.advance(3600)
    assert made.entry("acme/bot").live_name == NAME


@DEEDS
def test_nothing_happens_without_a_person(made, deed):
    deed(made)
    assert run(made, None).outcome.result is Result.BLOCKED
    made.advance(60)
    [change] = run(made, None, Tick()).plan.changes
    assert (change.action, "answers no more" in change.reasons[0]) == (Action.BLOCKED, True)
    assert made.recorded().keys[BOT].live_name == NAME


# A person says that it is deleted


def replaced(desk, person):
    run(desk, person)


def overlapped(desk, person):
    desk.declare(by_hand(), a_key(rotation={"overlap": "1h"}), a_key("peer"))
    run(desk, person)
    desk.advance(7200)
    run(desk, person)


def taken_from_the_manifests(desk, person):
    desk.declare(by_hand(), a_key("peer"))
    run(desk, person)


def revoked_by_command(desk, person):
    with open_switch(desk.root, person=person) as switch:
        wish = SwitchWish(addresses=(BOT,))
        switch.contain(wish, switch.find(wish), new_run("revoke"))


WAYS = pytest.mark.parametrize("way", [replaced, overlapped, taken_from_the_manifests, revoked_by_command])


def spoken_of(plan):
    yield from (change.old.name for change in plan.changes if change.old)
    yield from (each.message for each in plan.findings)
    yield from (each.why for each in plan.recovery)


def named_by(plan):
    return [each for each in plan.findings if each.rule == "revoke-claimed" and NAME in each.message]


def lies(db):
    return Robot(db, deletes=False)


@WAYS
@pytest.mark.parametrize(("deed", "person"), [(restrict, lies), (restrict, Strays), (nowhere, lies)])
def test_a_persons_word_never_proves_its_end(made, deed, way, person):
    deed(made)
    way(made, person(made.db))
    for _ in range(3):
        plan = planned(made)
        [finding] = named_by(plan)
        assert f"krakenctl recover --absent {BOT}:{NAME}" in finding.hint
        assert all(change.old is None or change.old.name != NAME for change in plan.changes)
        run(made, None)
        made.advance(86400)
    [record] = made.recorded().retired
    assert (record.live_name, bool(record.claimed_by), record.unheard) == (NAME, True, True)
    assert made.recorded().gone == {}


@WAYS
def test_whoever_has_looked_ends_the_claim(made, way):
    delete(made)
    way(made, Robot(made.db))
    made.advance(86400)
    assert made.run("recover", "--absent", f"{BOT}:{NAME}").code == 0
    assert (made.recorded().retired, named_by(planned(made))) == ((), [])


@WAYS
def test_one_that_answers_again_is_to_be_deleted_anew_and_then_its_silence_proves_it(made, way):
    restrict(made)
    way(made, Robot(made.db, deletes=False))
    restrict(made, OPEN)
    made.advance(86400)
    [change] = [each for each in planned(made).changes if each.old and each.old.name == NAME]
    assert (change.action, "it lives" in change.reasons[0]) == (Action.REVOKE, True)
    refused = made.run("recover", "--absent", f"{BOT}:{NAME}")
    assert (refused.code, "nothing was noted" in refused.err) == (64, True), refused.err
    made.advance(60)
    run(made, Robot(made.db))
    assert NAME not in {each.live_name for each in made.recorded().traces} | made.rows().keys()


def revoke_first(desk, person):
    desk.declare(by_hand(limits={"keysPerAccount": 3}), a_key(), a_key("peer"))
    run(desk, person)


@pytest.mark.parametrize("way", [replaced, taken_from_the_manifests, revoke_first])
def test_a_run_that_dies_after_the_word_writes_nothing_off(made, way):
    restrict(made)
    with pytest.raises(WindowClosed):
        way(made, Vanishes(made.db))
    for _ in range(4):
        made.advance(86400)
        run(made, None)
        assert NAME in {each.live_name for each in made.recorded().traces}
        assert NAME in " ".join(spoken_of(planned(made)))
    assert made.recorded().gone == {}


@pytest.mark.parametrize("nonce", ["unknown", "ms"])
def test_a_key_that_nobody_heard_before_its_end_was_planned_is_not_proved_gone(desk, nonce):
    """Nothing else answers from here that would show that it is silent; its successor does, and comes too late."""
    spec = {"consumer": {"nonce": nonce}, "rotation": {"overlap": "1h"}}
    desk.switch("check-order", "address-first")
    desk.declare(by_hand(), a_key(**spec))
    run(desk, Robot(desk.db))
    restrict(desk)
    desk.declare(by_hand(), a_key("bot", "query-ledger", **spec))
    desk.advance(86400)
    assert run(desk, Robot(desk.db)).outcome.result is Result.DONE
    for _ in range(3):
        desk.advance(86400)
        run(desk, Robot(desk.db, deletes=False))
    assert NAME in {each.live_name for each in desk.recorded().traces}
    assert named_by(planned(desk))


def test_what_another_host_found_silent_before_the_claim_is_not_proved_gone_there(desk):
    """This host may not use the key, and cannot tell."""
    desk.declare(by_hand(), a_key(ipAllowlist=AWAY))
    run(desk, Robot(desk.db, reason="a test"))
    refused_elsewhere(desk)
    desk.declare(by_hand(), a_key("bot", "query-ledger", ipAllowlist=AWAY))
    run(desk, Robot(desk.db, reason="a test", deletes=False))
    [record] = desk.recorded().retired
    assert (record.live_name, bool(record.claimed_by), record.unheard) == (NAME, True, True)


# Somebody has looked


def absent(desk, name=NAME):
    return desk.run("recover", "--absent", f"{BOT}:{name}")


def test_whoever_has_seen_that_it_is_gone_may_say_so(made):
    delete(made)
    planned(made)
    assert "Only your word" not in absent(made).err
    [change] = planned(made).changes
    assert (change.action, change.causes, change.new.name) == (Action.CREATE, (Cause.LOST,), "bot.a7.g2")


def test_a_key_that_was_said_to_be_gone_and_answers_is_alive(made):
    restrict(made)
    planned(made)
    absent(made)
    made.advance(86400)
    assert [change.action for change in planned(made).changes] == [Action.CREATE]
    restrict(made, OPEN)
    made.advance(86400)
    plan = planned(made)
    assert plan.changes == ()
    assert [each.message for each in plan.findings if "said to be gone" in each.message and NAME in each.message]


def test_a_key_that_answers_from_here_is_not_taken_for_gone(made):
    refused_elsewhere(made)
    told = absent(made)
    assert (told.code, "nothing was noted" in told.err) == (64, True), told.err
    assert (made.recorded().gone, planned(made).changes) == ({}, ())


def test_where_nobody_can_ask_it_the_word_is_noted_as_no_more_than_that(made):
    refused_elsewhere(made)
    made.declare(by_hand(), a_key(consumer={"nonce": "unknown"}), a_key("peer"))
    told = absent(made)
    assert (told.code, "Only your word says so: consumer.nonce is unknown" in " ".join(told.err.split())) == (0, True)
    assert made.recorded().gone


def refused_elsewhere(desk):
    """Another host, to which it had answered, was told that there is no such key."""
    [public_key] = {key.public_key for key in desk.recorded().keys.values() if key.live_name == NAME}
    with closing(open_state(desk.state_path)) as state:
        state.hear(public_key, "elsewhere", answers=True)
        state.refused(public_key, "elsewhere", Refusal(at=0, times=1, said=NO_KEY))


def test_a_restriction_that_the_manifest_takes_over_is_an_update(made):
    restrict(made)
    made.declare(by_hand(), a_key(ipAllowlist=AWAY), a_key("peer"))
    [change] = planned(made).changes
    assert change.action is Action.UPDATE


def test_drift_calls_it_silent_and_never_missing(made):
    delete(made)
    kinds = {each.kind for each in drift(open_project(made.root), Question(within=0)).drifts}
    assert (Kind.SILENT in kinds, Kind.MISSING in kinds) == (True, False)
