"""Accounts whose keys a person makes: what is asked of them, what is believed, and what becomes of it if they stop."""

from __future__ import annotations

import socket
from contextlib import closing
from dataclasses import replace

import pytest

from by_hand import a_key, by_hand, planned, run
from desk import account, key
from krakenctl.actor import new_run
from krakenctl.errors import NeedsPerson, StoreError
from krakenctl.model.address import Address
from krakenctl.model.containment import Fate, SwitchWish
from krakenctl.model.journal import Stage
from krakenctl.model.outcome import Result
from krakenctl.model.permission import Permission
from krakenctl.model.plan import Action
from krakenctl.plan.authority import Tick
from krakenctl.plan.human import human_steps
from krakenctl.sandbox import clock
from krakenctl.sandbox.people import operate
from krakenctl.state.sql import SqlState
from krakenctl.state.sqlite import open_state
from krakenctl.stores.age import AgeStore
from krakenctl.stores.base import Slot
from krakenctl.surfaces.person import Nobody
from krakenctl.tasks.containment.switch import open_switch
from krakenctl.testing.person import SWAPPED, Mistake, Robot, named, slips, toggled
from website_scene import calls

BOT = "ApiKey/acme/bot"
ELSEWHERE = ["198.51.100.7"]  # this host is not there
UNSEEN = "ticket 4711 (Kraken: EAPI:Invalid key)"
FAR = 1_900_000_000


@pytest.fixture
def robot(desk):
    return Robot(desk.db)


def made(desk, robot=None, **spec):
    """One key, made by hand and in use."""
    desk.declare(by_hand(), a_key(**spec))
    assert run(desk, robot or Robot(desk.db, reason="a test")).outcome.result is Result.DONE
    return desk.recorded().keys


def made_beside_another(desk):
    """The same, with a key of the same allow-list: while that one answers, the silence of the first proves its end."""
    desk.declare(by_hand(), a_key(), a_key("peer"))
    assert {each.result for each in run(desk, Robot(desk.db)).report.outcomes} == {Result.DONE}


def what(robot):
    return [deed for deed, _, _ in robot.told]


def test_a_person_makes_the_key_and_apply_leaves_nothing_to_plan(desk, robot):
    desk.declare(by_hand(), a_key())
    done = run(desk, robot)
    assert (done.outcome.result, done.outcome.verdict, what(robot)) == (Result.DONE, "verified", ["issue"])
    [record] = desk.recorded().keys.values()
    row = desk.rows()["bot.a7.g1"]
    entry = desk.entry("acme/bot")
    assert (entry.live_name, entry.public_key, entry.secret.reveal()) == (row.name, row.public_key, row.secret)
    assert (record.public_key, record.created) == (row.public_key, row.created)
    assert desk.recorded().intents == ()
    assert planned(desk).changes == ()
    desk.advance(60)
    again = planned(desk)
    assert (again.changes, again.accounts[0].iiban) == ((), done.plan.accounts[0].iiban or again.accounts[0].iiban)


def test_the_plan_says_what_a_person_is_to_do(desk):
    desk.declare(by_hand(), a_key())
    [step] = human_steps(planned(desk))
    assert (step.name, step.account, step.page) == ("bot.a7.g1", "acme", "/app/settings/api")
    assert step.wanted.permissions == {Permission.QUERY_FUNDS}
    assert desk.run("apply", "--yes").code == 8


def test_without_a_person_nothing_is_begun_or_burned_and_the_other_accounts_go_on(desk):
    desk.declare(by_hand(), a_key(), account("other"), key("theirs", on="other"))
    desk.settings(credentials={"*": {"token": "file:.krakenctl/credentials/{account}.json"}})
    desk.run("sandbox", "account", "create", "other")
    before = desk.rows()
    ran = desk.run("apply", "--yes", "-o", "json")
    results = {one["address"]: one["result"] for one in ran.json["outcomes"]}
    assert (results[BOT], ran.code) in (("blocked", 8), ("blocked", 4), ("blocked", 1))
    recorded = desk.recorded()
    assert (recorded.intents, dict(recorded.generations).get(BOT), desk.rows()) == ((), None, before)


