"""The kill switch on keys that were renamed, in manifests or by a person."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from switch import BOT, REVOKE, fates, live, no_manifests, no_state, revoke

import desk as d
from desk import Desk
from holder import at, go_on
from krakenctl.model.address import Address
from krakenctl.model.containment import KeyFate
from krakenctl.sandbox.people import seed
from krakenctl.state.sqlite import SqliteHome
from krakenctl.tasks.containment.sweep import Sweep
from terminal import on_a_terminal

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


def test_a_key_that_a_dead_run_had_stored_and_that_was_renamed_since_is_not_promoted(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    """Its new address was contained by somebody who had heard of no other."""
    desk.declare(d.account(), d.key("view"), d.subaccount("mm"), d.key("bot", on="mm"))
    desk.applied().declare(d.account(), d.key("late"), d.key("view"), d.subaccount("mm"), d.key("bot", on="mm"))
    with at(desk, "list:4", "kill") as running:
        running.wait()
    assert [intent.live_name for intent in desk.recorded().intents] == ["late.a7.g1"]
    moved = d.key("moved", metadata={"formerly": ["ApiKey/acme/late"]}, secret={"path": "acme/late"})
    desk.declare(d.account(), moved, d.key("view"), d.subaccount("mm"), d.key("bot", on="mm"))
    with monkeypatch.context() as patch:
        unheard_of(patch)
        revoke(desk, NEW)
    desk.run("recover")
    assert desk.recorded().keys.keys() == {Address.parse("ApiKey/acme/view"), Address.parse("ApiKey/mm/bot")}


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
