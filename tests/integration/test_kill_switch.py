"""`krakenctl revoke`: the kill switch, with whatever is left to work with."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import jsonschema_rs
import pytest

import desk as d
from desk import Desk, make_desk, stop_time
from holder import at, go_on
from krakenctl import schema_files
from krakenctl.containment.sweep import Sweep
from krakenctl.errors import StateError
from krakenctl.model.address import Address
from krakenctl.model.containment import KeyFate
from krakenctl.sandbox.people import seed
from krakenctl.state.sql import SqlState
from krakenctl.state.sqlite import SqliteHome
from terminal import on_a_terminal

REPORT = jsonschema_rs.validator_for(schema_files.load("containment"))
STATE = jsonschema_rs.validator_for(schema_files.load("state"))
PLAN = jsonschema_rs.validator_for(schema_files.load("plan"))
BOT, SUB = "ApiKey/acme/bot", "ApiKey/mm/bot"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """Two keys on acme, one on its sub-account mm; and one that a person made."""
    desk = make_desk(tmp_path_factory.mktemp("switch") / "acme")
    seed.seed_website_key(desk.db, "acme", "by hand", ["withdraw-funds"])
    desk.declare(d.account(), d.subaccount("mm"), d.key("bot"), d.key("view"), d.key("bot", on="mm"))
    return desk.applied()


@pytest.fixture
def desk(template: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setattr("krakenctl.containment.sweep.time", stop_time(monkeypatch))
    monkeypatch.setattr("krakenctl.containment.switch.time", stop_time(monkeypatch))
    return template.copy(tmp_path / "acme")


def revoke(desk: Desk, *args: str, code: int = 0) -> d.Doc:
    ran = desk.run("revoke", *args, "--yes", "-o", "json")
    assert ran.code == code, ran.out + ran.err
    report: d.Doc = ran.json
    assert not [error.message for error in REPORT.iter_errors(report)]
    return report


def fates(report: d.Doc) -> dict[str, str]:
    return {f"{key['account']}/{key['liveName']}": key["result"] for key in report["keys"]}


def live(desk: Desk) -> list[str]:
    return sorted(desk.ours("acme")) + sorted(desk.ours("u-mm"))


def no_manifests(desk: Desk) -> None:
    (desk.root / "manifests/all.yaml").write_text("{ this is no manifest")


def no_state(desk: Desk) -> None:
    for file in desk.root.glob(".krakenctl/state.db*"):
        file.unlink()


def test_everything_of_ours_below_an_account_goes(desk: Desk):
    report = revoke(desk, "--under", "acme", "--reason", "broken into")
    assert live(desk) == []
    assert report["contained"] is True
    assert fates(report) == dict.fromkeys(["acme/bot.a7.g1", "acme/view.a7.g1", "mm/bot.a7.g1"], "revoked")
    assert "by hand" in desk.rows()
    assert {"account": "acme", "liveName": "by hand"} not in report["leftAlone"], "this list shows our client's keys"
    assert desk.recorded().keys == {}


@pytest.mark.parametrize("node", ["mm", "SubAccount/mm"])
def test_below_a_sub_account_nothing_else_is_touched(desk: Desk, node: str):
    revoke(desk, "--under", node)
    assert live(desk) == ["bot.a7.g1", "view.a7.g1"]


def test_a_key_by_its_address_goes_alone(desk: Desk):
    assert fates(revoke(desk, BOT)) == {"acme/bot.a7.g1": "revoked"}
    assert live(desk) == ["view.a7.g1", "bot.a7.g1"]
    assert fates(revoke(desk, BOT)) == {"acme/bot": "gone"}


def test_every_generation_of_a_key_goes(desk: Desk):
    overlap = {"rotation": {"overlap": "24h"}}
    desk.declare(d.account(), d.key("bot", "query-ledger", **overlap), d.key("view"))
    assert desk.apply().code == 0
    assert {"bot.a7.g1", "bot.a7.g2"} <= set(desk.ours())
    revoke(desk, BOT)
    assert desk.ours() == ["view.a7.g1"]


@pytest.mark.parametrize("lost", [[no_manifests], [no_state]], ids=lambda lost: lost[0].__name__)
def test_what_is_broken_is_done_without(desk: Desk, lost: list[object]):
    for each in lost:
        each(desk)  # type: ignore[operator]
    report = revoke(desk, "--under", "acme", code=4 if no_state in lost else 0)
    assert live(desk) == []
    assert any(note.startswith("without") for note in report["notes"])


def test_with_nothing_but_credentials_it_does_what_it_can_and_names_the_rest(desk: Desk):
    no_manifests(desk)
    no_state(desk)
    report = revoke(desk, "--under", "acme", code=1)
    assert live(desk) == ["bot.a7.g1"], "nobody can tell whose sub-account mm is"
    assert [each["account"] for each in report["notContained"]] == ["mm"]
    revoke(desk, "--under", "mm", code=1)
    assert live(desk) == []


def test_an_adopted_name_is_known_from_the_state(desk: Desk):
    """`formerly`: the key keeps its live name until it is replaced."""
    moved = d.key("renamed", metadata={"formerly": [BOT]}, secret={"path": "acme/bot"})
    desk.declare(d.account(), moved, d.key("view"), d.subaccount("mm"), d.key("bot", on="mm"))
    desk.applied()
    no_manifests(desk)
    assert fates(revoke(desk, "ApiKey/acme/renamed")) == {"acme/bot.a7.g1": "revoked"}


def test_another_workspaces_keys_stay_unless_asked_for(desk: Desk):
    desk.settings(tag="b8")
    desk.declare(d.account(), d.key("other"))
    no_state(desk)
    desk.applied().settings(tag="a7")
    no_state(desk)
    desk.declare(d.account(), d.key("bot"))
    report = revoke(desk, "--under", "acme", code=4)
    assert desk.ours() == ["other.b8.g1"]
    assert report["leftAlone"] == [{"account": "acme", "liveName": "other.b8.g1"}]
    revoke(desk, "--under", "acme", "--unmanaged", code=4)
    assert desk.ours() == []


def test_nothing_is_removed_from_the_stores(desk: Desk):
    before = desk.slots()
    revoke(desk, "--under", "acme")
    assert desk.slots() == before


def test_an_account_that_cannot_be_seen_is_named_and_stops_no_other(desk: Desk):
    (desk.root / ".krakenctl/credentials/mm.json").unlink()
    report = revoke(desk, "--under", "acme", code=1)
    assert live(desk) == ["bot.a7.g1"]
    assert [each["account"] for each in report["notContained"]] == ["mm"]
    assert report["contained"] is False


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "answer-lost", "endpoint": "DELETE /oauth/fast-api-key", "times": 2},
        {"kind": "http-error", "endpoint": "DELETE /oauth/fast-api-key", "times": 2},
        {"kind": "rate-limit", "endpoint": "DELETE /oauth/fast-api-key", "times": 2},
    ],
    ids=lambda fault: fault["kind"],
)
def test_a_refusal_that_will_pass_is_outlasted(desk: Desk, fault: d.Doc):
    desk.fault(**fault)
    report = revoke(desk, "--under", "acme")
    assert live(desk) == []
    assert set(fates(report).values()) == {"revoked"}


def test_a_key_that_cannot_be_revoked_is_told_and_the_others_go(desk: Desk):
    where = {"endpoint": "DELETE /oauth/fast-api-key", "account": "u-mm"}
    desk.fault("error", **where, times="always", error="EGeneral:Internal error")
    report = revoke(desk, "--under", "acme", code=1)
    assert fates(report)["mm/bot.a7.g1"] == "failed"
    assert live(desk) == ["bot.a7.g1"]
    [finding] = [f for f in desk.plan()["findings"] if f["rule"] == "contained-key-live"]
    assert finding["address"] == SUB


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
    monkeypatch.setattr("krakenctl.containment.memory.HEAD_START_SECONDS", 0.05)
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
    monkeypatch.setattr("krakenctl.containment.memory.HEAD_START_SECONDS", 0.05)
    with locked(desk):
        report = revoke(desk, BOT, code=4)
    assert (report["contained"], report["remembered"]) == (True, False)
    assert "locked" in " ".join(report["notes"])
    assert "the next apply will issue these keys again" in " ".join(report["notes"])


def test_a_state_that_does_not_say_what_it_remembers_is_done_without(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    over = threading.Event()
    monkeypatch.setattr("krakenctl.containment.memory.GLANCE_SECONDS", 0.05)
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


def test_what_is_missing_is_said_once_and_before_the_question(desk: Desk):
    no_manifests(desk)
    ran = desk.run("revoke", "--under", "acme", "--yes")
    assert "Note: without the manifests" in ran.err
    assert "without the manifests" not in ran.out


def test_the_state_tells_what_is_contained_by_whom_and_why(desk: Desk):
    revoke(desk, BOT, "--reason", "broken into")
    by = desk.recorded().contained[Address.parse(BOT)]
    listed, shown = desk.run("state", "list").out, desk.run("state", "show", BOT).out
    assert f"{BOT}  contained: the kill switch was used at" in listed
    assert f"by {by.who}: broken into" in listed
    assert f"contained.who: {by.who}" in shown
    assert "contained.reason: broken into" in shown
    assert not list(STATE.iter_errors(desk.run("state", "list", "-o", "json").json))


@pytest.mark.parametrize("typed", ["view", "acme/view", "ApiKey/view"])
@pytest.mark.parametrize("lost", [[], [no_manifests], [no_manifests, no_state]], ids=len)
def test_the_one_key_that_was_meant_is_named(desk: Desk, typed: str, lost: list[Callable[[Desk], None]]):
    for each in lost:
        each(desk)
    assert "did you mean ApiKey/acme/view?" in desk.run("revoke", typed, "--yes").err


def test_of_two_keys_that_may_be_meant_none_is_named(desk: Desk):
    assert "did you mean" not in desk.run("revoke", "bot", "--yes").err


def test_ctrl_c_does_not_stop_it_and_it_says_so(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    real = Sweep.run

    def run(sweep: Sweep) -> list[KeyFate]:
        os.kill(os.getpid(), signal.SIGINT)
        return real(sweep)

    monkeypatch.setattr(Sweep, "run", run)
    revoke(desk, BOT, code=130)
    assert "goes on to its end" in capfd.readouterr().err
    assert "bot.a7.g1" not in desk.ours()


def test_what_was_done_is_in_the_audit_log(desk: Desk):
    report = revoke(desk, "--under", "acme", "--reason", "broken into")
    lines = [json.loads(line) for line in desk.run("log", "-o", "json").out.splitlines()]
    ours = [line for line in lines if line["command"] == "revoke"]
    assert [line["verb"] for line in ours] == ["contain", "revoke", "revoke", "revoke"]
    assert {line["reason"] for line in ours} == {"broken into"}
    assert desk.run("log", "verify", "--head", report["logHead"]).code == 0


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


def test_it_shows_what_is_to_go_and_asks_once(desk: Desk):
    told = on_a_terminal("revoke", "--under", "acme", cwd=desk.root, answers={"[y/N]": "n"})
    assert told.code == 1
    assert "Revoke these 3 keys now?" in told.out
    assert len(live(desk)) == 3
    told = on_a_terminal("revoke", "--under", "acme", cwd=desk.root, answers={"[y/N]": "y"})
    assert told.code == 0
    assert live(desk) == []


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ([], "one of the two"),
        ([BOT, "--under", "acme"], "one of the two"),
        ([BOT, "--unmanaged"], "goes with --under"),
        (["--under", "acm"], "did you mean acme?"),
        (["--under", BOT], "takes an account"),
        (["SubAccount/mm"], "--under mm"),
        (["ApiKey/acme/bott"], "nobody knows of ApiKey/acme/bott"),
        (["bot"], "is not an address"),
    ],
)
def test_a_slip_is_told_before_anything_is_done(desk: Desk, args: list[str], said: str):
    ran = desk.run("revoke", *args, "--yes")
    assert ran.code == 64
    assert said in " ".join(ran.err.split())
    assert len(live(desk)) == 3


def test_without_a_terminal_it_asks_for_yes(desk: Desk):
    assert desk.run("revoke", "--under", "acme").code == 64
    assert len(live(desk)) == 3