def test_tick_asks_nobody_and_says_what_waits(desk):
    made(desk, rotation={"maxAge": "30d"})
    desk.advance(40 * 86400)
    done = run(desk, Nobody(), Tick())
    assert done.outcome.result is Result.BLOCKED
    assert desk.recorded().intents == ()


@pytest.mark.parametrize("mistake", slips(FAR), ids=str)
def test_every_single_slip_is_named_and_put_right(desk, mistake):
    desk.declare(
        by_hand(),
        a_key("bot", "query-funds", queryWindow={"from": "2026-01-01", "to": "2027-06-01"}, nonceWindow=5),
    )
    robot = Robot(desk.db, [mistake])
    done = run(desk, robot)
    assert (done.outcome.result, what(robot)) == (Result.DONE, ["issue", "again"])
    assert robot.told[1][2]
    assert planned(desk).changes == ()


def test_a_key_made_while_logged_in_as_another_account_of_the_workspace_is_refused(desk):
    """Also the first key of an account of which nobody knows the IIBAN yet: it would live below another ceiling."""
    made(desk)
    operate.make_account(desk.db, "beta")
    beta = account("beta", surface="website", keyDefaults={"ipAllowlist": "any", "validFor": "180d"})
    desk.declare(by_hand(), a_key(), beta, a_key("two", on="beta"))
    wrong = Mistake("as acme", form=lambda form: replace(form, account="acme"))
    robot = Robot(desk.db, [wrong], gives_up=True)
    run(desk, robot)
    assert "which is acme" in str(robot.told[1][2])
    assert [key.live_name for key in desk.recorded().keys.values()] == ["bot.a7.g1"]


WRONG = [toggled(Permission.WITHDRAW_FUNDS), named("other"), SWAPPED]


def bots(desk):
    return [name for name in desk.rows() if name.startswith("bot")]


def stopped(desk, mistake, **spec):
    """Somebody made it wrongly, was told so, and stopped."""
    desk.declare(by_hand(), a_key(**spec))
    return run(desk, Robot(desk.db, [mistake], gives_up=True))


@pytest.mark.parametrize("mistake", WRONG, ids=str)
def test_whoever_stops_at_a_mistake_is_told_of_that_key_until_it_is_right(desk, mistake):
    done = stopped(desk, mistake)
    assert (done.outcome.result, done.outcome.code) == (Result.BLOCKED, "needs-person")
    [intent] = desk.recorded().intents
    assert (intent.stage, desk.recorded().keys, desk.slots()) == (Stage.STORED, {}, ["acme/bot/pending"])
    [change] = planned(desk).changes
    assert (change.action, intent.flaw in change.reasons[0]) == (Action.BLOCKED, True)
    assert intent.flaw in done.outcome.message
    desk.advance(20)
    again = run(desk, Robot(desk.db))
    assert again.recovered[0].result is Result.DONE, again.recovered
    assert (desk.slots(), planned(desk).changes) == (["acme/bot/current"], ())


def test_whoever_begins_anew_is_asked_for_the_next_key(desk):
    desk.declare(by_hand(), a_key(ipAllowlist="any"))
    done = run(desk, Robot(desk.db, [toggled(Permission.WITHDRAW_FUNDS)], begins_anew=True))
    assert (done.outcome.result, "deleted, as its own pair proves" in done.outcome.message) == (Result.BLOCKED, True)
    assert (desk.recorded().intents, desk.slots(), bots(desk)) == ((), [], [])
    desk.advance(20)
    assert run(desk, Robot(desk.db)).outcome.live_name == "bot.a7.g2"


def test_a_wrong_key_that_is_deleted_meanwhile_is_found_gone(desk):
    stopped(desk, toggled(Permission.WITHDRAW_FUNDS), ipAllowlist="any")
    operate.revoke_key(desk.db, "acme", "bot.a7.g1")
    desk.advance(7200)
    assert run(desk, Robot(desk.db)).outcome.live_name == "bot.a7.g2"
    assert desk.slots() == ["acme/bot/current"]


