"""What an interrupted run has left is finished or undone by the next one, or by `recover`, and both say so."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import pytest

import desk as d
from desk import Desk, Wire
from krakenctl.errors import StateError, StoreError
from krakenctl.model.journal import Stage
from krakenctl.sandbox import clock
from krakenctl.sandbox.people import operate, seed
from krakenctl.state.sql import SqlState
from krakenctl.stores.age import AgeStore
from krakenctl.stores.base import Slot
from krakenctl.surfaces.connect import Connect
from krakenctl.transport.wsgi import WsgiAdapter

BOT = "ApiKey/acme/bot"
Die = Callable[..., None]
Where = tuple[type, str, Callable[..., bool] | None]


def _sends(method: str) -> Callable[..., bool]:
    return lambda _, request, *__: request.method == method


def _moves(desk: Desk) -> list[tuple[str, str]]:
    return [(one["name"], one["move"]) for one in desk.run("recover", "--dry-run", "-o", "json").json["recovery"]]


def _recovered(desk: Desk) -> list[tuple[str, str, str]]:
    ran = desk.run("recover", "-o", "json")
    assert ran.code == 0, ran.err
    return [(one["name"], one["move"], one["result"]) for one in ran.json["recovered"]]


def _case(name: str, scene: d.Scene, where: Where, move: str, *, after: bool = False) -> Any:
    return pytest.param(scene, where, after, move, id=name)


BEGIN, CHECKED, RECORD = (SqlState, "begin", None), (AgeStore, "promote", None), (SqlState, "promote", None)
STORE = (AgeStore, "put", None)
ISSUE, UPDATE, REVOKE = ((WsgiAdapter, "send", _sends(method)) for method in ("POST", "PUT", "DELETE"))

CASES = [
    _case("before the issue", d.replace_create_first, BEGIN, "watch", after=True),
    _case("issued, its secret lost", d.replace_create_first, STORE, "revoke"),
    _case("stored, not journalled", d.replace_create_first, STORE, "promote", after=True),
    _case("checked", d.replace_create_first, CHECKED, "promote"),
    _case("promoted, not recorded", d.replace_create_first, CHECKED, "promote", after=True),
    _case("the old one still there", d.replace_create_first, RECORD, "close", after=True),
    _case("the old one gone", d.replace_create_first, REVOKE, "close", after=True),
    _case("before its retirement", d.replace_with_overlap, UPDATE, "close"),
    _case("after its retirement", d.replace_with_overlap, UPDATE, "close", after=True),
    _case("revoke-first, not begun", d.replace_revoke_first, REVOKE, "drop"),
    _case("revoke-first, revoked", d.replace_revoke_first, REVOKE, "issue", after=True),
    _case("revoke-first, before the issue", d.replace_revoke_first, ISSUE, "issue"),
    _case("revoke-first, the secret lost", d.replace_revoke_first, STORE, "issue"),
    _case("revoke-first, checked", d.replace_revoke_first, CHECKED, "promote"),
    _case("before an update", d.edit_in_place, UPDATE, "drop"),
    _case("after an update", d.edit_in_place, UPDATE, "record", after=True),
    _case("before a revoke", d.revoke, REVOKE, "drop"),
    _case("after a revoke", d.revoke, REVOKE, "record", after=True),
]


@pytest.mark.parametrize(("scene", "where", "after", "move"), CASES)
def test_what_was_begun_is_finished_or_undone_as_the_dry_run_said(
    desk: Desk, die: Die, scene: d.Scene, where: Where, after: bool, move: str
):
    seed.seed_website_key(desk.db, "acme", "by hand", ["withdraw-funds"])
    declared = scene(desk)
    strangers = desk.strangers()
    owner, name, when = where
    die(desk, owner, name, when=when, after=after)
    before = desk.standing()
    assert [found for _, found in _moves(desk)] == [move]
    assert desk.standing() == before, "a dry run changes nothing"
    planned = desk.changes()
    assert [(found, result) for _, found, result in _recovered(desk)] == [(move, "done")]
    assert desk.changes() == planned, "the plan was drawn for the world after it"
    assert _recovered(desk) == []
    desk.applied()
    desk.check_promises(declared, strangers)


def test_a_plan_saved_while_something_is_under_way_is_applied_after_it_was_recovered(desk: Desk, die: Die):
    declared = d.replace_create_first(desk)
    strangers = desk.strangers()
    desk.declare(d.account(), d.key("bot", "query-ledger"), d.key("view"), d.key("third"))
    die(desk, AgeStore, "promote", when=lambda _, path, name: path == "acme/bot")
    saved = desk.root / "saved.plan"
    assert desk.run("plan", "--out", saved).code == 0
    ran = desk.apply(saved)
    assert ran.code == 0, ran.out + ran.err
    desk.check_promises([*declared, "ApiKey/acme/third"], strangers)


def test_apply_says_in_its_report_what_it_recovered(desk: Desk, die: Die):
    d.replace_create_first(desk)
    die(desk, AgeStore, "promote")
    ran = desk.apply("-o", "json")
    assert ran.code == 0
    [one] = ran.json["recovered"]
    assert (one["address"], one["name"], one["move"], one["result"]) == (BOT, "bot.a7.g2", "promote", "done")
    assert "finished with bot.a7.g2" in ran.err
    assert ran.json["outcomes"] == []


def test_a_key_is_not_promoted_that_may_more_than_its_ceiling_allows_by_now(desk: Desk, die: Die):
    declared = d.replace_create_first(desk)
    strangers, old = desk.strangers(), desk.entry("acme/bot")
    die(desk, AgeStore, "promote")
    desk.declare(d.account(permissions={"deny": ["query-ledger"]}), d.key("bot"), d.key("view"))
    assert _moves(desk) == [("bot.a7.g2", "revoke")]
    desk.applied()
    assert desk.entry("acme/bot").same_key(old)
    desk.check_promises(declared, strangers)


def test_where_nothing_proves_that_such_a_key_is_ours_its_consumer_gets_the_one_before_it_again(desk: Desk, die: Die):
    desk.switch("created-time", "absent")
    d.replace_create_first(desk)
    old = desk.entry("acme/bot")
    die(desk, SqlState, "promote")
    desk.declare(d.account(permissions={"deny": ["query-ledger"]}), d.key("bot"), d.key("view"))
    assert _recovered(desk) == [("bot.a7.g2", "unknown", "done")]
    assert desk.entry("acme/bot").same_key(old)
    assert "bot.a7.g2" in desk.ours(), "it is reported, and left alone"
    assert desk.changes() == {}


def test_a_key_that_is_no_longer_declared_is_undone_while_nobody_uses_it(desk: Desk, die: Die):
    d.create(desk)
    strangers = desk.strangers()
    die(desk, AgeStore, "promote")
    desk.declare(d.account(), d.key("other"))
    assert _recovered(desk) == [("bot.a7.g1", "revoke", "done")]
    desk.applied().check_promises(["ApiKey/acme/other"], strangers)


def test_a_key_of_that_name_which_a_person_made_is_never_touched(desk: Desk, die: Die):
    """Ours came to be and was deleted; a person's took its name, and was there before, by what the list tells."""
    declared = d.replace_create_first(desk)
    die(desk, AgeStore, "put")
    operate.revoke_key(desk.db, "acme", "bot.a7.g2")
    clock.freeze(desk.db, d.NOW - 600)
    seed.seed_website_key(desk.db, "acme", "bot.a7.g2", ["withdraw-funds"])
    desk.switch("list-coverage", "all")
    clock.freeze(desk.db, d.NOW)
    stranger = desk.rows()["bot.a7.g2"]
    assert _moves(desk) == [("bot.a7.g2", "unknown")]
    desk.applied()
    assert desk.rows()["bot.a7.g2"] == stranger
    assert sorted(map(str, desk.recorded().keys)) == sorted(declared)


