"""`krakenctl revoke`: the kill switch, with whatever is left to work with."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import jsonschema_rs
import pytest

import desk as d
from desk import Desk, make_desk, stop_time
from holder import at, go_on
from krakenctl import schema_files
from krakenctl.errors import StateError
from krakenctl.model.address import Address
from krakenctl.model.containment import KeyFate
from krakenctl.model.live import Coverage
from krakenctl.sandbox.people import seed
from krakenctl.state.sql import SqlState
from krakenctl.state.sqlite import SqliteHome
from krakenctl.surfaces.base import Listing
from krakenctl.surfaces.connect import Connect
from krakenctl.tasks.containment.memory import Memory
from krakenctl.tasks.containment.sweep import Sweep
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
    monkeypatch.setattr("krakenctl.tasks.containment.sweep.time", stop_time(monkeypatch))
    monkeypatch.setattr("krakenctl.tasks.containment.switch.time", stop_time(monkeypatch))
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


REVOKE = "DELETE /oauth/fast-api-key"


def test_a_list_that_shows_our_clients_keys_only_never_reads_as_clean(desk: Desk):
    report = revoke(desk, "--under", "acme")
    seen = [(each["account"], each["coverage"]) for each in report["accounts"]]
    assert seen == [("acme", "our-client"), ("mm", "our-client")]
    assert "made on the website" in report["accounts"][0]["message"]
    told = desk.run("revoke", "--under", "acme", "--yes")
    assert told.code == 0
    assert "Contained, as far as can be seen from here: 0 keys revoked" in told.out
    assert "Not seen from here: keys that were made on the website, or by another client, on acme, mm." in told.out
    assert "Complete" not in told.out


def test_a_list_that_shows_every_key_is_complete_and_says_so(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    real = Connect.list_keys
    monkeypatch.setattr(Connect, "list_keys", lambda surface: Listing(real(surface).keys, Coverage.COMPLETE))
    told = desk.run("revoke", "--under", "mm", "--yes")
    assert "Contained: 1 key revoked in" in told.out
    assert "Complete: every key there is shows in the lists of mm." in told.out
    assert [seen["coverage"] for seen in revoke(desk, "--under", "mm")["accounts"]] == ["complete"]


def test_whoever_names_a_key_is_told_of_no_other(desk: Desk):
    told = desk.run("revoke", BOT, "--yes")
    assert "Contained: 1 key revoked in" in told.out
    assert "website" not in told.out


@pytest.mark.parametrize(
    ("kraken", "helps", "passes"),
    [
        ("EGeneral:Permission denied", "the credential lacks a permission", False),
        ("ESession:Invalid session", "authorise krakenctl for this account again", False),
        ("EGeneral:Temporary lockout", "at least 15 minutes", True),
        ("EGeneral:Internal error", "run it again", True),
    ],
)
def test_what_kraken_refuses_is_told_with_what_helps(desk: Desk, kraken: str, helps: str, passes: bool):
    desk.fault("error", endpoint=REVOKE, times="always", error=kraken)
    [key] = revoke(desk, BOT, code=1)["keys"]
    assert helps in key["hint"]
    assert "kraken.com/app/settings/api" in key["hint"], "there is always a way by hand"
    assert key["retryable"] is passes
    told = desk.run("revoke", BOT, "--yes").out
    assert ("Run it again, and mind" in told) is passes
    assert "Nothing was removed from the stores" not in told


def test_a_permission_that_is_lacking_is_not_asked_for_again_and_again(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    still = stop_time(monkeypatch)
    monkeypatch.setattr("krakenctl.tasks.containment.sweep.time", still)
    desk.fault("error", endpoint=REVOKE, times="always", error="EGeneral:Permission denied", account="acme")
    revoke(desk, BOT, code=1)
    assert still.slept == []


@pytest.mark.parametrize(
    ("trouble", "helps", "passes"),
    [
        (lambda desk: (desk.root / ".krakenctl/credentials/mm.json").unlink(), "krakenctl init", False),
        (lambda desk: (desk.root / ".krakenctl/credentials/mm.json").write_text("dead"), "authorise krakenctl", False),
        (lambda desk: desk.settings(endpoint="http://127.0.0.1:9"), "check the ", True),
        (lambda desk: (no_manifests(desk), no_state(desk)), "run it again with --under mm, if it is", False),
    ],
    ids=["no credential", "a dead credential", "no connection", "nobody knows whose it is"],
)
def test_an_account_out_of_reach_is_told_with_what_helps(
    desk: Desk, trouble: Callable[[Desk], object], helps: str, passes: bool
):
    trouble(desk)
    [blind] = [each for each in revoke(desk, "--under", "acme", code=1)["notContained"] if each["account"] == "mm"]
    assert helps in blind["hint"]
    assert blind["retryable"] is passes


def test_a_protected_key_goes_too_and_that_is_said(desk: Desk):
    desk.declare(d.account(), d.key("bot", protect=True), d.key("view"), d.subaccount("mm"), d.key("bot", on="mm"))
    report = revoke(desk.applied(), "--under", "acme")
    assert fates(report)["acme/bot.a7.g1"] == "revoked"
    assert report["notes"] == [f"protected, and revoked all the same: {BOT}"]


def test_where_krakenctl_yaml_is_broken_the_way_by_hand_is_told(desk: Desk):
    (desk.root / "krakenctl.yaml").write_text("{")
    ran = desk.run("revoke", BOT, "--yes")
    assert ran.code == 1
    assert "kraken.com/app/settings/api" in ran.err


def hand_over(desk: Desk) -> None:
    rest = d.subaccount("mm"), d.key("view"), d.key("bot", on="mm")
    desk.declare(d.account(), *rest, d.removed(BOT, "forget"))
    desk.applied().declare(d.account(), *rest)


def test_a_key_that_was_handed_over_is_none_of_ours_below_its_account(desk: Desk):
    hand_over(desk)
    report = revoke(desk, "--under", "acme")
    assert live(desk) == ["bot.a7.g1"]
    assert report["leftAlone"] == [{"account": "acme", "liveName": "bot.a7.g1"}]
    assert [given.live_name for given in desk.recorded().given] == ["bot.a7.g1"]
    revoke(desk, "--under", "acme", "--unmanaged")
    assert (live(desk), desk.recorded().given) == ([], ())


def test_whoever_names_a_key_that_was_handed_over_is_told_that_it_lives_on(desk: Desk):
    hand_over(desk)
    report = revoke(desk, BOT, "ApiKey/acme/view", code=1)
    assert fates(report) == {"acme/view.a7.g1": "revoked", "acme/bot.a7.g1": "failed"}
    [key] = [key for key in report["keys"] if key["result"] == "failed"]
    assert "handed over" in key["message"]
    assert "--under acme --unmanaged" in key["hint"]
    assert desk.ours("acme") == ["bot.a7.g1"]


def test_without_a_state_the_manifest_says_what_was_handed_over_and_else_it_is_said_that_nobody_knows(desk: Desk):
    hand_over(desk)
    no_state(desk)
    desk.declare(d.account(), d.removed(BOT, "forget"))
    report = revoke(desk, "--under", "acme", code=4)
    assert "bot.a7.g1" in desk.ours("acme")
    assert "taken for ours, also one that was handed over" in report["notes"][0]
    no_manifests(desk)
    assert fates(revoke(desk, "--under", "acme", code=1))["acme/bot.a7.g1"] == "revoked"


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


OLD, NEW = "ApiKey/acme/bot", "ApiKey/acme/moved"
IN_PLACE, ELSEWHERE = {"secret": {"path": "acme/bot"}}, {}


def rename(desk: Desk, **where: d.Doc) -> Desk:
    """`bot` is `moved` now; ELSEWHERE: and its secret too, so that it is replaced."""
    moved = d.key("moved", metadata={"formerly": [OLD]}, **where)
    desk.declare(d.account(), moved, d.key("view"), d.subaccount("mm"), d.key("bot", on="mm"))
    return desk


def forget_the_rename(desk: Desk) -> None:
    desk.declare(d.account(), d.key("moved", **IN_PLACE), d.key("view"), d.subaccount("mm"), d.key("bot", on="mm"))


@pytest.mark.parametrize("asked", [OLD, NEW])
@pytest.mark.parametrize(
    ("applied", "lost"),
    [(False, None), (True, None), (False, no_state), (True, no_state), (True, no_manifests), (True, forget_the_rename)],
)
def test_a_renamed_key_goes_by_either_of_its_addresses(
    desk: Desk, asked: str, applied: bool, lost: Callable[[Desk], None] | None
):
    rename(desk, **IN_PLACE)
    if applied:
        desk.applied()
    if lost:
        lost(desk)
    report = revoke(desk, asked, code=4 if lost is no_state else 0)
    assert fates(report) == {"acme/bot.a7.g1": "revoked"}
    assert live(desk) == ["view.a7.g1", "bot.a7.g1"]


@pytest.mark.parametrize("asked", [OLD, NEW])
def test_a_renamed_key_that_is_gone_is_told_by_its_live_name_and_forgotten(desk: Desk, asked: str):
    rename(desk, **IN_PLACE).applied()
    forget_the_rename(desk)
    seed.delete_key(desk.db, "acme", "bot.a7.g1")
    assert fates(revoke(desk, asked, asked)) == {"acme/bot.a7.g1": "gone"}
    assert Address.parse(NEW) not in desk.recorded().keys


def test_a_name_that_was_given_to_another_key_since_takes_only_who_bears_it(desk: Desk):
    rename(desk, **IN_PLACE).applied()
    both = d.key("moved", **IN_PLACE), d.key("bot", secret={"path": "acme/other"})
    desk.declare(d.account(), *both, d.key("view"), d.subaccount("mm"), d.key("bot", on="mm"))
    desk.applied()
    named = desk.copy(desk.root.parent / "named")
    revoke(desk, NEW)
    assert "bot.a7.g2" in desk.ours(), "the new one is not asked for"
    assert set(desk.recorded().contained) == {Address.parse(NEW)}
    assert fates(revoke(named, OLD)) == {"acme/bot.a7.g1": "revoked", "acme/bot.a7.g2": "revoked"}


@pytest.mark.parametrize("before", [True, False], ids=["before the switch", "after it"])
def test_a_rename_brings_no_key_back_that_was_contained(desk: Desk, before: bool):
    if before:
        rename(desk)
    revoke(desk, OLD, "--reason", "leaked")
    assert set(desk.recorded().contained) == {Address.parse(each) for each in ([OLD, NEW] if before else [OLD])}
    rename(desk)
    [change] = desk.plan()["changes"]
    assert (change["address"], change["action"]) == (NEW, "create")
    assert "leaked" in change["reasons"][0]
    assert desk.apply().code == 7
    desk.run("tick")
    assert "moved.a7.g1" not in desk.ours()
    desk.advance(60)
    assert desk.apply("--allow", "contained", "--reason", "it is clean").code == 0
    assert "moved.a7.g1" in desk.ours()
    assert desk.run("rotate", NEW, "--yes").code == 0, "it is a key like any other"


def test_one_that_could_not_be_revoked_and_was_renamed_is_not_replaced_unasked(desk: Desk):
    desk.fault("error", endpoint=REVOKE, times="always", error="EGeneral:Permission denied")
    revoke(desk, OLD, code=1)
    desk.mend()
    rename(desk, **IN_PLACE).applied()
    [finding] = [each for each in desk.plan()["findings"] if each["rule"] == "contained-key-live"]
    assert finding["address"] == NEW
    assert rename(desk).apply().code == 7


def unheard_of(patch: pytest.MonkeyPatch) -> None:
    """The switch looked at the state before the run began, and its manifests know of no rename."""
    real = SqliteHome.read
    patch.setattr("krakenctl.tasks.containment.known.glance", lambda home: replace(real(home), intents=()))
    patch.setattr("krakenctl.tasks.containment.known.Known._links", lambda _known: iter(()))


@pytest.mark.parametrize("asked", [OLD, NEW])
@pytest.mark.parametrize("heard", [True, False])
def test_a_key_that_a_dead_run_had_stored_under_its_new_address_is_not_promoted(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, asked: str, heard: bool
):
    rename(desk)
    with at(desk, "list:4", "kill") as running:
        running.wait()
    assert [intent.live_name for intent in desk.recorded().intents] == ["moved.a7.g1"]
    with monkeypatch.context() as patch:
        if heard:
            forget_the_rename(desk)
        else:
            unheard_of(patch)
        revoke(desk, asked)
        assert (desk.ours() == ["view.a7.g1"]) is heard
    desk.run("recover")
    assert "moved.a7.g1" not in desk.ours()
    assert Address.parse(NEW) not in desk.recorded().keys
    assert ("bot.a7.g1" in desk.ours()) is (asked == NEW and not heard)


def test_a_running_apply_takes_back_what_it_issues_in_place_of_the_key_by_its_former_address(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    rename(desk)
    with at(desk, "list:4", "wait") as running:
        unheard_of(monkeypatch)
        revoke(desk, OLD)
        code, told = go_on(running)
    assert code == 4, told
    assert desk.ours() == ["view.a7.g1"]


@pytest.mark.parametrize("whose", [["ApiKey/acme/view"], ["--under", "acme"]], ids=["an address", "a node"])
@pytest.mark.parametrize("name", ["foo", "foo.a7.g1"])
def test_a_key_that_a_person_renamed_is_not_contained_while_it_lives(desk: Desk, whose: list[str], name: str):
    seed.rename_key(desk.db, "acme", "view.a7.g1", name)
    by_tag = name != "foo" and whose[0] == "--under"
    for _ in range(2):
        report = revoke(desk, *whose, code=0 if by_tag else 1)
        assert report["contained"] is by_tag
        if not by_tag:
            [lost] = [each for each in report["keys"] if each["result"] == "failed"]
            assert lost["liveName"] == "view.a7.g1"
            assert f"perhaps a person renamed it, as “{name}” was created in the same second" in lost["message"]
            assert "--under acme --unmanaged" in lost["hint"]
            assert Address.parse("ApiKey/acme/view") in desk.recorded().keys, "its second is what it is known by"
    assert (name in desk.ours()) is not by_tag
    revoke(desk, "--under", "acme", "--unmanaged")
    assert live(desk) == []
    assert desk.recorded().keys == {}


@pytest.mark.parametrize("whose", [["ApiKey/acme/bot"], ["--under", "acme"]], ids=["an address", "a node"])
def test_one_that_was_asked_for_and_renamed_before_any_answer_is_not_contained(desk: Desk, whose: list[str]):
    die_after_issuing(desk)
    seed.rename_key(desk.db, "acme", "bot.a7.g2", "foo")
    report = revoke(desk, *whose, code=1)
    [lost] = [each for each in report["keys"] if each["result"] == "failed"]
    assert (lost["address"], lost["liveName"]) == (BOT, "bot.a7.g2")
    assert "perhaps a person renamed it, as “foo” was created since it was asked for" in lost["message"]
    assert "foo" in desk.ours()
    revoke(desk, "--under", "acme", "--unmanaged")
    assert live(desk) == []


def test_one_that_was_asked_for_and_does_not_show_may_still_arrive(desk: Desk):
    die_after_issuing(desk)
    seed.delete_key(desk.db, "acme", "bot.a7.g2")
    report = revoke(desk, BOT)
    assert "bot.a7.g2 was asked for and may still arrive: `krakenctl recover`" in report["notes"]


def die_after_issuing(desk: Desk) -> None:
    desk.fault("error", endpoint="GET /oauth/fast-api-key", error="EGeneral:Permission denied", account="acme", nth=3)
    assert desk.run("rotate", BOT, "--yes").code != 0
    desk.mend()
    [intent] = desk.recorded().intents
    assert intent.sent is not None
    assert "bot.a7.g2" in desk.ours()


@pytest.mark.parametrize("lost", [None, no_state])
def test_to_be_named_as_a_former_key_is_to_be_revoked_with_it_only_if_it_is_that_key(
    desk: Desk, lost: Callable[[Desk], None] | None
):
    """`view` has a key of its own; that it is to follow `bot`, which has one too, makes them no single key."""
    view = d.key("view", metadata={"formerly": [BOT]})
    desk.declare(d.account(), view, d.subaccount("mm"), d.key("bot", on="mm"))
    if lost:
        lost(desk)
    for _ in range(2):
        report = revoke(desk, BOT, code=4 if lost else 0)
        assert ("view.a7.g1" in desk.ours()) is (lost is None), report


def test_one_that_is_renamed_while_it_is_being_revoked_is_not_gone(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    real = Sweep.run

    def run(sweep: Sweep) -> list[KeyFate]:
        if "view.a7.g1" in desk.ours():
            seed.rename_key(desk.db, "acme", "view.a7.g1", "foo")
        return real(sweep)

    monkeypatch.setattr(Sweep, "run", run)
    assert fates(revoke(desk, "ApiKey/acme/view", code=1)) == {"acme/view.a7.g1": "failed"}


def test_before_the_question_it_is_told_what_may_have_been_renamed(desk: Desk):
    seed.rename_key(desk.db, "acme", "view.a7.g1", "foo")
    told = on_a_terminal("revoke", "ApiKey/acme/view", BOT, cwd=desk.root, answers={"[y/N]": "n"}).out
    assert "view.a7.g1 does not show; perhaps a person renamed it, as “foo” was created" in " ".join(told.split())
    assert "gone already" not in told
    told = on_a_terminal("revoke", "--under", "acme", "--unmanaged", cwd=desk.root, answers={"[y/N]": "n"}).out
    assert "foo" in told
    assert "perhaps" not in told
