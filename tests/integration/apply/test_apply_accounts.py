"""Sub-accounts in their phases, pins, twins, and plans that were saved for later."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from desk import Desk, Wire, account, credentials_in, key, lost_after, subaccount
from krakenctl.sandbox.people import seed

SUB, BOT = "SubAccount/mm", "ApiKey/mm/bot"


def _declare(desk: Desk) -> None:
    desk.declare(account(), subaccount("mm"), key("bot", on="mm"))


def _absent_owner(desk: Desk) -> None:
    """The sandbox's owner can only write files: with a token from the environment, nobody sets the sub-account up."""
    desk.settings(credentials={"*": credentials_in("{account}"), "mm": {"token": "env:MM_TOKEN"}})


def _authorise(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MM_TOKEN", seed.authorise(desk.db, "u-mm")["access_token"])


def test_a_sub_account_whose_owner_acts_at_once_gets_its_keys_in_the_same_run(desk: Desk, wire: Wire):
    _declare(desk)
    assert desk.changes() == {SUB: "create", BOT: "create"}
    desk.applied()
    assert wire.calls.index("request") < wire.calls.index("issue bot.a7.g1")
    assert desk.ours("u-mm") == ["bot.a7.g1"]
    assert desk.changes() == {}


def test_a_sub_account_waits_for_its_owner_and_its_keys_wait_with_it(
    desk: Desk, wire: Wire, monkeypatch: pytest.MonkeyPatch
):
    _declare(desk)
    _absent_owner(desk)
    outcomes = desk.report()
    assert (outcomes[SUB]["result"], outcomes[BOT]["result"]) == ("done", "blocked")
    assert desk.usernames() == ["acme", "u-mm"]
    for _ in range(2):  # asked once, and never again
        assert desk.changes() == {SUB: "blocked", BOT: "blocked"}
        assert desk.apply().code == 8
    assert wire.calls.count("request") == 1
    _authorise(desk, monkeypatch)
    assert desk.changes() == {BOT: "create"}
    desk.applied()
    assert desk.ours("u-mm") == ["bot.a7.g1"]
    assert desk.changes() == {}


def test_a_saved_plan_goes_on_where_it_had_to_wait_for_the_owner_of_a_sub_account(
    desk: Desk, wire: Wire, monkeypatch: pytest.MonkeyPatch
):
    _declare(desk)
    _absent_owner(desk)
    saved = desk.root / "a.plan"
    desk.run("plan", "--out", saved)
    assert [desk.apply(saved).code for _ in range(2)] == [8, 8]
    _authorise(desk, monkeypatch)
    assert desk.apply(saved).code == 0
    assert desk.ours("u-mm") == ["bot.a7.g1"]
    assert wire.calls.count("request") == 1
    assert "applied already" in desk.apply(saved).err


def test_what_can_be_done_elsewhere_is_done_while_a_sub_account_waits(desk: Desk):
    desk.declare(account(), subaccount("mm"), key("bot", on="mm"), key("own"))
    _absent_owner(desk)
    assert desk.apply().code == 8
    assert desk.ours() == ["own.a7.g1"]


def test_a_request_whose_answer_was_lost_is_not_sent_again(desk: Desk, wire: Wire):
    _declare(desk)
    _absent_owner(desk)
    desk.copy(desk.root.with_name("rehearsal")).apply()
    number = wire.calls.index("request")
    wire.clear()
    wire.faults[number] = lost_after
    assert desk.apply().code == 1
    assert desk.changes() == {SUB: "blocked", BOT: "blocked"}
    assert desk.apply().code == 8
    assert wire.calls.count("request") == 1


def test_a_request_that_kraken_refuses_may_be_sent_again(desk: Desk):
    _declare(desk)
    desk.switch("institutional", "no")
    ran = desk.apply("-o", "json")
    assert [outcome["result"] for outcome in ran.json["outcomes"]] == ["failed", "skipped"]
    assert ran.code == 1
    desk.switch("institutional", "yes")
    desk.applied()
    assert desk.ours("u-mm") == ["bot.a7.g1"]


@pytest.mark.parametrize("how", ["missing", "dead"])
def test_a_known_sub_account_without_a_living_credential_is_blocked_and_not_taken_for_absent(
    desk: Desk, wire: Wire, how: str
):
    _declare(desk)
    desk.applied()
    token = desk.root / ".krakenctl/credentials/mm.json"
    if how == "missing":
        token.unlink()
    else:
        token.write_text('{"access_token": "dead"}')
    desk.declare(account(), subaccount("mm"), key("bot", "query-ledger", on="mm"), key("own"))
    wire.clear()
    assert desk.changes() == {SUB: "blocked", BOT: "blocked", "ApiKey/acme/own": "create"}
    assert desk.apply().code == 8
    assert "request" not in wire.calls
    assert (desk.ours(), desk.ours("u-mm")) == (["own.a7.g1"], ["bot.a7.g1"])


def test_a_sub_account_that_is_no_longer_declared_still_has_its_keys_revoked(desk: Desk):
    desk.settings(credentials={"acme": credentials_in("acme"), "*": credentials_in("of-{username}")})
    _declare(desk)
    desk.applied()
    desk.declare(account())
    assert desk.changes() == {BOT: "revoke"}
    desk.applied()
    assert (desk.ours("u-mm"), desk.slots()) == ([], [])


def test_a_credential_that_opens_another_account_is_a_hard_stop(desk: Desk):
    desk.declare(account(), key("bot"))
    desk.applied()
    other = seed.seed_account(desk.db, username="other", email="o@x.example")
    (desk.root / ".krakenctl/credentials/acme.json").write_text(json.dumps(other.token))
    desk.declare(account())
    ran = desk.apply("-o", "json")
    assert (ran.code, ran.json["error"]["code"]) == (7, "safety")
    assert desk.ours() == ["bot.a7.g1"]


def test_a_pin_in_the_manifest_is_how_a_person_says_that_the_account_really_changed(desk: Desk):
    desk.declare(account(), key("bot"))
    desk.applied()
    other = seed.seed_account(desk.db, username="other", email="o@x.example")
    (desk.root / ".krakenctl/credentials/acme.json").write_text(json.dumps(other.token))
    desk.declare(account(iiban=other.iiban), key("bot"))
    desk.applied()
    assert desk.ours("other") == ["bot.a7.g2"]
    desk.declare(account(), key("bot"))
    assert desk.changes() == {}


def test_two_accounts_behind_one_credential_are_a_hard_stop(desk: Desk):
    credentials = desk.root / ".krakenctl/credentials"
    desk.declare(account(), account("beta"), key("a"), key("b", on="beta"))
    for part in ("json", "key.json"):
        (credentials / f"beta.{part}").write_bytes((credentials / f"acme.{part}").read_bytes())
        (credentials / f"beta.{part}").chmod(0o600)
    ran = desk.apply("-o", "json")
    assert (ran.code, ran.json["error"]["code"]) == (7, "safety")
    assert desk.ours() == []


def test_a_saved_plan_does_what_it_said(desk: Desk):
    desk.declare(account(), key("bot"))
    plan = _saved(desk)
    assert desk.apply(plan).code == 0
    assert desk.ours() == ["bot.a7.g1"]


@pytest.mark.parametrize(
    ("move", "told"),
    [
        (lambda desk: desk.declare(account(), key("bot", "withdraw-funds"), key("view")), "ApiKey/acme/bot"),
        (lambda desk: desk.declare(account(), key("view")), "ApiKey/acme/bot"),
        (lambda desk: desk.declare(account(), key("bot"), key("view", "query-ledger")), "ApiKey/acme/view"),
        (lambda desk: seed.edit_key(desk.db, "acme", "view.a7.g1", ip_allowlist=[]), "ApiKey/acme/view"),
        (lambda desk: seed.delete_key(desk.db, "acme", "view.a7.g1"), "ApiKey/acme/view"),
    ],
    ids=["other grants", "no longer declared", "another key changed", "edited by a person", "deleted by a person"],
)
def test_a_stale_plan_is_refused_with_what_moved_and_nothing_is_done(desk: Desk, move, told: str):
    desk.declare(account(), key("view"))
    desk.applied()
    desk.declare(account(), key("bot"), key("view"))
    plan = _saved(desk)
    move(desk)
    before = desk.rows()
    ran = desk.apply(plan)
    assert ran.code == 5
    assert told in ran.err
    assert desk.rows() == before


def test_a_comment_in_a_manifest_does_not_make_a_plan_stale(desk: Desk):
    desk.declare(account(), key("bot"))
    plan = _saved(desk)
    manifest = desk.root / "manifests/all.yaml"
    manifest.write_text("# reviewed\n" + manifest.read_text())
    assert desk.apply(plan).code == 0


def test_reset_leaves_alone_what_belongs_to_an_account_that_is_not_in_the_sandbox(desk: Desk):
    desk.declare(account(), key("bot"))
    desk.applied()
    slots = desk.slots()
    for suffix in ("", "-wal", "-shm"):
        desk.db.with_name(desk.db.name + suffix).unlink(missing_ok=True)
    assert desk.run("sandbox", "reset", "--yes").code == 7
    assert desk.slots() == slots


def test_reset_starts_afresh_and_the_same_manifests_apply_again(desk: Desk):
    desk.declare(account(), key("bot"))
    desk.applied()
    assert desk.run("sandbox", "reset", "--yes").code == 0
    assert (desk.slots(), desk.ours()) == ([], [])
    desk.applied()
    assert desk.ours() == ["bot.a7.g1"]


def _saved(desk: Desk) -> Path:
    path = desk.root / "tonight.plan"
    assert desk.run("plan", "--out", path).code == 0
    return path
