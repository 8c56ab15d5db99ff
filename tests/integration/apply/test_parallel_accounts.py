"""Accounts at the same time: as good as one after another, and no call more than that takes."""

from __future__ import annotations

import threading
from collections import Counter

import pytest

from desk import HOME, Desk, Doc, Wire, account, error_string, key, subaccount
from krakenctl.apply.halt import Halt
from krakenctl.cli.interrupt import Interrupt
from krakenctl.errors import StateError
from krakenctl.state.sql import SqlState
from krakenctl.stores.base import Slot
from krakenctl.surfaces.connect import Connect

DESKS = ("d1", "d2", "d3")
SECONDS = 20  # after which a test that hangs fails
ABREAST = ("--parallelism", "3")


def desks(*keys: str) -> list[Doc]:
    return [account(), *(subaccount(name) for name in DESKS), *(key(each, on=name) for name in DESKS for each in keys)]


@pytest.fixture
def ready(desk: Desk, wire: Wire) -> Desk:
    """Three sub-accounts, without a key."""
    desk.declare(*desks())
    desk.applied()
    wire.clear()
    return desk


class Together:
    """Lets the first call of this sort of each account go on only when all accounts have come so far."""

    def __init__(self, wire: Wire, sort: str) -> None:
        self._sort, self._seen = sort, set[int]()
        self._barrier = threading.Barrier(len(DESKS), timeout=SECONDS)
        wire.before = self

    def __call__(self, word: str) -> None:
        if word.startswith(self._sort) and threading.get_ident() not in self._seen:
            self._seen.add(threading.get_ident())
            self._barrier.wait()


def test_accounts_are_looked_at_and_worked_on_at_the_same_time(ready: Desk, wire: Wire) -> None:
    ready.declare(*desks("bot", "view"))
    Together(wire, "issue")
    ran = ready.apply(*ABREAST)
    assert ran.code == 0, ran.out + ran.err
    for name in DESKS:
        assert ready.ours(f"u-{name}") == ["bot.a7.g1", "view.a7.g1"]
    assert ready.changes() == {}


def test_the_report_is_in_the_plans_order_and_each_line_of_progress_is_whole(ready: Desk) -> None:
    ready.declare(*desks("bot", "view"))
    planned = [change["address"] for change in ready.plan()["changes"]]
    ran = ready.apply("-o", "json", *ABREAST)
    assert [outcome["address"] for outcome in ran.json["outcomes"]] == planned
    lines = Counter(line for line in ran.err.splitlines() if line.startswith("✓"))
    assert len(lines) == len(planned) * 4
    assert set(lines.values()) == {1}


def test_a_plan_is_the_same_bytes_however_many_are_looked_at_at_once(ready: Desk) -> None:
    ready.declare(*desks("bot", "view"))
    assert len({ready.run("plan", "-o", "json", "--parallelism", str(n)).out for n in (1, 2, 3, 8)}) == 1


