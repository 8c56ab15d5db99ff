"""`krakenctl revoke`: the kill switch, with whatever is left to work with."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pytest
from switch import BOT, REVOKE, SUB, fates, live, no_manifests, no_state, revoke

import desk as d
from desk import Desk, stop_time
from krakenctl.model.containment import KeyFate
from krakenctl.model.coverage import Coverage
from krakenctl.surfaces.base import Listing
from krakenctl.surfaces.connect import Connect
from krakenctl.tasks.containment.sweep import Sweep
from terminal import on_a_terminal


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
    assert "revokes keys at /app/settings/api" in key["hint"], "there is always a way by hand"
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


def test_what_is_missing_is_said_once_and_before_the_question(desk: Desk):
    no_manifests(desk)
    ran = desk.run("revoke", "--under", "acme", "--yes")
    assert "Note: without the manifests" in ran.err
    assert "without the manifests" not in ran.out


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
