"""Every call of a run fails once, in every way; afterwards ordinary runs bring back every promise."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

import desk as d
from desk import Desk, Fault, Scene, Wire
from krakenctl.sandbox.people import seed
from krakenctl.stores.base import Slot

FAULTS: dict[str, Fault] = {
    "the answer is lost after the deed": d.lost_after,
    "the answer is lost before the deed": d.lost_before,
    "a server error": d.server_error,
    "an HTML page": d.html,
    "no connection": d.refused,
    "a lockout": d.error_string("EGeneral:Temporary lockout"),
}
SCENES = (
    d.create,
    d.create_for_anywhere,
    d.replace_create_first,
    d.replace_revoke_first,
    d.replace_with_overlap,
    d.edit_in_place,
    d.revoke,
)

FULL = (d.create, d.replace_create_first, d.replace_revoke_first)  # every fault; the others: an answer lost


@pytest.fixture(scope="module")
def prepared(_fresh: Desk, tmp_path_factory: pytest.TempPathFactory) -> dict[Scene, tuple[Desk, list[str]]]:
    with pytest.MonkeyPatch.context() as patch:
        d.stop_time(patch)
        folder = tmp_path_factory.mktemp("scenes")
        made = {scene: _fresh.copy(folder / scene.__name__) for scene in SCENES}
        for desk in made.values():
            seed.seed_website_key(desk.db, "acme", "by hand", ["withdraw-funds"])
        return {scene: (desk, scene(desk)) for scene, desk in made.items()}


@pytest.mark.parametrize(
    ("scene", "fault"),
    [
        pytest.param(scene, fault, id=f"{scene.__name__}-{fault}")
        for scene in SCENES
        for fault in (FAULTS if scene in FULL else [*FAULTS][:2])
    ],
)
def test_whatever_call_fails_ordinary_runs_bring_back_every_promise(
    prepared: dict[Scene, tuple[Desk, list[str]]], scene: Scene, fault: str, tmp_path: Path, wire: Wire
):
    template, declared = prepared[scene]
    untouched = template.standing()
    template.copy(tmp_path / "clean").applied()
    calls = len(wire.calls)
    assert calls > 4
    for number in range(calls):
        desk = template.copy(tmp_path / str(number))
        strangers = desk.strangers()
        wire.clear()
        wire.faults[number] = FAULTS[fault]
        ran = desk.apply()
        failed = (1, 4, 8) if fault == "a lockout" else (1, 4)  # 8: the account was blocked before anything was begun
        assert ran.code in (0, *failed), ran.err
        wire.clear()
        if desk.standing() == untouched:  # then the next run is an ordinary one
            assert ran.code in failed
            continue
        if scene is not d.replace_revoke_first and "bot.a7.g1" in template.ours() and d._BOT in declared:
            assert desk.signs(desk.entry("acme/bot")) is not None, "the consumer always has a working key"
        _nothing_lost(desk)
        d.recover(desk)
        desk.check_promises(declared, strangers)


def _nothing_lost(desk: Desk) -> None:
    """Every live key of ours has its secret in a slot, or its name is journalled, so that the next run revokes it."""
    held = {entry.live_name for slot in Slot if (entry := desk.entry("acme/bot", slot))}
    held |= {entry.live_name for slot in Slot if (entry := desk.entry("acme/view", slot))}
    journalled = {intent.live_name for intent in desk.recorded().intents}
    assert set(desk.ours()) <= held | journalled


def test_a_create_whose_answer_was_lost_is_never_repeated_under_its_name(desk: Desk, wire: Wire):
    declared = d.create(desk)
    strangers = desk.strangers()
    desk.plan()
    wire.faults[_number(desk, wire, "issue")] = d.lost_after
    ran = desk.apply()
    assert ran.code == 1
    assert "burned" in ran.out
    assert wire.calls.count("issue bot.a7.g1") == 1
    plan = desk.plan()
    assert [(one["name"], one["move"]) for one in plan["recovery"]] == [("bot.a7.g1", "revoke")]
    assert [(change["action"], change["new"]["name"]) for change in plan["changes"]] == [("create", "bot.a7.g2")]
    wire.clear()
    desk.applied()
    deeds = [deed for deed in wire.deeds() if deed != "list"]
    assert deeds == ["revoke bot.a7.g1", "issue bot.a7.g2"]
    desk.check_promises(declared, strangers)


def test_a_create_whose_answer_the_sandbox_loses_is_found_and_replaced_by_the_next_run(desk: Desk):
    declared = d.create(desk)
    strangers = desk.strangers()
    desk.fault("answer-lost", endpoint="POST /oauth/fast-api-key")
    assert desk.apply().code == 1
    desk.applied()
    assert desk.ours() == ["bot.a7.g2"]
    desk.check_promises(declared, strangers)


def test_a_create_that_happens_only_after_it_was_given_up_is_revoked_then(desk: Desk):
    declared = d.create(desk)
    strangers = desk.strangers()
    desk.fault("late-deed", endpoint="POST /oauth/fast-api-key", seconds=600)
    assert desk.apply().code == 1
    desk.applied()
    desk.advance(600)
    assert [(one["name"], one["move"]) for one in desk.plan()["recovery"]] == [("bot.a7.g1", "revoke")]
    assert desk.changes() == {}
    desk.applied()
    desk.check_promises(declared, strangers)


def test_a_lost_create_that_shows_up_late_is_revoked_then(desk: Desk, wire: Wire):
    declared = d.create(desk)
    strangers = desk.strangers()
    wire.faults[_number(desk, wire, "issue")] = d.lost_before
    assert desk.apply().code == 1
    wire.clear()
    desk.applied()
    assert desk.ours() == ["bot.a7.g2"]
    _show_up(desk, "bot.a7.g1")
    assert [(one["name"], one["move"]) for one in desk.plan()["recovery"]] == [("bot.a7.g1", "revoke")]
    assert desk.changes() == {}
    desk.applied()
    desk.check_promises(declared, strangers)


def test_after_a_lockout_the_account_is_not_called_again_and_other_accounts_go_on(desk: Desk, wire: Wire):
    _two_accounts(desk)
    wire.faults[_number(desk, wire, "issue")] = d.error_string("EGeneral:Temporary lockout")
    ran = desk.apply("-o", "json")
    assert ran.code == 4
    after = wire.deeds()[wire.deeds().index("issue a.a7.g1") + 1 :]
    assert [deed for deed in after if deed.startswith("issue")] == ["issue c.a7.g1"]
    results = {o["address"]: o["result"] for o in ran.json["outcomes"]}
    assert results == {"ApiKey/acme/a": "failed", "ApiKey/acme/b": "skipped", "ApiKey/beta/c": "done"}
    assert after == ["list", "issue c.a7.g1", "list"]
    desk.applied()


def test_a_lockout_while_a_new_key_is_asked_ends_the_accounts_run_and_loses_nothing(desk: Desk, wire: Wire):
    desk.declare(d.account(keyDefaults={"ipAllowlist": "any"}), *(d.key(name) for name in "abc"))
    wire.faults[_number(desk, wire, "inspect")] = d.error_string("EGeneral:Temporary lockout")
    ran = desk.apply("-o", "json")
    assert wire.calls.count("inspect") == 1
    assert [outcome["result"] for outcome in ran.json["outcomes"]] == ["done"] * 3
    assert [outcome["verdict"] for outcome in ran.json["outcomes"]] == ["listed"] * 3


@pytest.mark.parametrize("wrong", [{"add": "withdraw-funds"}, {"drop": "query-ledger"}])
def test_a_key_issued_differently_is_revoked_at_once_and_the_one_in_use_is_untouched(desk: Desk, wrong: dict[str, str]):
    declared = d.replace_create_first(desk)
    strangers, old = desk.strangers(), desk.entry("acme/bot")
    desk.fault("misissue", times="always", **wrong)
    outcome = desk.report()["ApiKey/acme/bot"]
    assert (outcome["result"], outcome["code"]) == ("failed", "key-mismatch")
    assert desk.entry("acme/bot").same_key(old)
    assert desk.signs(old) is not None
    assert "bot.a7.g2" not in desk.ours()
    assert desk.slots() == ["acme/bot/current", "acme/view/current"]
    desk.mend()
    desk.applied()
    desk.check_promises(declared, strangers)


def test_no_key_is_issued_for_a_store_that_cannot_be_written(desk: Desk, wire: Wire):
    d.create(desk)
    (desk.root / "secrets").write_text("a file where the folder should be")
    ran = desk.apply()
    assert ran.code == 1
    assert "no key was issued" in ran.out.replace("\n    ", " ")
    assert not [call for call in wire.calls if call.startswith("issue")]


def test_a_store_that_fails_after_the_issue_takes_the_new_key_back(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    from krakenctl.errors import StoreError
    from krakenctl.stores.age import AgeStore

    declared = d.replace_create_first(desk)
    strangers, old = desk.strangers(), desk.entry("acme/bot")

    def full(*_: object) -> None:
        raise StoreError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(AgeStore, "put", full)
        outcome = desk.report()["ApiKey/acme/bot"]
    assert outcome["code"] == "store"
    assert "revoked at once" in outcome["message"]
    assert desk.ours() == ["bot.a7.g1", "view.a7.g1"]
    assert desk.entry("acme/bot").same_key(old)
    desk.applied()
    desk.check_promises(declared, strangers)


def test_a_dead_token_is_an_error_that_changes_nothing(desk: Desk):
    d.create(desk)
    token = desk.root / ".krakenctl/credentials/acme.json"
    token.write_text('{"access_token": "dead"}')
    ran = desk.apply("-o", "json")
    assert (ran.code, ran.json["error"]["code"]) == (1, "exchange-not-authorised")
    assert (desk.ours(), desk.slots()) == ([], [])


def test_a_token_that_dies_between_plan_and_apply_ends_that_account_and_no_other(desk: Desk, wire: Wire):
    _two_accounts(desk)

    def die(request, deed):
        return d.answer(request, 401, b"")

    wire.faults[_number(desk, wire, "list", nth=2)] = die
    ran = desk.apply("-o", "json")
    results = {o["address"]: o["result"] for o in ran.json["outcomes"]}
    assert results == {"ApiKey/acme/a": "failed", "ApiKey/acme/b": "failed", "ApiKey/beta/c": "done"}
    assert ran.code == 4


def test_a_promotion_that_was_not_recorded_is_undone_when_its_key_may_too_much_by_now(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, wire: Wire
):
    """The old key is what consumers read again, before the new one is revoked."""
    from krakenctl.errors import StateError
    from krakenctl.state.sql import SqlState

    declared = d.replace_create_first(desk)
    strangers, old = desk.strangers(), desk.entry("acme/bot")

    def full(*_: object, **__: object) -> None:
        raise StateError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(SqlState, "promote", full)
        assert desk.apply().code == 4
    assert desk.entry("acme/bot").live_name == "bot.a7.g2"
    desk.declare(d.account(permissions={"deny": ["query-ledger"]}), d.key("bot"), d.key("view"))
    wire.before = lambda word: word != "revoke bot.a7.g2" or current.append(desk.entry("acme/bot"))
    current: list = []
    desk.applied()
    assert current[0].same_key(old)
    assert desk.entry("acme/bot").same_key(old)
    desk.check_promises(declared, strangers)


def test_ctrl_c_between_two_revokes_leaves_the_rest_alone(desk: Desk, wire: Wire):
    desk.declare(d.account(), *(d.key(name) for name in "abcd"))
    desk.applied()
    desk.declare(d.account(), d.key("d"))
    wire.before = lambda word: signal.raise_signal(signal.SIGINT) if word == "revoke b.a7.g1" else None
    ran = desk.apply("-o", "json")
    assert ran.code == 130
    assert [outcome["result"] for outcome in ran.json["outcomes"]] == ["done", "done", "skipped"]
    assert desk.ours() == ["c.a7.g1", "d.a7.g1"]


def test_ctrl_c_at_once_does_nothing_and_says_so(desk: Desk, wire: Wire, monkeypatch: pytest.MonkeyPatch):
    desk.declare(d.account(), d.subaccount("mm"), d.key("bot", on="mm"), d.key("own"))
    monkeypatch.setattr("krakenctl.cli.interrupt.Interrupt.seen", lambda _: True)
    monkeypatch.setattr("krakenctl.cli.carry_out._recover", lambda *_: ((), False))  # it comes after that
    ran = desk.apply("-o", "json")
    assert ran.code == 130
    assert {outcome["result"] for outcome in ran.json["outcomes"]} == {"skipped"}
    assert not {"request", "issue own.a7.g1"} & set(wire.calls)


def _two_accounts(desk: Desk) -> None:
    desk.declare(d.account(), d.account("beta"), d.key("a"), d.key("b"), d.key("c", on="beta"))
    assert desk.run("init").code == 0


def _number(desk: Desk, wire: Wire, word: str, nth: int = 0) -> int:
    """Which call of an apply is the n-th of that word; found out on a copy."""
    wire.clear()
    desk.copy(desk.root.with_name(f"rehearsal-{word}")).apply()
    found = [number for number, call in enumerate(wire.calls) if call.split()[0] == word]
    wire.clear()
    return found[nth]


def _show_up(desk: Desk, name: str) -> None:
    """The create that nobody saw happen, as if Kraken had been slow."""
    from krakenctl.sandbox import accounts, keys, open_sandbox
    from krakenctl.sandbox.connect import clients
    from krakenctl.sandbox.context import read_context

    sandbox = open_sandbox(desk.db)
    try:
        with sandbox.database.write() as connection:
            context = read_context(connection)
            account = accounts.known(connection, "acme")
            keys.insert(connection, account.id, clients.DEFAULT, context.second, keys.KeyWish(name, frozenset()))
    finally:
        sandbox.close()