def test_a_wrong_key_that_is_no_longer_wanted_is_to_be_deleted(desk):
    stopped(desk, toggled(Permission.WITHDRAW_FUNDS), ipAllowlist="any")
    desk.declare(by_hand())
    desk.advance(20)
    robot = Robot(desk.db)
    run(desk, robot)
    assert (what(robot), bots(desk)) == (["revoke"], [])
    assert (desk.recorded().intents, desk.slots()) == ((), [])


def test_a_wrong_key_whose_end_is_near_is_to_be_deleted_and_not_put_right(desk):
    stopped(desk, toggled(Permission.WITHDRAW_FUNDS))
    desk.advance(175 * 86400)
    robot = Robot(desk.db)
    run(desk, robot)
    assert (what(robot)[0], "bot.a7.g1" in bots(desk)) == ("revoke", False)


def test_nobody_answers_for_a_key_that_was_wrong_when_it_could_be_asked(desk):
    stopped(desk, toggled(Permission.WITHDRAW_FUNDS))
    desk.advance(7200)
    operate.edit_key(desk.db, "acme", "bot.a7.g1", ["withdraw-funds"], renamed="bot.a7.g1", ip_allowlist=ELSEWHERE)
    later = run(desk, Robot(desk.db, reason="ticket 4711", gives_up=True))
    assert later.recovered[0].result is Result.BLOCKED
    assert "withdraw-funds" in later.recovered[0].message
    assert desk.recorded().keys == {}


class Leaver(Robot):
    """Makes the key, and stops before they have given its pair."""

    def issue(self, step):
        super().issue(step)
        raise NeedsPerson(f"stopped at {step.name}")


def test_whoever_stops_at_the_prompt_is_asked_for_the_same_key_with_the_same_end(desk):
    desk.declare(by_hand(), a_key())
    first = run(desk, Leaver(desk.db))
    assert first.outcome.result is Result.BLOCKED
    [shown] = desk.recorded().intents
    assert (shown.stage, desk.slots()) == (Stage.SHOWN, [])
    [change] = planned(desk).changes
    assert (change.action, change.new.name) == (Action.CREATE, "bot.a7.g1")
    desk.advance(30 * 86400)
    robot = Robot(desk.db)
    assert run(desk, robot).outcome.result is Result.DONE
    assert robot.told[0][1].wanted == shown.sent
    assert planned(desk).changes == ()


def test_an_end_that_is_too_near_by_now_is_counted_anew(desk):
    desk.declare(by_hand(), a_key())
    run(desk, Leaver(desk.db))
    [shown] = desk.recorded().intents
    desk.advance(100 * 86400)
    robot = Robot(desk.db)
    assert run(desk, robot).outcome.live_name == "bot.a7.g1"
    assert robot.told[0][1].wanted.valid_until == shown.sent.valid_until + 100 * 86400
    assert planned(desk).changes == ()


@pytest.mark.parametrize("then", ["no longer declared", "as it is"])
def test_a_key_that_may_have_been_made_and_is_not_wanted_any_more_is_told_until_somebody_has_looked(desk, then):
    made(desk)
    desk.declare(by_hand(), a_key("bot", "query-ledger"), a_key("two"))
    run(desk, Leaver(desk.db))
    desk.declare(by_hand(), a_key()) if then == "as it is" else desk.declare(by_hand(), a_key("two"))
    unseen = [finding for finding in planned(desk).findings if finding.rule == "key-unseen"]
    assert {finding.message.split()[4] for finding in unseen} >= {"bot.a7.g2"}
    run(desk, Nobody())
    assert desk.run("recover", "--absent", BOT).code == 0
    assert BOT not in {finding.address for finding in planned(desk).findings if finding.rule == "key-unseen"}