def test_manifests_that_are_not_sound_promote_nothing_that_may_more_than_before(desk: Desk, die: Die):
    d.replace_create_first(desk)
    die(desk, AgeStore, "promote")
    sound = (desk.root / "manifests/all.yaml").read_text()
    (desk.root / "manifests/all.yaml").write_text("kind: Nonsense\n")
    ran = desk.run("recover", "-o", "json")
    assert (ran.code, ran.json["recovered"][0]["move"]) == (4, "wait")
    (desk.root / "manifests/all.yaml").write_text(sound)
    assert _recovered(desk) == [("bot.a7.g2", "promote", "done")]


WRITE_ONLY = {"type": "age", "path": "secrets", "recipientsFile": "recipients.txt"}  # a pipeline without an identity
READABLE = WRITE_ONLY | {"identity": "file:.krakenctl/identity.txt"}


def test_a_host_that_cannot_read_the_store_goes_by_the_journal(desk: Desk, die: Die):
    declared = d.replace_create_first(desk)
    strangers = desk.strangers()
    die(desk, SqlState, "advance", when=lambda *args: args[3].value == "checked")
    desk.settings(stores={"main": WRITE_ONLY})
    assert _recovered(desk) == [("bot.a7.g2", "promote", "done")]
    desk.settings(stores={"main": READABLE})
    desk.applied().check_promises(declared, strangers)


