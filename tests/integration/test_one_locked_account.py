"""An account that Kraken has locked is blocked until it says so, be it the only one; others go on."""

from __future__ import annotations

import pytest

from by_hand import a_key, by_hand, run
from desk import account, make_desk
from krakenctl.model.outcome import Result
from krakenctl.sandbox.people import operate
from krakenctl.testing.person import Robot

BOT, TWO = "ApiKey/acme/bot", "ApiKey/beta/two"
UNTIL = "none of its keys is asked before 2027-01-15T08:1"


@pytest.fixture
def desk(tmp_path):
    """`beta` is locked, and each key is to have another end."""
    desk = make_desk(tmp_path)
    operate.make_account(desk.db, "beta")
    declare(desk)
    run(desk, Robot(desk.db))
    desk.advance(60)
    declare(desk, validFor="90d")
    desk.fault("lockout", account="beta")
    return desk


def declare(desk, **spec):
    beta = account("beta", surface="website", keyDefaults={"ipAllowlist": ["127.0.0.1"], "validFor": "180d"})
    desk.declare(by_hand(), a_key(**spec), beta, a_key("two", on="beta", **spec))


def test_a_plan_shows_the_others_and_is_not_without_changes(desk):
    ran = desk.run("plan", "--detailed-exitcode", "-o", "json")
    changes = {each["address"]: each for each in ran.json["changes"]}
    assert {address: each["action"] for address, each in changes.items()} == {BOT: "update", TWO: "blocked"}
    assert UNTIL in changes[TWO]["reasons"][0]
    assert ran.code == 2


def test_the_heading_of_a_locked_account_says_until_when(desk):
    ran = desk.run("plan")
    assert ("Account/beta (out of reach)" in ran.out, "not ready" in ran.out) == (True, False), ran.out  # told just now
    assert "Account/beta (locked until 2027-01-15T08:16:00Z)" in desk.run("plan", "--out", desk.root / "a.plan").out
    [beta] = [each for each in desk.plan()["accounts"] if each["name"] == "beta"]
    assert beta["lockedUntil"] == "2027-01-15T08:16:00Z"
    assert "(locked until 2027-01-15T08:16:00Z)" in desk.run("apply", "--yes", desk.root / "a.plan").out
    desk.mend()
    desk.advance(16 * 60)
    assert "locked" not in desk.run("plan").out


def test_with_nothing_else_to_do_the_run_still_says_that_it_was_incomplete(desk):
    declare(desk)
    desk.advance(60)
    ran = desk.run("plan", "--detailed-exitcode")
    assert (ran.code, "Nothing to do now; 1 blocked" in ran.out) == (2, True), ran.out
    assert desk.run("apply", "--yes").code == 8
    assert desk.run("tick").code == 8


def test_apply_does_what_it_can_and_the_locked_account_is_called_no_more(desk):
    results = {str(each.address): each.result for each in run(desk, Robot(desk.db)).report.outcomes}
    assert results == {BOT: Result.DONE, TWO: Result.BLOCKED}
    desk.mend()
    desk.advance(600)
    assert desk.plan()["summary"]["blocked"] == 1


def test_drift_calls_it_unseen_and_compares_the_others(desk):
    declare(desk)
    operate.edit_key(desk.db, "acme", "bot.a7.g1", ["query-funds", "query-ledger"], ip_allowlist=["127.0.0.1"])
    ran = desk.run("drift", "-o", "json")
    kinds = {(each["account"], each["kind"]) for each in ran.json["drifts"]}
    assert (ran.code, kinds) == (2, {("acme", "changed"), ("beta", "unseen")})


def test_who_can_says_that_it_was_not_seen(desk):
    ran = desk.run("who-can", "query-funds", "-o", "json")
    coverage = {each["account"]: each["coverage"] for each in ran.json["coverage"]}
    assert (ran.code, coverage) == (0, {"acme": "held", "beta": "none"})
    assert UNTIL in next(each["reason"] for each in ran.json["coverage"] if each["account"] == "beta")


@pytest.fixture
def alone(tmp_path):
    """A trader with one account, which is locked."""
    desk = make_desk(tmp_path)
    desk.declare(by_hand(), a_key())
    run(desk, Robot(desk.db))
    desk.advance(60)
    desk.fault("lockout", account="acme")
    return desk


@pytest.mark.parametrize(
    ("command", "code"),
    [("plan --detailed-exitcode", 2), ("apply --yes", 8), ("tick", 8), ("drift", 2), ("who-can query-funds", 0)],
    ids=lambda value: str(value).split(" ")[0],
)
def test_the_only_account_is_told_as_one_of_several_is(alone, command, code):
    for _ in range(2):  # the second is told from memory
        ran = alone.run(*command.split())
        said = " ".join((ran.out + ran.err).split())
        assert (ran.code, UNTIL in said or "locked until 2027-01-15T08:1" in said) == (code, True), said


def test_a_locked_only_account_is_blocked_and_unseen_and_never_clean(alone):
    plan = alone.plan()
    assert {each["address"]: each["action"] for each in plan["changes"]} == {BOT: "blocked"}
    assert {each["kind"] for each in alone.run("drift", "-o", "json").json["drifts"]} == {"unseen"}
    [coverage] = alone.run("who-can", "query-funds", "-o", "json").json["coverage"]
    assert coverage["coverage"] == "none"
