"""What the kill switch tells the state, so that nobody makes these keys again; also where the state is away."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import jsonschema_rs
import pytest
from switch import BOT, fates, revoke

import desk as d
from desk import Desk
from holder import at, go_on
from krakenctl import schema_files
from krakenctl.errors import StateError
from krakenctl.model.address import Address
from krakenctl.model.containment import KeyFate
from krakenctl.state.sql import SqlState
from krakenctl.state.sqlite import SqliteHome
from krakenctl.tasks.containment.memory import Memory
from krakenctl.tasks.containment.sweep import Sweep

STATE = jsonschema_rs.validator_for(schema_files.load("state"))
PLAN = jsonschema_rs.validator_for(schema_files.load("plan"))


def test_afterwards_nobody_makes_these_keys_again_unasked(desk: Desk):
    revoke(desk, BOT, "--reason", "its host was broken into")
    plan = desk.plan()
    assert not [error.message for error in PLAN.iter_errors(plan)]
    [change] = plan["changes"]
    assert (change["address"], change["action"]) == (BOT, "create")
    assert "revoked with the kill switch at" in change["reasons"][0]
    assert "its host was broken into" in change["reasons"][0]
    assert desk.apply().code == 7
    assert desk.run("tick").code in (0, 8)
    assert "bot.a7.g2" not in desk.ours()
    assert desk.apply("--allow", "contained", "--reason", "the host is clean").code == 0
    assert "bot.a7.g2" in desk.ours()
    assert desk.recorded().contained == {}
    assert desk.changes() == {}


def unreadable(desk: Desk, _patch: pytest.MonkeyPatch) -> None:
    (desk.root / ".krakenctl/state.db").rename(desk.root / ".krakenctl/aside.db")
    (desk.root / ".krakenctl/state.db").write_text("this is no database")


def not_to_be_opened(_desk: Desk, patch: pytest.MonkeyPatch) -> None:
    patch.setattr("krakenctl.state.sqlite.SqliteHome.open", refuse)


def not_to_be_written(_desk: Desk, patch: pytest.MonkeyPatch) -> None:
    patch.setattr("krakenctl.state.sql.SqlState.contain", refuse)


def refuse(*_told: object) -> None:
    raise StateError("permission denied for table contained")


@pytest.mark.parametrize("away", [unreadable, not_to_be_opened, not_to_be_written])
@pytest.mark.parametrize("whose", [[BOT], ["--under", "acme"]], ids=["an address", "a node"])
def test_what_the_state_could_not_be_told_is_said_and_told_when_it_is_back(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, away: Callable[[Desk, pytest.MonkeyPatch], None], whose: list[str]
):
    with monkeypatch.context() as patch:
        away(desk, patch)
        report = revoke(desk, *whose, code=4)
    assert (report["contained"], report["remembered"]) == (True, False)
    assert "the next apply will issue these keys again: stop your pipelines" in " ".join(report["notes"])
    if (aside := desk.root / ".krakenctl/aside.db").exists():
        aside.replace(desk.root / ".krakenctl/state.db")
    again = revoke(desk, *whose, "--reason", "broken into")
    assert again["remembered"] is True
    assert desk.recorded().contained[Address.parse(BOT)].reason == "broken into"
    assert '"verb":"contain"' in desk.run("log", "-o", "json").out
    assert desk.apply().code == 7


@contextmanager
def locked(desk: Desk) -> Iterator[sqlite3.Connection]:
    """Somebody else is in the middle of a transaction."""
    with closing(sqlite3.connect(desk.state_path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield other


@pytest.mark.parametrize("busy", [0.01, 10], ids=["gave up meanwhile", "still waiting"])
def test_a_lock_that_ends_while_keys_are_revoked_costs_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, busy: float
):
    monkeypatch.setattr("krakenctl.state.sqlite.BUSY_SECONDS", busy)
    monkeypatch.setattr("krakenctl.tasks.containment.memory.HEAD_START_SECONDS", 0.05)
    with locked(desk) as other:
        let_go_after_the_sweep(other, monkeypatch)
        report = revoke(desk, BOT, "--reason", "broken into")
    assert (report["contained"], report["remembered"]) == (True, True)
    assert "the state was not told" not in " ".join(report["notes"])
    assert desk.recorded().contained[Address.parse(BOT)].reason == "broken into"
    assert desk.apply("--yes").code == 7
    assert "bot.a7.g2" not in desk.ours()


def let_go_after_the_sweep(other: sqlite3.Connection, patch: pytest.MonkeyPatch) -> None:
    real = Sweep.run

    def run(sweep: Sweep) -> list[KeyFate]:
        fates = real(sweep)
        other.execute("ROLLBACK")
        return fates

    patch.setattr(Sweep, "run", run)


def test_a_lock_that_never_ends_is_told_and_holds_up_no_key(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    """The state is waited for until the key is gone; were it waited for first, it never would be."""
    gone, real, really = threading.Event(), Sweep.run, SqliteHome.open

    def run(sweep: Sweep) -> list[KeyFate]:
        fates = real(sweep)
        gone.set()
        return fates

    def wait(home: SqliteHome) -> SqlState:
        assert gone.wait(20), "no key goes before the state was told"
        return really(home)

    monkeypatch.setattr(Sweep, "run", run)
    monkeypatch.setattr(SqliteHome, "open", wait)
    monkeypatch.setattr("krakenctl.state.sqlite.BUSY_SECONDS", 0.01)
    monkeypatch.setattr("krakenctl.tasks.containment.memory.HEAD_START_SECONDS", 0.05)
    with locked(desk):
        report = revoke(desk, BOT, code=4)
    assert (report["contained"], report["remembered"]) == (True, False)
    assert "locked" in " ".join(report["notes"])
    assert "the next apply will issue these keys again" in " ".join(report["notes"])


def test_a_state_that_does_not_say_what_it_remembers_is_done_without(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    over = threading.Event()
    monkeypatch.setattr("krakenctl.tasks.containment.memory.GLANCE_SECONDS", 0.05)
    monkeypatch.setattr(SqliteHome, "read", lambda _home: over.wait(20))
    report = revoke(desk, BOT)
    over.set()
    assert fates(report) == {"acme/bot.a7.g1": "revoked"}
    assert "without the state: it has not answered" in report["notes"][0]
    assert report["remembered"] is True, "it is told afterwards all the same"


def test_a_key_that_was_gone_already_is_recorded_no_more(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    with monkeypatch.context() as patch:
        not_to_be_opened(desk, patch)
        revoke(desk, BOT, code=4)
    assert fates(revoke(desk, BOT)) == {"acme/bot.a7.g1": "gone"}
    assert Address.parse(BOT) not in desk.recorded().keys


def test_the_state_tells_what_is_contained_by_whom_and_why(desk: Desk):
    revoke(desk, BOT, "--reason", "broken into")
    by = desk.recorded().contained[Address.parse(BOT)]
    listed, shown = desk.run("state", "list").out, desk.run("state", "show", BOT).out
    assert f"{BOT}  contained: the kill switch was used at" in listed
    assert f"by {by.who}: broken into" in listed
    assert f"contained.who: {by.who}" in shown
    assert "contained.reason: broken into" in shown
    assert not list(STATE.iter_errors(desk.run("state", "list", "-o", "json").json))


def test_what_was_done_is_in_the_audit_log(desk: Desk):
    report = revoke(desk, "--under", "acme", "--reason", "broken into")
    lines = [json.loads(line) for line in desk.run("log", "-o", "json").out.splitlines()]
    ours = [line for line in lines if line["command"] == "revoke"]
    assert [line["verb"] for line in ours] == ["contain", "revoke", "revoke", "revoke"]
    assert {line["reason"] for line in ours} == {"broken into"}
    assert desk.run("log", "verify", "--head", report["logHead"]).code == 0


@pytest.mark.parametrize("which", [[BOT], ["--under", "acme"]])
def test_one_that_died_before_it_told_the_state_is_ended_by_the_next(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, which: list[str]
):
    with monkeypatch.context() as dying:
        dying.setattr(Memory, "end", lambda *_: None)
        desk.run("revoke", *which, "--yes")
    assert not told_revoked(desk)
    for _ in range(2):
        revoke(desk, *which)
        assert (told_revoked(desk).count("acme/bot.a7.g1"), desk.recorded().keys.get(Address.parse(BOT))) == (1, None)


def test_one_that_dies_while_it_tells_the_state_tells_nothing_twice(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    with monkeypatch.context() as dying:
        told = SqlState.revoked
        dying.setattr(SqlState, "revoked", lambda state, *key, **deeds: told(state, *key, **deeds) or 1 / 0)
        desk.run("revoke", "--under", "acme", "--yes")
    revoke(desk, "--under", "acme")
    assert sorted(told_revoked(desk)) == ["acme/bot.a7.g1", "acme/view.a7.g1", "mm/bot.a7.g1"]


def told_revoked(desk: Desk) -> list[str]:
    """Account and live name of each key whose end is in the audit log."""
    lines = map(json.loads, desk.run("log", "-o", "json").out.splitlines())
    return [f"{line['account']}/{line['name']}" for line in lines if line["verb"] == "revoke" and "." in line["name"]]


def test_a_running_apply_begins_nothing_more(desk: Desk):
    desk.declare(d.account(), *(d.key(f"new-{n}") for n in range(3)))
    with at(desk, "issue:2", "wait") as running:
        report = revoke(desk, "--under", "acme", "--reason", "broken into")
        assert "run this again in a minute to be sure" in report["notes"][-1]
        code, told = go_on(running)
    assert code == 4, told
    assert "not tried: the kill switch was used by" in told
    assert ": broken into" in told
    assert "would repeat itself" not in told
    assert "could not be revoked either" not in told
    assert desk.ours() == []
    assert desk.run("recover").code == 0
    assert (desk.ours(), desk.recorded().keys, desk.recorded().intents) == ([], {}, ())


def test_a_key_that_a_dead_run_had_stored_is_not_promoted_afterwards(desk: Desk):
    desk.declare(d.account(), d.key("bot"), d.key("view"), d.subaccount("mm"), d.key("bot", on="mm"), d.key("new"))
    with at(desk, "list:4", "kill") as running:
        running.wait()
    assert desk.recorded().intents
    revoke(desk, "--under", "acme")
    assert desk.run("recover").code == 0
    assert desk.ours() == []
    assert desk.recorded().keys == {}