def test_what_such_a_host_cannot_know_waits_and_holds_up_nothing_else(desk: Desk, die: Die):
    declared = d.replace_create_first(desk)
    strangers = desk.strangers()
    die(desk, AgeStore, "put", after=True)
    desk.settings(stores={"main": WRITE_ONLY})
    desk.declare(d.account(), d.key("bot", "query-ledger"), d.key("view"), d.key("third"))
    ran = desk.apply("-o", "json")
    assert ran.code == 4
    assert {o["address"]: o["result"] for o in ran.json["outcomes"]} == {BOT: "blocked", "ApiKey/acme/third": "done"}
    assert "bot.a7.g2" in desk.ours()
    desk.settings(stores={"main": READABLE})
    desk.applied().check_promises([*declared, "ApiKey/acme/third"], strangers)


def test_an_account_that_cannot_be_reached_waits_and_others_are_recovered(desk: Desk, die: Die):
    desk.declare(d.account(), d.account("beta"), d.key("a"), d.key("b", on="beta"))
    assert desk.run("init").code == 0
    die(desk, AgeStore, "promote")
    second = desk.copy(desk.root.with_name("second"))
    (second.root / ".krakenctl/credentials/acme.json").write_text('{"access_token": "dead"}')
    ran = second.run("recover", "-o", "json")
    assert ran.code == 4
    [one] = ran.json["recovered"]
    assert (one["move"], one["result"]) == ("wait", "blocked")
    assert "cannot be seen" in one["message"]


# --- revoke-first: what has revoked a key goes on owing its successor


def _full() -> d.Doc:
    return d.account(limits={"keysPerAccount": 1})


def _replaced_without_room(desk: Desk) -> None:
    desk.declare(_full(), d.key("bot"))
    desk.applied().declare(_full(), d.key("bot", "query-ledger"))


def _brought_back(desk: Desk, command: str, name: str) -> None:
    assert desk.ours() == []
    ran = desk.run(command)
    assert ran.code == 0, ran.out + ran.err
    assert desk.ours() == [name]
    desk.check_promises([BOT], desk.strangers())


@pytest.mark.parametrize("command", ["recover", "tick"])
def test_a_refused_issue_after_the_old_key_was_revoked_is_not_forgotten(desk: Desk, command: str):
    _replaced_without_room(desk)
    desk.fault("error", error="EGeneral:Temporary lockout", endpoint="POST /oauth/fast-api-key", times="always")
    ran = desk.apply()
    assert ran.code == 4
    assert "bot.a7.g1 had been revoked already" in " ".join(ran.out.split())
    assert desk.run(command).code == 4, "nor after another no"
    desk.mend()
    _brought_back(desk, command, "bot.a7.g2")


@pytest.mark.parametrize("command", ["recover", "tick"])
def test_nor_is_one_whose_secret_could_not_be_stored(desk: Desk, monkeypatch: pytest.MonkeyPatch, command: str):
    _replaced_without_room(desk)
    with monkeypatch.context() as patch:
        patch.setattr(AgeStore, "put", _full_disk)
        assert desk.apply().code == 4
    _brought_back(desk, command, "bot.a7.g3")


def _full_disk(*_: Any) -> None:
    raise StoreError("No space left on device")


