"""A key that a person has made and that nobody could look at: no command calls it never issued, or counts on it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from by_hand import a_key, by_hand, planned
from desk import Desk, make_desk
from krakenctl.model.key import KeySpec
from krakenctl.model.permission import Permission
from krakenctl.testing.person import Mistake
from waiting import BOT, NAME, at, made, replacing, waiting_desk

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


def _with(spec: KeySpec, permission: Permission) -> KeySpec:
    return replace(spec, permissions=spec.permissions | {permission})