def test_a_key_that_cannot_answer_here_waits_with_its_secret_kept(desk, robot):
    desk.declare(by_hand(), a_key(ipAllowlist=ELSEWHERE))
    done = run(desk, robot)
    assert done.outcome.result is Result.BLOCKED
    assert "attest" in done.outcome.hint
    [intent] = desk.recorded().intents
    assert (intent.stage, desk.slots()) == (Stage.STORED, ["acme/bot/pending"])
    [change] = planned(desk).changes
    assert change.action is Action.BLOCKED
    again = run(desk, Robot(desk.db))  # it is asked about again, and no other key is made
    assert (again.outcome.result, [name for name in desk.rows() if name.startswith("bot")]) == (
        Result.BLOCKED,
        ["bot.a7.g1"],
    )
    later = run(desk, Robot(desk.db, reason="ticket 4711"))
    assert later.recovered[0].result is Result.DONE
    [record] = desk.recorded().keys.values()
    assert (record.unverified.partition(" (Kraken: ")[0], desk.slots()) == ("ticket 4711", ["acme/bot/current"])
    assert planned(desk).changes == ()


def test_a_key_that_is_accepted_unseen_is_on_the_record(desk):
    desk.declare(by_hand(), a_key(ipAllowlist=ELSEWHERE))
    done = run(desk, Robot(desk.db, reason="ticket 4711"))
    assert (done.outcome.result, done.outcome.verdict) == (Result.DONE, "accepted")
    assert [record.unverified for record in desk.recorded().keys.values()] == [UNSEEN]
    assert UNSEEN in desk.run("log").out
    assert planned(desk).changes == ()


def test_a_replaced_key_is_revoked_and_that_is_proved(desk):
    made(desk)
    desk.advance(60)
    desk.declare(by_hand(), a_key("bot", "query-ledger"))
    robot = Robot(desk.db)
    done = run(desk, robot)
    assert (done.outcome.result, what(robot)) == (Result.DONE, ["issue", "revoke"])
    assert done.outcome.message == ""
    recorded = desk.recorded()
    assert ([key.live_name for key in recorded.keys.values()], recorded.retired) == (["bot.a7.g2"], ())
    assert desk.slots() == ["acme/bot/current"]
    assert planned(desk).changes == ()


def claimed(desk):
    """Replaced, and the old one said to be revoked; from here it never answered."""
    made(desk, ipAllowlist=ELSEWHERE)
    desk.declare(by_hand(), a_key("bot", "query-ledger", ipAllowlist=ELSEWHERE))
    return run(desk, Robot(desk.db, reason="a test"))


def test_what_cannot_be_proved_stays_claimed_and_is_told(desk):
    done = claimed(desk)
    assert done.outcome.result is Result.DONE, done.outcome.message
    assert "claimed by alice" in done.outcome.message
    [old] = desk.recorded().retired
    assert (old.live_name, old.claimed_by) == ("bot.a7.g1", "alice")
    assert desk.slots() == ["acme/bot/current", "acme/bot/previous"]
    plan = planned(desk)
    assert plan.changes == ()
    assert [finding.message for finding in plan.findings if "claimed by alice" in finding.message]
    assert "claimed by alice" in desk.run("state", "list").out
    assert run(desk, Nobody()).report.outcomes == ()  # nobody is asked again


def test_a_claim_is_closed_by_the_run_that_can_prove_it(desk):
    claimed(desk)
    [old] = desk.recorded().retired
    with closing(open_state(desk.state_path)) as state:  # as if any address might have used it, and it had been heard
        state.update(replace(old, spec=replace(old.spec, ip_allowlist=()), unheard=False))
        state.hear(old.public_key, socket.gethostname(), answers=True)
        state.end_row("acme")  # so that the refusals that led to the claim count no more
    desk.advance(3600)
    run(desk, Nobody())
    assert (desk.recorded().retired, desk.slots()) == ((), ["acme/bot/current"])


