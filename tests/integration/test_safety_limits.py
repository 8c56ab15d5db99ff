"""A plan beyond a safety limit: shown whole, refused with nothing done, and let through for one run on the record."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import jsonschema_rs
import pytest

from desk import DAY, Desk, account, key, make_desk, removed, stop_time
from krakenctl import schema_files
from krakenctl.model.safety import Limit
from krakenctl.state.sqlite import open_state
from running import ROOT

BOT, VIEW = "ApiKey/acme/bot", "ApiKey/acme/view"
ANY = {"ipAllowlist": "any"}


@pytest.fixture(autouse=True)
def _still(monkeypatch: pytest.MonkeyPatch) -> None:
    stop_time(monkeypatch)


@pytest.fixture(scope="module")
def _fresh(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    desk = make_desk(tmp_path_factory.mktemp("limits") / "acme")
    desk.declare(account(), key("bot"), key("view", protect=True))
    return desk.applied()


@pytest.fixture
def desk(_fresh: Desk, tmp_path: Path) -> Desk:
    """Two managed keys, one of them protected."""
    return _fresh.copy(tmp_path / "acme")


def apply(desk: Desk, *args: str, code: int) -> str:
    """A plain apply that nobody has allowed anything. Returns what it said."""
    ran = desk.run("apply", "--yes", *args)
    assert ran.code == code, ran.out + ran.err
    return " ".join((ran.out + ran.err).split())


def log(desk: Desk) -> Iterator[dict[str, str]]:
    return map(json.loads, desk.run("log", "-o", "json").out.splitlines())


def test_a_blocked_plan_is_shown_whole_and_nothing_of_it_is_done(desk: Desk) -> None:
    desk.declare(account(), key("bot", "query-ledger"), key("view", protect=True), key("new", **ANY))
    before = desk.standing()
    told = apply(desk, code=7)
    assert "± ApiKey/acme/bot replace" in told
    assert "! open 1 key would become usable from any address: ApiKey/acme/new → --allow open --reason TEXT" in told
    assert "this plan goes beyond a safety limit (open); nothing of it was done" in told
    assert desk.standing() == before


def test_plan_shows_the_block_and_keeps_its_own_exit_codes(desk: Desk) -> None:
    desk.declare(account(), key("bot"), key("view", protect=True), key("new", **ANY))
    plain, detailed = desk.run("plan"), desk.run("plan", "--detailed-exitcode")
    assert (plain.code, detailed.code) == (0, 2)
    assert "Blocked: apply refuses this plan" in plain.out
    assert "Apply with `krakenctl apply --allow open --reason TEXT`" in plain.err
    [block] = desk.plan()["blocks"]
    assert (block["class"], block["flag"], block["allowed"]) == ("open", "--allow open", False)
    assert block["addresses"] == ["ApiKey/acme/new"]
    assert "raise it with `--allow open --reason TEXT`" in desk.run("plan", "-o", "markdown").out


def test_the_refusal_is_json_where_json_was_asked_for(desk: Desk) -> None:
    desk.declare(account(), key("bot"), key("view", protect=True), key("new", **ANY))
    ran = desk.run("apply", "--yes", "-o", "json")
    assert (ran.code, ran.json["error"]["code"], ran.json["blocks"][0]["class"]) == (7, "safety-limit", "open")
    jsonschema_rs.validator_for(schema_files.load("error")).validate(ran.json)


def test_it_is_refused_before_anybody_is_asked(desk: Desk) -> None:
    desk.declare(account(), key("bot"), key("view", protect=True), key("new", **ANY))
    assert desk.run("apply").code == 7  # and not 64: there is no terminal to ask on


def test_who_allows_something_says_why_and_both_are_in_the_audit_log(desk: Desk) -> None:
    desk.declare(account(), key("bot"), key("view", protect=True), key("new", **ANY))
    assert "add --reason TEXT" in apply(desk, "--allow", "open", code=64)
    apply(desk, "--allow", "open", "--reason", "the phone has no fixed address", code=0)
    [allowed] = [line for line in log(desk) if line["verb"] == "allow"]
    assert allowed["message"] == "open: 1 key would become usable from any address"
    assert allowed["reason"] == "the phone has no fixed address"
    assert allowed["plan"].startswith("sha256:")


def test_what_is_allowed_and_not_needed_is_not_on_the_record(desk: Desk) -> None:
    desk.declare(account(), key("bot", "query-ledger"), key("view", protect=True))
    apply(desk, "--allow", "open", "--reason", "as always", code=0)
    assert not [line for line in log(desk) if line["verb"] == "allow"]


def test_allowing_one_danger_does_not_allow_another(desk: Desk) -> None:
    desk.declare(account(), key("bot"), key("new", "withdraw-funds", **ANY))
    told = apply(desk, "--allow", "open", "--reason", "r", code=7)
    assert "beyond a safety limit (protected, withdraw)" in told
    assert "allowed with --allow open" in told
    both = ("--allow", "withdraw", "--allow", "protected", "--allow", "open", "--reason", "r")
    apply(desk, *both, code=0)
    assert desk.ours() == ["bot.a7.g1", "new.a7.g1"]


def test_limits_may_be_raised_in_the_environment(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.declare(account(), key("bot"), key("new", "withdraw-funds", **ANY))
    monkeypatch.setenv("KRAKENCTL_APPLY_ALLOW", "withdraw open protected")
    monkeypatch.setenv("KRAKENCTL_APPLY_REASON", "approved in pull request 12")
    apply(desk, code=0)


def test_an_allowance_is_for_one_run(desk: Desk) -> None:
    desk.declare(account(), key("bot"), key("view", protect=True), key("new", **ANY))
    apply(desk, "--allow", "open", "--reason", "r", code=0)
    desk.declare(account(), key("bot"), key("view", protect=True), key("new", **ANY), key("next", **ANY))
    apply(desk, code=7)


def test_a_saved_plan_is_blocked_as_a_fresh_one_and_let_through_likewise(desk: Desk) -> None:
    desk.declare(account(), key("bot"), key("view", protect=True), key("new", **ANY))
    saved = desk.root / "a.plan"
    desk.run("plan", "--out", saved)
    apply(desk, str(saved), code=7)
    apply(desk, str(saved), "--allow", "open", "--reason", "r", code=0)


def test_taking_many_keys_away_needs_their_number(desk: Desk) -> None:
    desk.settings(safety={"maxRevokes": 1})
    desk.declare(account(), key("view", protect=True), *(key(f"b{n}") for n in range(3)))
    apply(desk, code=0)
    desk.declare(account(), key("view", protect=True), key("b0"))
    assert "2 keys would be revoked, and none comes in their place; safety.maxRevokes is 1" in apply(desk, code=7)
    apply(desk, "--max-revokes", "1", "--reason", "r", code=7)
    apply(desk, "--max-revokes", "2", code=64)
    apply(desk, "--max-revokes", "2", "--reason", "the two bots are retired", code=0)
    assert desk.ours() == ["view.a7.g1", "b0.a7.g1"]
    assert [line["reason"] for line in log(desk) if line["verb"] == "allow"] == ["the two bots are retired"]


def test_protection_outlives_the_manifest_and_the_handing_over_of_a_key_is_free(desk: Desk) -> None:
    desk.declare(account(), key("bot"))
    assert "1 key would be revoked although protected" in apply(desk, code=7)
    desk.declare(account(), key("bot"), removed(VIEW, "forget"))
    apply(desk, code=0)
    assert desk.ours() == ["bot.a7.g1", "view.a7.g1"]


def test_a_key_that_may_not_be_revoked_unasked_may_be_once_its_protection_was_taken_away(desk: Desk) -> None:
    desk.declare(account(), key("bot"), key("view", protect=False))
    apply(desk, code=0)
    desk.declare(account(), key("bot"))
    apply(desk, code=0)
    assert desk.ours() == ["bot.a7.g1"]


def test_a_rename_with_formerly_touches_nothing_and_needs_no_word(desk: Desk) -> None:
    desk.settings(safety={"maxRevokes": 0})
    kept = {"store": "main", "path": "acme/bot"}
    desk.declare(account(), key("maker", secret=kept, metadata={"formerly": ["bot"]}), key("view", protect=True))
    apply(desk, code=0)
    assert desk.ours() == ["bot.a7.g1", "view.a7.g1"]
    desk.declare(account(), key("taker", secret=kept), key("view", protect=True))
    apply(desk, code=7)  # without formerly it is another key, and the one before goes


def test_giving_up_every_key_is_a_danger_of_its_own(desk: Desk) -> None:
    desk.declare(account())
    told = apply(desk, code=7)
    assert "beyond a safety limit (empty, protected)" in told
    assert "the manifests declare no key any more, and 2 are managed here" in told
    assert len(desk.ours()) == 2


@pytest.mark.parametrize("how", ["no file", "an empty file", "a path that matches nothing", "one of two paths"])
def test_manifests_that_are_gone_revoke_nothing_and_no_flag_makes_them(desk: Desk, how: str) -> None:
    manifest = desk.root / "manifests/all.yaml"
    if how == "no file":
        manifest.unlink()
    elif how == "an empty file":
        manifest.write_text("")
    elif how == "a path that matches nothing":
        desk.settings(manifests=["manifest/*.yaml"])
    else:
        desk.settings(manifests=["manifests/*.yaml", "more/*.yaml"])
    told = apply(desk, "--allow", "empty", "--reason", "r", code=7)
    assert "what is not declared would be revoked" in told
    assert desk.run("plan").code == 7
    assert desk.run("validate").code == 1
    assert len(desk.ours()) == 2


def test_krakenctls_own_key_is_not_taken_away_and_is_rotated_where_it_is(desk: Desk) -> None:
    references = json.loads((desk.root / "krakenctl.yaml").read_text())["spec"]["credentials"]["*"]
    desk.settings(credentials={"*": references | {"apiKey": "store:main/acme/bot"}})
    desk.declare(account(), key("view", protect=True))
    assert "be taken away that krakenctl itself uses" in apply(desk, code=7)
    desk.declare(account(), key("bot", "query-ledger"), key("view", protect=True))
    apply(desk, code=0)
    assert desk.ours() == ["view.a7.g1", "bot.a7.g2"]


def test_a_key_that_the_kill_switch_revoked_is_not_made_again_unasked(desk: Desk) -> None:
    assert desk.run("revoke", BOT, "--yes", "--reason", "leaked").code == 0
    assert "1 key would be issued again after the kill switch had revoked it" in apply(desk, code=7)
    apply(desk, "--allow", "contained", "--reason", "the bot is clean", code=0)
    assert sorted(desk.ours()) == ["bot.a7.g2", "view.a7.g1"]


def test_what_is_refused_leaves_the_state_as_it_was(desk: Desk) -> None:
    desk.declare(account(), key("bot"), key("view", protect=True), key("new", **ANY))
    with_state = open_state(desk.state_path)
    try:
        before = with_state.read()
        apply(desk, code=7)
        assert replace(with_state.read(), serial=before.serial) == before
    finally:
        with_state.close()


def test_time_alone_blocks_nothing(desk: Desk) -> None:
    desk.declare(account(), key("bot", rotation={"maxAge": "30d"}), key("view", protect=True))
    apply(desk, code=0)
    desk.advance(40 * DAY)
    apply(desk, code=0)
    assert desk.ours() == ["view.a7.g1", "bot.a7.g2"]


def test_the_manual_names_every_class_and_its_flag() -> None:
    page = (ROOT / "docs/plans.md").read_text()
    for limit in Limit:
        flag = "--max-revokes N" if limit is Limit.REVOKES else f"--allow {limit.value}"
        assert re.search(rf"^\| `{limit.value}` \| .+ \| `{flag}` \|$", page, re.MULTILINE)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("Withdraw", "“Withdraw” is none of"),
        ("revokes", "--max-revokes N"),
        ("empty,protected", "repeat --allow"),
    ],
)
def test_a_class_that_is_none_is_a_usage_error_that_says_what_to_write(desk: Desk, value: str, told: str) -> None:
    desk.declare(account(), key("bot"))
    ran = desk.run("apply", "--allow", value, "--reason", "x")
    assert ran.code == 64
    assert told in " ".join(ran.err.split())


def test_who_lifted_a_protection_is_in_the_log(desk: Desk) -> None:
    desk.declare(account(), key("bot"), key("view", protect=False))
    assert desk.apply().code == 0
    [line] = [line for line in log(desk) if line["verb"] == "remember"]
    assert line["address"] == VIEW
