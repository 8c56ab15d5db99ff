"""`krakenctl revoke`: the kill switch, with whatever is left to work with."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema_rs
import pytest

import desk as d
from desk import Desk, make_desk, stop_time
from holder import at, go_on
from krakenctl import schema_files
from krakenctl.sandbox.people import seed
from terminal import on_a_terminal

REPORT = jsonschema_rs.validator_for(schema_files.load("containment"))
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
    report = revoke(desk, "--under", "acme")
    assert live(desk) == []
    assert any("without" in note or "no state" in note for note in report["notes"])


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
    report = revoke(desk, "--under", "acme")
    assert desk.ours() == ["other.b8.g1"]
    assert report["leftAlone"] == [{"account": "acme", "liveName": "other.b8.g1"}]
    revoke(desk, "--under", "acme", "--unmanaged")
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
        report = revoke(desk, "--under", "acme")
        assert "begins nothing more" in " ".join(report["notes"])
        code, told = go_on(running)
    assert code == 4, told
    assert "the kill switch was used" in told
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