def test_a_claim_that_is_wrong_is_a_revoke_again(desk):
    made(desk)
    desk.declare(by_hand())
    [record] = desk.recorded().keys.values()
    with closing(open_state(desk.state_path)) as state:
        state.update(replace(record, retired_until=desk_now(desk), claimed_by="alice", claimed_at=desk_now(desk)))
    [change] = planned(desk).changes
    assert (change.action, change.old.name) == (Action.REVOKE, "bot.a7.g1")


def desk_now(desk):
    return int(clock.now(desk.db))


def test_an_update_is_a_persons_too_and_is_read_back(desk):
    made(desk)
    desk.advance(60)
    desk.declare(by_hand(), a_key(ipAllowlist=["127.0.0.1", *ELSEWHERE]))
    robot = Robot(desk.db)
    done = run(desk, robot)
    assert (done.outcome.result, what(robot)) == (Result.DONE, ["update"])
    assert planned(desk).changes == ()


def test_an_update_that_was_not_made_is_told_until_it_is(desk):
    made(desk)
    desk.advance(60)
    desk.declare(by_hand(), a_key(ipAllowlist=["127.0.0.1", *ELSEWHERE]))
    robot = Robot(desk.db, edits=False)
    done = run(desk, robot)
    assert (done.outcome.result, what(robot)) == (Result.DONE, ["update", "again"])
    assert planned(desk).changes == ()


def test_nobody_is_asked_for_the_end_of_an_overlap_before_it_ends(desk):
    made(desk, rotation={"overlap": "1h"})
    desk.advance(60)
    desk.declare(by_hand(), a_key("bot", "query-ledger", rotation={"overlap": "1h"}))
    robot = Robot(desk.db)
    assert run(desk, robot).outcome.result is Result.DONE
    assert what(robot) == ["issue"]
    assert planned(desk).changes == ()
    desk.advance(3700)
    later = Robot(desk.db)
    assert run(desk, later).outcome.result is Result.DONE
    assert what(later) == ["revoke"]
    assert (desk.recorded().retired, planned(desk).changes) == ((), ())


def test_an_undeclared_key_is_deleted_by_a_person_and_its_secret_goes_with_the_proof(desk):
    made_beside_another(desk)
    desk.advance(60)
    desk.declare(by_hand(), a_key("peer"))
    done = run(desk, Robot(desk.db))
    assert done.outcome.result is Result.DONE
    assert [trace.live_name for trace in desk.recorded().traces] == ["peer.a7.g1"]
    assert desk.slots() == ["acme/peer/current"]


def test_a_key_deleted_by_somebody_is_made_anew_and_followed_until_a_person_has_looked(desk):
    made_beside_another(desk)
    desk.advance(60)
    run(desk, Nobody())
    operate.revoke_key(desk.db, "acme", "bot.a7.g1")
    desk.advance(60)
    [change] = planned(desk).changes
    assert (change.action, change.new.name) == (Action.REPLACE, "bot.a7.g2")
    assert desk.run("recover", "--absent", BOT).code == 0
    [change] = planned(desk).changes
    assert (change.action, change.new.name) == (Action.CREATE, "bot.a7.g2")


def test_a_key_that_is_gone_while_nobody_is_there_costs_two_refused_calls_and_no_more(desk, monkeypatch):
    made_beside_another(desk)
    desk.advance(60)
    run(desk, Nobody())
    operate.revoke_key(desk.db, "acme", "bot.a7.g1")
    desk.advance(60)
    asked = calls(monkeypatch)
    for _ in range(3):
        run(desk, Nobody())
        desk.advance(60)
        assert [change.new.name for change in planned(desk).changes] == ["bot.a7.g2"]
        desk.advance(60)
    [refusal] = desk.recorded().refused.values()
    assert (asked.count("refused"), refusal.said) == (2, "EAPI:Invalid key, EAPI:Invalid key")