@pytest.mark.parametrize("command", ["recover", "tick"])
def test_nor_is_one_that_came_out_wrong(desk: Desk, command: str):
    desk.declare(d.account(), d.key("bot"))
    desk.applied().fault("misissue", add="withdraw-funds")
    ran = desk.run("rotate", BOT, "--compromised", "--yes")
    assert ran.code == 4
    assert "not touched" not in ran.out
    desk.mend()
    _brought_back(desk, command, "bot.a7.g3")


def test_nor_is_one_whose_run_died_before_it_took_it_back(desk: Desk, die: Die):
    desk.declare(_full(), d.key("bot"))
    desk.applied().declare(_full(), d.key("bot", "query-ledger"))
    desk.fault("misissue", add="withdraw-funds")
    die(desk, SqlState, "advance", when=lambda *args: len(args) > 4 and args[4] == "mismatch", after=True)
    desk.mend()
    assert _moves(desk) == [("bot.a7.g2", "issue")]
    assert desk.run("recover").code == 0
    assert desk.ours() == ["bot.a7.g3"]


def test_a_recovery_that_is_refused_goes_on_owing_it_too(desk: Desk, die: Die):
    d.replace_revoke_first(desk)
    die(desk, WsgiAdapter, "send", when=_sends("POST"))
    desk.fault("slots-full", times="always")
    assert desk.run("recover").code == 4
    assert desk.report()[BOT]["result"] == "blocked", "and nothing is planned upon it"
    desk.mend()
    assert desk.run("recover").code == 0
    assert "bot.a7.g3" in desk.ours()


# --- recovery that comes late, or finds another world


def test_a_key_that_expired_meanwhile_does_not_replace_one_that_works(desk: Desk, die: Die):
    desk.declare(d.account(), d.key("bot"))
    desk.applied().declare(d.account(), d.key("bot", "query-ledger", validFor="2d"))
    die(desk, AgeStore, "promote")
    desk.advance(3 * d.DAY)
    assert _recovered(desk) == [("bot.a7.g2", "revoke", "done")]
    assert desk.signs(desk.entry("acme/bot"))


def test_a_grant_that_the_manifest_has_taken_back_is_not_handed_out(desk: Desk, die: Die):
    desk.declare(d.account(), d.key("bot"))
    desk.applied().declare(d.account(), d.key("bot", "query-funds", "withdraw-funds"))
    die(desk, AgeStore, "promote")
    desk.declare(d.account(), d.key("bot"))
    assert desk.run("tick").code == 0
    assert desk.ours() == ["bot.a7.g1"]
    desk.check_promises([BOT], desk.strangers())


def test_a_host_that_cannot_tell_whose_key_it_is_leaves_that_to_one_that_can(desk: Desk, die: Die):
    desk.switch("created-time", "absent")
    d.replace_create_first(desk)
    die(desk, SqlState, "promote")
    desk.settings(stores={"main": WRITE_ONLY})
    assert _moves(desk) == [("bot.a7.g2", "wait")]
    assert desk.run("recover").code == 4
    desk.settings(stores={"main": READABLE})
    assert _recovered(desk) == [("bot.a7.g2", "promote", "done")]