def test_on_one_account_one_call_comes_after_another(ready: Desk, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    inside, twice = Counter[Connect](), []
    real = Connect._call

    def alone(connect: Connect, *args: object) -> object:
        inside[connect] += 1
        twice.append(inside[connect] > 1)
        try:
            return real(connect, *args)  # type: ignore[arg-type]
        finally:
            inside[connect] -= 1

    monkeypatch.setattr(Connect, "_call", alone)
    ready.declare(*desks("bot", "view", "spare"))
    assert ready.apply(*ABREAST).code == 0
    assert twice
    assert not any(twice)


# How many calls: one list at the start of an account's queue, one after its issues, one before its first revoke.

LOOK = {"time": 1, "who": 2, "list": 2}  # what a plan costs, of a master and one sub-account


def calls_of(desk: Desk, wire: Wire, *keys: Doc) -> Counter[str]:
    """Without those of the plan."""
    desk.declare(account(), subaccount("d1"), *keys)
    wire.clear()
    desk.applied()
    return Counter(call.partition(" ")[0] for call in wire.calls) - Counter(LOOK)


@pytest.fixture
def one(desk: Desk, wire: Wire) -> Desk:
    desk.declare(account(), subaccount("d1"))
    return desk.applied()


def test_new_keys_cost_two_lists_and_an_issue_each(one: Desk, wire: Wire) -> None:
    assert calls_of(one, wire, key("a", on="d1"), key("b", on="d1")) == {"list": 2, "issue": 2}


def test_a_key_for_everywhere_is_also_asked_about_itself(one: Desk, wire: Wire) -> None:
    anywhere = key("a", on="d1", ipAllowlist="any")
    one.declare(account(), subaccount("d1"), anywhere)
    wire.clear()
    ran = one.apply("--allow", "open", "--reason", "test")
    assert ran.code == 0, ran.out + ran.err
    assert Counter(call.partition(" ")[0] for call in wire.calls) - Counter(LOOK) == {
        "list": 2, "issue": 1, "inspect": 1
    }  # fmt: skip


def test_a_replacement_costs_a_third_list_before_the_first_revoke(one: Desk, wire: Wire) -> None:
    calls_of(one, wire, key("a", on="d1"), key("b", on="d1"))
    replaced = calls_of(one, wire, key("a", "query-ledger", on="d1"), key("b", "query-ledger", on="d1"))
    assert replaced == {"list": 3, "issue": 2, "revoke": 2}


def test_an_update_in_place_is_read_back_with_one_list(one: Desk, wire: Wire) -> None:
    calls_of(one, wire, key("a", on="d1"), key("b", on="d1"))
    wider = {"ipAllowlist": [HOME, "198.51.100.7"]}
    assert calls_of(one, wire, key("a", on="d1", **wider), key("b", on="d1", **wider)) == {"list": 2, "update": 2}


def test_revokes_cost_one_list_before_the_first(one: Desk, wire: Wire) -> None:
    calls_of(one, wire, key("a", on="d1"), key("b", on="d1"), key("c", on="d1"))
    assert calls_of(one, wire, key("c", on="d1")) == {"list": 2, "revoke": 2}


def test_where_nothing_is_to_be_done_nothing_is_asked_but_for_the_plan(one: Desk, wire: Wire) -> None:
    assert not calls_of(one, wire)


# What goes wrong on one account


def test_a_lockout_stops_its_account_at_once_and_no_other(ready: Desk, wire: Wire) -> None:
    ready.declare(*desks("bot", "view"))
    lockout = {"endpoint": "POST /oauth/fast-api-key", "error": "EGeneral:Temporary lockout"}
    ready.fault("error", account="u-d2", **lockout)
    ran = ready.apply("-o", "json", *ABREAST)
    assert ran.code == 4
    results = {outcome["address"]: outcome["result"] for outcome in ran.json["outcomes"]}
    assert [results[f"ApiKey/d2/{name}"] for name in ("bot", "view")] == ["failed", "skipped"]
    assert {result for address, result in results.items() if "/d2/" not in address} == {"done"}


def test_ctrl_c_is_heard_by_all_accounts(ready: Desk, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    ready.declare(*desks("bot", "view"))
    pressed = threading.Event()
    Together(wire, "issue")
    real = Connect.issue

    def press(connect: Connect, *args: object) -> object:
        issued = real(connect, *args)  # type: ignore[arg-type]
        pressed.set()
        return issued

    monkeypatch.setattr(Connect, "issue", press)
    monkeypatch.setattr(Interrupt, "seen", lambda _: pressed.is_set())
    assert ready.apply(*ABREAST).code == 130
    assert [ready.ours(f"u-{name}") for name in DESKS] == [["bot.a7.g1"]] * 3
    monkeypatch.undo()
    assert all(ready.entry(f"{name}/bot") is not None for name in DESKS)


def test_a_state_that_cannot_be_written_stops_all_accounts(
    ready: Desk, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The journal must never lag behind."""
    ready.declare(*desks("bot", "view"))
    real, full = SqlState.begin, threading.Event()

    def begin(state: SqlState, intent: object) -> None:
        if intent.account == "d1" or full.is_set():  # type: ignore[attr-defined]
            full.set()
            raise StateError("the disk is full")
        assert full.wait(SECONDS)
        real(state, intent)  # type: ignore[arg-type]

    monkeypatch.setattr(SqlState, "begin", begin)
    ran = ready.apply("-o", "json", *ABREAST)
    assert ran.code in (1, 4)
    assert sum(call.startswith("issue") for call in wire.calls) <= 2, "nothing more is begun"
    assert "skipped" in {outcome["result"] for outcome in ran.json["outcomes"]}


def test_a_bug_on_one_account_is_told_once_the_others_have_finished_their_step(
    ready: Desk, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready.declare(*desks("bot", "view"))
    real, together, begun = Connect.issue, threading.Barrier(len(DESKS), timeout=SECONDS), []
    order, told = Halt.order, threading.Event()

    def issue(connect: Connect, name: str, spec: object) -> object:
        begun.append(name)
        if together.wait() == 0:
            raise ZeroDivisionError
        told.wait(SECONDS)  # else the next step may begin before anybody knows
        return real(connect, name, spec)  # type: ignore[arg-type]

    def tell(halt: Halt, reason: str) -> None:
        order(halt, reason)
        told.set()

    monkeypatch.setattr(Connect, "issue", issue)
    monkeypatch.setattr(Halt, "order", tell)
    with pytest.raises(ZeroDivisionError):
        ready.apply(*ABREAST)
    assert begun == ["bot.a7.g1"] * 3
    monkeypatch.undo()
    assert len(ready.slots()) == 2, "no secret was lost"


def test_one_call_that_is_lost_fails_one_change(ready: Desk, wire: Wire) -> None:
    ready.declare(*desks("bot"))
    wire.faults[len(wire.calls) + 9] = error_string("EGeneral:Invalid arguments")  # whichever call that is
    ready.apply(*ABREAST)
    wire.faults.clear()
    assert ready.apply(*ABREAST).code == 0
    assert ready.changes() == {}


def test_a_place_in_a_store_is_handed_over_in_the_plans_order(ready: Desk) -> None:
    """Two accounts, one path: the new key's secret must not go with the old key's."""
    path = {"secret": {"path": "shared"}}
    ready.declare(*desks(), key("old", on="d2", **path))
    ready.applied()
    ready.declare(*desks(), key("new", on="d1", **path))
    ran = ready.apply(*ABREAST)
    assert ran.code == 0, ran.out + ran.err
    entry = ready.entry("shared", Slot.CURRENT)
    assert entry is not None
    assert entry.live_name == "new.a7.g1"


def test_the_log_names_the_exchanges_request(ready: Desk) -> None:
    ready.declare(*desks("bot"))
    ready.applied()
    lines = ready.run("log", "-o", "json").out.splitlines()
    issues = [line for line in lines if '"verb":"issue"' in line]
    assert len(issues) == 3
    assert all('"request":"' in line for line in issues)