def test_a_store_that_fails_loses_no_key_out_of_sight(desk, monkeypatch):
    desk.declare(by_hand(), a_key())
    real = AgeStore.put

    def full(self, path, slot, entry):
        if slot is Slot.PENDING and "bot" in path:
            raise StoreError("the disk is full")
        real(self, path, slot, entry)

    monkeypatch.setattr(AgeStore, "put", full)
    robot = Robot(desk.db)
    done = run(desk, robot)
    assert (done.outcome.result, what(robot)) == (Result.FAILED, ["issue", "revoke"])
    assert [name for name in desk.rows() if name.startswith("bot")] == []


def contain(desk, person, *addresses, under=""):
    wish = SwitchWish(addresses=tuple(map(Address.parse, addresses)), under=under)
    with open_switch(desk.root, person=person) as switch:
        return switch.contain(wish, switch.find(wish), new_run("revoke"))


def test_the_kill_switch_asks_a_person_and_proves_what_it_can(desk):
    made_beside_another(desk)
    desk.advance(60)
    run(desk, Nobody())
    desk.advance(60)
    report = contain(desk, Robot(desk.db), BOT)
    assert [(fate.name, fate.fate) for fate in report.keys] == [("bot.a7.g1", Fate.REVOKED)]
    assert report.contained
    assert [trace.live_name for trace in desk.recorded().traces] == ["peer.a7.g1"]


def test_the_kill_switch_never_calls_contained_what_nobody_deleted(desk):
    made(desk)
    report = contain(desk, Nobody(), under="acme")
    [fate] = report.keys
    assert (fate.fate, report.contained) == (Fate.FAILED, False)
    assert "bot.a7.g1 at /app/settings/api of `krakenctl sandbox serve`" in fate.helps


def test_the_kill_switch_never_calls_contained_what_is_only_claimed(desk):
    made(desk, ipAllowlist=ELSEWHERE)
    report = contain(desk, Robot(desk.db), BOT)
    [fate] = report.keys
    assert (fate.fate, report.contained) == (Fate.CLAIMED, False)
    [record] = desk.recorded().retired
    assert (record.live_name, bool(record.claimed_by)) == ("bot.a7.g1", True)


def test_a_claim_can_be_closed_by_whoever_has_looked(desk):
    claimed(desk)
    assert desk.run("recover", "--absent", BOT).code == 0
    assert (desk.recorded().retired, planned(desk).changes) == ((), ())


DEATHS = {
    "before the key is asked for": ("begin", False),
    "after the intent": ("begin", True),
    "before it is stored": ("put", False),
    "after it is stored": ("put", True),
    "after the journal knows": ("advance", True),
    "before it is recorded": ("promote", False),
    "after it is recorded": ("promote", True),
    "after the old one is deleted": ("revoked", False),
}


@pytest.mark.parametrize("death", DEATHS)
def test_a_run_that_dies_is_finished_by_the_next(desk, monkeypatch, death):
    made(desk)
    desk.advance(60)
    desk.declare(by_hand(), a_key("bot", "query-ledger"))
    name, after = DEATHS[death]
    owner = AgeStore if name == "put" else SqlState
    real = getattr(owner, name)

    def dying(self, *args, **more):
        if name == "put" and "canary" in str(args[0]):
            return real(self, *args, **more)
        if after:
            real(self, *args, **more)
        raise Dead

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, dying)
        with pytest.raises(Dead):
            run(desk, Robot(desk.db))
    desk.advance(3600)
    robot = Robot(desk.db)
    run(desk, robot)
    desk.advance(60)
    run(desk, robot)
    recorded = desk.recorded()
    [record] = recorded.keys.values()
    assert record.spec.permissions == {Permission.QUERY_LEDGER}
    assert desk.entry("acme/bot").live_name == record.live_name
    assert recorded.retired == ()
    assert [intent.stage for intent in recorded.intents] in ([], [Stage.LOST])
    alive = {name for name in desk.rows() if name.startswith("bot.")}
    lost = {intent.live_name for intent in recorded.intents}
    assert alive - lost == {record.live_name}
    assert planned(desk).changes == ()


class Dead(BaseException):
    """Nothing of ours catches it."""
