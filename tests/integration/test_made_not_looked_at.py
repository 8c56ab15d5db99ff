"""A key that a person has made, or was told to make, and nobody has looked at: no command calls it never issued, or
counts on it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from by_hand import a_key, by_hand, planned
from desk import Desk, make_desk
from krakenctl.model.key import KeySpec
from krakenctl.model.permission import Permission
from krakenctl.testing.person import Mistake
from waiting import BOT, NAME, at, in_env, made, replacing, waiting_desk

WAITS = f"{NAME} was made, and nobody has looked at it yet"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return waiting_desk(tmp_path / "acme")


def test_verify_does_not_know_whether_it_is_as_declared(desk: Desk) -> None:
    ran = desk.run("verify", "-o", "json")
    [one] = ran.json["keys"]
    assert (ran.code, one["verdict"], one["name"], one["seen"]) == (1, "unknown", NAME, False)
    assert one["why"] == f"{WAITS}: `krakenctl attest {BOT}` where it is used"
    assert {right["verdict"] for right in one["permissions"]} == {"unknown"}
    assert "not seen" in desk.run("verify", "-o", "markdown").out


def test_exec_sends_nobody_to_make_it_again(desk: Desk) -> None:
    ran = desk.run("exec", BOT, "--", "true")
    told = " ".join(ran.err.split())
    assert (ran.code, WAITS in told, f"krakenctl attest {BOT}" in told) == (1, True, True), told
    assert "never issued" not in told


def test_once_it_is_attested_both_know_it(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    with at(monkeypatch):
        desk.run("attest", BOT)
        desk.advance(60)
        ran = desk.run("verify")
        assert ran.code == 0, ran.out
    assert planned(desk).changes == ()


def test_one_that_was_found_wrong_is_told_with_what_is_wrong(tmp_path: Path) -> None:
    desk = make_desk(tmp_path / "acme")
    desk.declare(by_hand(), a_key())
    too_many = Permission.QUERY_LEDGER
    mistake = Mistake("a box too many", form=lambda form: replace(form, spec=_with(form.spec, too_many)))
    made(desk, mistake)
    [one] = desk.run("verify", "-o", "json").json["keys"]
    assert (one["verdict"], "it may query-ledger, which was not asked for" in one["why"]) == ("unknown", True), one
    assert "`krakenctl apply` goes on" in one["why"]


def test_while_a_successor_waits_the_key_in_use_is_judged(tmp_path: Path) -> None:
    desk = replacing(make_desk(tmp_path / "acme"))
    desk.advance(60)
    [one] = desk.run("verify", "-o", "json").json["keys"]
    assert (one["name"], one["verdict"] == "unknown") == (NAME, False), one


@pytest.fixture
def shown(tmp_path: Path) -> Desk:
    desk = make_desk(tmp_path / "shown")
    desk.declare(by_hand(), a_key())
    assert desk.run("apply", "--runbook", tmp_path / "steps.md").code == 8
    return desk


TOLD = f"a person was told to make {NAME}, and nobody has given its pair yet"


def test_verify_does_not_know_of_a_step_that_was_shown_whether_it_was_taken(shown: Desk) -> None:
    ran = shown.run("verify", "-o", "json")
    [one] = ran.json["keys"]
    assert (ran.code, one["verdict"], one["name"]) == (1, "unknown", NAME)
    assert one["why"] == f"{TOLD}: `krakenctl apply` takes it"


def test_exec_says_that_it_waits_for_its_pair(shown: Desk) -> None:
    assert TOLD in " ".join(shown.run("exec", BOT, "--", "true").err.split())


def test_after_the_kill_switch_nobody_waits_for_its_pair(shown: Desk) -> None:
    assert shown.run("revoke", "--under", "Account/acme", "--yes", "--reason", "a test").code in (0, 8)
    [one] = shown.run("verify", "-o", "json").json["keys"]
    assert (one["verdict"], "kill switch" in one["why"]) == ("revoked", True), one


def test_attest_says_which_command_takes_its_pair(shown: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    pair = in_env(monkeypatch, "A" * 56, "B" * 86 + "==")
    ran = shown.run("attest", BOT, *pair)
    told = " ".join(ran.err.split())
    assert (ran.code, f"the pair of {NAME} goes to `krakenctl apply`" in told) == (64, True), told


def test_attest_says_so_too_of_a_key_that_nobody_was_told_to_make(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = make_desk(tmp_path / "declared")
    desk.declare(by_hand(), a_key())
    ran = desk.run("attest", BOT, *in_env(monkeypatch, "A" * 56, "B" * 86 + "=="))
    assert "`krakenctl apply` takes the pair of a new key" in " ".join(ran.err.split())


def _with(spec: KeySpec, permission: Permission) -> KeySpec:
    return replace(spec, permissions=spec.permissions | {permission})
