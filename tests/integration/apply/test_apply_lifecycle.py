"""What apply does to one account when nothing goes wrong: made, changed, replaced, retired, revoked, renamed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from desk import DAY, HOME, NOW, Desk, Wire, account, key, make_desk, removed
from krakenctl.sandbox import clock
from krakenctl.sandbox.people import seed
from krakenctl.stores.base import Slot
from krakenctl.wiring import embedded

BOT, VIEW = "ApiKey/acme/bot", "ApiKey/acme/view"


def test_the_first_apply_makes_every_declared_key_and_then_there_is_nothing_to_do(desk: Desk):
    strangers = desk.strangers()
    desk.declare(account(), key("bot", "query-funds", "modify-trades"), key("view"))
    assert desk.changes() == {BOT: "create", VIEW: "create"}
    assert desk.apply().code == 0
    assert desk.ours() == ["bot.a7.g1", "view.a7.g1"]
    desk.check_promises([BOT, VIEW], strangers)
    again = desk.apply()
    assert (again.code, "No changes" in again.out) == (0, True)


def test_two_plans_of_an_unchanged_world_are_the_same_bytes(desk: Desk):
    desk.declare(account(), key("bot"), key("view"))
    first, second = (desk.run("plan", "-o", "json").out for _ in range(2))
    assert first == second
    desk.applied()
    assert desk.run("plan", "-o", "json").out == desk.run("plan", "-o", "json").out


def test_a_changed_grant_replaces_that_key_alone_and_the_new_one_is_there_before_the_old_one_goes(
    desk: Desk, wire: Wire
):
    desk.declare(account(), key("bot"), key("view"))
    desk.applied()
    old, view = desk.entry("acme/bot"), desk.rows()["view.a7.g1"]
    desk.declare(account(), key("bot", "query-funds", "query-ledger"), key("view"))
    assert desk.changes() == {BOT: "replace"}
    wire.clear()
    seen: list[object] = []

    def look(word: str) -> None:
        if word.startswith("revoke"):  # the old key still lives: so must its secret
            seen.append((desk.entry("acme/bot"), desk.entry("acme/bot", Slot.PREVIOUS)))

    wire.before = look
    desk.applied()
    deeds = wire.deeds()
    assert deeds[-4:] == ["issue bot.a7.g2", "list", "list", "revoke bot.a7.g1"]
    [(current, previous)] = seen
    assert (current.live_name, previous.live_name, previous.secret) == ("bot.a7.g2", "bot.a7.g1", old.secret)
    assert desk.entry("acme/bot", Slot.PREVIOUS) is None
    assert desk.signs(desk.entry("acme/bot")).name == "bot.a7.g2"
    assert desk.signs(old) is None
    assert desk.rows()["view.a7.g1"] == view


@pytest.mark.parametrize(
    "spec",
    [
        {"ipAllowlist": [HOME, "198.51.100.0/28"]},
        {"validFor": "170d"},
        {"nonceWindow": 5000},
        {"queryWindow": {"from": "2025-01-01"}},
    ],
    ids=lambda spec: next(iter(spec)),
)
def test_an_edit_in_place_keeps_key_and_secret(desk: Desk, wire: Wire, spec: dict[str, object]):
    desk.declare(account(), key("bot"))
    desk.applied()
    before, strangers = desk.entry("acme/bot"), desk.strangers()
    desk.declare(account(), key("bot", **spec))
    assert desk.changes() == {BOT: "update"}
    wire.clear()
    desk.applied()
    assert [deed for deed in wire.deeds() if deed != "list"] == ["update bot.a7.g1"]
    assert desk.entry("acme/bot").same_key(before)
    desk.check_promises([BOT], strangers)


def test_an_allow_list_in_any_order_is_issued_and_then_in_order(desk: Desk):
    desk.declare(account(), key("bot", ipAllowlist=["99.0.0.1", HOME, "9.0.0.0/8", "10.0.0.1", "2001:db8::1"]))
    desk.applied()
    assert desk.changes() == {}


def test_an_overlap_ends_by_itself_on_the_exchange_and_is_cleared_by_the_next_run(desk: Desk):
    rotation = {"overlap": "24h"}
    desk.declare(account(), key("bot", rotation=rotation))
    desk.applied()
    old = desk.entry("acme/bot")
    desk.declare(account(), key("bot", rotation=rotation | {"trigger": "leak drill"}))
    desk.applied()
    assert desk.rows()["bot.a7.g1"].valid_until == NOW + DAY
    assert desk.signs(old) is not None
    assert desk.entry("acme/bot", Slot.PREVIOUS).same_key(old)
    plan = desk.plan()
    assert plan["changes"] == []
    assert [overlap["name"] for overlap in plan["overlaps"]] == ["bot.a7.g1"]
    assert desk.run("plan", "--detailed-exitcode").code == 0
    desk.advance(DAY + 1)
    assert desk.signs(old) is None
    assert desk.changes() == {BOT: "revoke"}
    desk.applied()
    assert (desk.ours(), desk.slots(), desk.recorded().retired) == (["bot.a7.g2"], ["acme/bot/current"], ())


def test_a_retired_key_that_a_person_deletes_is_forgotten_with_its_secret(desk: Desk):
    desk.declare(account(), key("bot", rotation={"overlap": "24h"}))
    desk.applied()
    desk.declare(account(), key("bot", rotation={"overlap": "24h", "trigger": "2"}))
    desk.applied()
    seed.delete_key(desk.db, "acme", "bot.a7.g1")
    desk.advance(DAY + 1)
    desk.applied()
    assert (desk.ours(), desk.slots(), desk.recorded().retired) == (["bot.a7.g2"], ["acme/bot/current"], ())


def test_where_there_is_no_room_for_a_second_key_the_old_one_goes_first_and_the_plan_says_gap(desk: Desk, wire: Wire):
    desk.declare(account(limits={"keysPerAccount": 1}), key("bot"))
    desk.applied()
    strangers = desk.strangers()
    desk.declare(account(limits={"keysPerAccount": 1}), key("bot", "query-ledger"))
    [change] = desk.plan()["changes"]
    assert (change["strategy"], change["gap"]) == ("revoke-first", True)
    assert "gap" in desk.run("plan").out.lower()
    wire.clear()
    desk.applied()
    assert [d for d in wire.deeds() if d != "list"] == ["revoke bot.a7.g1", "issue bot.a7.g2"]
    desk.check_promises([BOT], strangers)


def test_more_keys_than_the_account_declares_room_for_are_made_in_waves(desk: Desk, wire: Wire):
    limits = {"keysPerAccount": 4}
    names = ("a", "b", "c")
    desk.declare(account(limits=limits), *(key(name) for name in names))
    desk.applied()
    desk.declare(account(limits=limits), *(key(name, "query-ledger") for name in names))
    wire.clear()
    desk.applied()
    deeds = [deed for deed in wire.deeds() if deed != "list"]
    pairs = [("issue", "revoke")] * 3
    assert [deed.split()[0] for deed in deeds] == [word for pair in pairs for word in pair]


def test_an_undeclared_limit_is_found_out_and_what_finds_no_room_says_so(desk: Desk):
    desk.switch("keys-per-account", "2")  # the account's own website key is one
    desk.declare(account(), key("a"), key("b"))
    ran = desk.apply("-o", "json")
    assert ran.code == 4
    outcomes = {outcome["address"]: outcome["result"] for outcome in ran.json["outcomes"]}
    assert outcomes == {"ApiKey/acme/a": "done", "ApiKey/acme/b": "failed"}
    assert ran.json["outcomes"][1]["code"] == "exchange-too-many-keys"
    assert desk.slots() == ["acme/a/current"]
    desk.switch("keys-per-account", "none")
    desk.applied()
    assert len(desk.ours()) == 2


def test_a_key_that_is_no_longer_declared_is_revoked_and_its_secret_goes_too(desk: Desk):
    desk.declare(account(), key("bot"), key("view"))
    desk.applied()
    desk.declare(account(), key("view"))
    assert desk.changes() == {BOT: "revoke"}
    desk.applied()
    assert (desk.ours(), desk.slots()) == (["view.a7.g1"], ["acme/view/current"])


def test_removed_with_forget_leaves_the_key_alive_and_its_secret_where_it_is(desk: Desk):
    desk.declare(account(), key("bot"), key("view"))
    desk.applied()
    bot = desk.entry("acme/bot")
    desk.declare(account(), key("view"), removed(BOT, "forget"))
    assert desk.changes() == {BOT: "forget"}
    desk.applied()
    assert desk.signs(bot).name == "bot.a7.g1"
    assert desk.changes() == {}
    assert [(given.live_name, given.created) for given in desk.recorded().given] == [("bot.a7.g1", bot.created)]
    desk.declare(account(), key("view"))
    assert [finding["rule"] for finding in desk.plan()["findings"]] == ["unmanaged-key"]
    assert "bot.a7.g1  handed over" in desk.run("state", "list").out
    assert "handedOver[0].liveName: bot.a7.g1" in desk.run("state", "show", BOT).out


def test_a_protected_key_is_not_revoked_by_leaving_it_out(desk: Desk):
    desk.declare(account(), key("bot", protect=True), key("view"))
    desk.applied()
    desk.declare(account(), key("view"))
    assert desk.changes() == {BOT: "revoke"}
    assert desk.apply().code == 7
    assert desk.ours() == ["bot.a7.g1", "view.a7.g1"]
    assert desk.apply("--allow", "protected").code == 0
    assert desk.ours() == ["view.a7.g1"]


def test_a_new_name_in_the_manifest_does_not_touch_the_key(desk: Desk, wire: Wire):
    kept = {"store": "main", "path": "bots/one"}
    desk.declare(account(), key("bot", secret=kept))
    desk.applied()
    before = desk.entry("bots/one")
    desk.declare(account(), key("maker", secret=kept, metadata={"formerly": ["bot"]}))
    wire.clear()
    desk.applied()
    assert set(wire.deeds()) == {"list"}
    assert desk.entry("bots/one").same_key(before)
    assert list(map(str, desk.recorded().keys)) == ["ApiKey/acme/maker"]
    assert desk.changes() == {}


def test_another_key_may_take_over_a_path_in_the_run_that_revokes_its_owner(desk: Desk):
    kept = {"store": "main", "path": "bots/one"}
    desk.declare(account(), key("bot", secret=kept))
    desk.applied()
    strangers = desk.strangers()
    desk.declare(account(), key("maker", secret=kept))  # no `formerly`: one goes, the other comes
    desk.applied()
    desk.check_promises(["ApiKey/acme/maker"], strangers)
    assert desk.slots() == ["bots/one/current"]


def test_two_keys_may_swap_their_places_in_the_store(desk: Desk):
    one, two = {"store": "main", "path": "one"}, {"store": "main", "path": "two"}
    desk.declare(account(), key("a", secret=one), key("b", secret=two))
    desk.applied()
    strangers = desk.strangers()
    desk.declare(account(), key("a", secret=two), key("b", secret=one))
    desk.applied()
    desk.check_promises(["ApiKey/acme/a", "ApiKey/acme/b"], strangers)
    assert desk.slots() == ["one/current", "two/current"]


def test_valid_until_ends_the_grant_for_good(desk: Desk):
    desk.declare(account(keyDefaults={"ipAllowlist": [HOME]}), key("bot", validUntil="2027-01-20T00:00:00Z"), key("v"))
    desk.applied()
    desk.advance(10 * DAY)
    assert desk.changes() == {BOT: "revoke"}
    desk.applied()
    assert desk.ours() == ["v.a7.g1"]
    assert desk.changes() == {}


def test_an_expired_key_is_rotated(desk: Desk):
    desk.declare(account(), key("bot", validFor="30d"))
    desk.applied()
    desk.advance(31 * DAY)
    assert desk.changes() == {BOT: "rotate"}
    desk.applied()
    assert desk.ours() == ["bot.a7.g2"]
    assert desk.signs(desk.entry("acme/bot")).spec.valid_until == NOW + 61 * DAY


def test_a_key_that_comes_of_age_is_due_then_and_not_before(desk: Desk):
    desk.declare(account(), key("bot", rotation={"maxAge": "90d", "jitter": "1s"}))
    desk.applied()
    assert desk.changes("--as-of", "2027-04-06T07:59:59Z") == {}
    assert desk.changes("--as-of", "2027-04-06T08:00:00Z") == {BOT: "rotate"}
    desk.advance(90 * DAY)
    desk.applied()
    assert desk.changes() == {}


def test_a_key_deleted_by_a_person_is_made_again(desk: Desk):
    desk.declare(account(), key("bot"))
    desk.applied()
    strangers = desk.strangers()
    seed.delete_key(desk.db, "acme", "bot.a7.g1")
    assert desk.changes() == {BOT: "create"}
    desk.applied()
    desk.check_promises([BOT], strangers)


@pytest.mark.parametrize(
    ("edit", "action"),
    [
        ({"permissions": ["query-funds", "withdraw-funds"]}, "replace"),
        ({"permissions": ["query-funds", "create-ws-token"]}, "replace"),
        ({"ip_allowlist": []}, "update"),
        ({"valid_until": 0}, "update"),
    ],
    ids=["a right more", "a right that Connect cannot name", "open to the world", "without an end"],
)
def test_a_key_edited_by_a_person_is_put_right(desk: Desk, edit: dict[str, object], action: str):
    desk.declare(account(), key("bot"))
    desk.applied()
    strangers = desk.strangers()
    seed.edit_key(desk.db, "acme", "bot.a7.g1", **edit)
    assert desk.changes() == {BOT: action}
    desk.applied()
    desk.check_promises([BOT], strangers)


def test_a_key_renamed_by_a_person_is_made_again_and_the_renamed_one_is_left_alone(desk: Desk):
    desk.declare(account(), key("bot"))
    desk.applied()
    seed.rename_key(desk.db, "acme", "bot.a7.g1", "mine now")
    desk.applied()
    assert desk.ours() == ["mine now", "bot.a7.g2"]
    plan = desk.plan()
    assert plan["changes"] == []
    assert [finding["rule"] for finding in plan["findings"]] == ["unmanaged-key"]


def test_a_stranger_who_takes_the_name_of_a_deleted_key_is_not_touched(desk: Desk):
    desk.declare(account(), key("bot"))
    desk.applied()
    desk.advance(60)
    seed.delete_key(desk.db, "acme", "bot.a7.g1")
    seed.seed_website_key(desk.db, "acme", "bot.a7.g1", ["query-funds"])
    desk.switch("list-coverage", "all")
    strangers = {name: row for name, row in desk.rows().items() if not row.client}
    desk.declare(account())
    ran = desk.apply()
    assert ran.code in (0, 7)
    assert desk.rows() == strangers


@pytest.mark.parametrize("coverage", ["own-client", "fast", "all"])
def test_strangers_are_reported_at_most_and_never_touched(desk: Desk, coverage: str):
    desk.switch("list-coverage", coverage)
    desk.declare(account(), key("bot"))
    desk.applied()
    clock.freeze(desk.db, NOW - 60)  # before ours: a later one with our tag might be ours, forgotten by the state
    seed.seed_website_key(desk.db, "acme", "by hand", ["withdraw-funds"])
    seed.seed_website_key(desk.db, "acme", "bot.a7.g7", ["query-funds"])
    clock.freeze(desk.db, NOW)
    strangers = desk.strangers()
    desk.declare(account(), key("bot", "query-ledger"))
    desk.applied()
    desk.check_promises([BOT], strangers)


def test_two_workspaces_with_different_tags_on_one_account_leave_each_other_alone(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    other = make_desk(tmp_path / "other", tag="b2")
    for part in ("credentials/acme.json", "credentials/acme.key.json"):
        shutil.copy(desk.root / ".krakenctl" / part, other.root / ".krakenctl" / part)
    monkeypatch.setattr(embedded, "DATABASE", str(desk.db))
    for one in (desk, other):
        one.declare(account(), key("bot"))
        one.applied()
    desk.declare(account(), key("bot", "query-ledger"))
    desk.applied()
    assert desk.ours() == ["bot.b2.g1", "bot.a7.g2"]
    other.declare(account(), key("view"))
    other.applied()
    assert desk.ours() == ["bot.a7.g2", "view.b2.g1"]
    assert (desk.changes(), other.changes()) == ({}, {})


def test_a_key_for_anywhere_is_asked_about_itself_before_anybody_gets_it(desk: Desk, wire: Wire):
    desk.declare(account(keyDefaults={"ipAllowlist": "any"}), key("bot"))
    assert desk.report()[BOT]["verdict"] == "verified"
    assert wire.calls.count("inspect") == 1


def test_a_key_with_an_allow_list_is_never_called_from_here(desk: Desk, wire: Wire):
    desk.declare(account(), key("bot"))
    assert desk.report()[BOT]["verdict"] == "listed"
    assert "inspect" not in wire.calls