def test_a_secret_is_kept_although_the_state_has_gone_between_issue_and_store(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    desk.declare(_full(), d.key("bot"))
    desk.applied().declare(_full(), d.key("bot", "query-ledger"))
    with monkeypatch.context() as patch:
        real = Connect.issue

        def issue(*args: Any) -> Any:
            issued = real(*args)
            patch.setattr(SqlState, "check", _gone)
            return issued

        patch.setattr(Connect, "issue", issue)
        desk.apply()
    assert desk.entry("acme/bot", Slot.PENDING)
    assert _moves(desk) == [("bot.a7.g2", "promote")]
    desk.applied().check_promises([BOT], desk.strangers())


def _gone(*_: Any) -> None:
    raise StateError("the connection broke")


def test_a_burned_name_of_an_account_that_is_gone_holds_up_no_run_and_ends_with_its_expiry(desk: Desk):
    beta = d.account("beta")
    desk.declare(d.account(), beta, d.key("b", on="beta"))
    assert desk.run("init").code == 0
    desk.fault("cut", endpoint="POST /oauth/fast-api-key")
    desk.apply()
    desk.mend()
    assert desk.run("recover").code == 0
    desk.declare(d.account(), d.key("bot"))
    (desk.root / ".krakenctl/credentials/beta.json").unlink()
    desk.applied()
    ran = desk.run("plan", "--detailed-exitcode", "-o", "json")
    assert ran.code == 0
    assert [finding["address"] for finding in ran.json["findings"]] == ["ApiKey/beta/b"]
    desk.advance(181 * d.DAY)
    desk.run("recover")
    assert desk.recorded().intents == ()


# --- a sub-account whose request may have been sent


def _requested_in_vain(desk: Desk, wire: Wire) -> None:
    desk.declare(d.account(), d.subaccount("mm"))
    wire.clear()
    desk.copy(desk.root.with_name("rehearsal")).apply()
    number = wire.calls.index("request")
    wire.clear()
    wire.faults[number] = d.lost_before
    assert desk.apply().code == 1
    wire.clear()


def test_a_request_that_may_have_been_heard_is_a_question_to_a_person(desk: Desk, wire: Wire):
    _requested_in_vain(desk, wire)
    assert desk.run("recover", "--dry-run").code == 8
    ran = desk.run("recover", "-o", "json")
    assert (ran.code, ran.json["recovered"][0]["move"]) == (8, "ask")
    assert "--absent SubAccount/mm" in ran.json["recovered"][0]["message"]
    assert desk.changes() == {"SubAccount/mm": "blocked"}


def test_a_person_who_finds_it_absent_lets_the_next_plan_request_it(desk: Desk, wire: Wire):
    _requested_in_vain(desk, wire)
    ran = desk.run("recover", "--absent", "SubAccount/mm")
    assert (ran.code, ran.err) == (0, "SubAccount/mm: noted: not there; the next plan requests it again\n")
    assert desk.changes() == {"SubAccount/mm": "create"}
    desk.apply()
    assert "u-mm" in desk.usernames()


def test_a_person_who_finds_it_there_ends_the_question(desk: Desk, wire: Wire):
    _requested_in_vain(desk, wire)
    ran = desk.run("recover", "--exists", "SubAccount/mm")
    assert (ran.code, ran.err) == (0, "SubAccount/mm: noted: it exists; its owner has still to set it up\n")
    assert _moves(desk) == []
    assert desk.changes() == {"SubAccount/mm": "blocked"}


def test_two_answers_to_one_question_are_refused_and_neither_counts(desk: Desk, wire: Wire):
    _requested_in_vain(desk, wire)
    ran = desk.run("recover", "--exists", "SubAccount/mm", "--absent", "SubAccount/mm")
    assert ran.code == 64
    assert "cannot be both there and not there" in ran.err
    assert [move for _, move in _moves(desk)] == ["ask"]


@pytest.mark.parametrize("address", ["SubAccount/other", BOT, "nonsense"])
def test_an_answer_that_nobody_asked_for_is_refused(desk: Desk, address: str):
    d.create(desk)
    desk.applied()
    assert desk.run("recover", "--exists", address).code == 64


@pytest.mark.parametrize("flag", ["--exists", "--absent"])
def test_the_sub_account_that_was_meant_is_named(desk: Desk, flag: str):
    desk.declare(d.account(), d.subaccount("mm"))
    assert "did you mean SubAccount/mm?" in desk.run("recover", flag, "mm").err


def test_ctrl_c_while_a_name_is_looked_for_stops_the_run_although_there_is_nothing_to_tell(desk: Desk, wire: Wire):
    desk.declare(d.account(), d.key("bot"))
    desk.fault("cut", endpoint="POST /oauth/fast-api-key")
    assert desk.apply().code == 1
    assert desk.run("recover").code == 0
    assert [intent.stage for intent in desk.recorded().intents] == [Stage.LOST]
    wire.before = lambda word: os.kill(os.getpid(), signal.SIGINT) if word == "list" else None
    ran = desk.apply("-o", "json")
    assert (ran.code, ran.json["outcomes"], desk.ours()) == (130, [], [])


def test_with_nothing_left_recover_calls_nobody(desk: Desk, wire: Wire):
    d.create(desk)
    desk.applied()
    wire.clear()
    ran = desk.run("recover")
    assert (ran.code, wire.deeds()) == (0, [])
    assert "Nothing was left" in ran.out
