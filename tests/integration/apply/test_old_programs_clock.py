"""A key is asked as its own program sends: what a manifest says since then of the next one's is not held against it."""

from __future__ import annotations

import json
from contextlib import closing

import pytest

from by_hand import OPEN, a_key, by_hand, planned, run
from desk import NOW, account
from krakenctl.errors import NeedsPerson
from krakenctl.model.address import Address
from krakenctl.model.description import NonceScale
from krakenctl.model.plan import Verb
from krakenctl.plan.authority import Rotate
from krakenctl.sandbox.people import operate
from krakenctl.state.sqlite import open_state
from krakenctl.testing.person import SHUT_OUT, Robot
from waiting import NAME, ORDERS, nonce, set_nonce

BOT = Address.parse("ApiKey/acme/bot")
OVERLAP = {"rotation": {"overlap": "48h"}}
EVERY = (
    ("plan",),
    ("verify",),
    ("drift",),
    ("tick",),
    ("apply", "--yes"),
    ("doctor",),
    ("who-can", "withdraw-funds"),
    ("inspect", "ApiKey/acme/bot"),
)


class KeepsOld(Robot):
    """The old program runs still."""

    def ready(self, step):
        if step.verb is Verb.REVOKE:
            raise NeedsPerson("later")


@pytest.fixture(params=ORDERS)
def ordered(desk, request):
    desk.switch("check-order", request.param)
    return desk


def use(desk, sends, *grants, **spec):
    """A key in use, whose program sends that."""
    desk.declare(by_hand(), a_key("bot", *(grants or ("query-funds",)), consumer={"nonce": sends}, **spec))
    return desk


def recorded(desk):
    return desk.recorded().keys[BOT].nonce


@pytest.mark.parametrize("command", EVERY, ids=lambda command: command[0])
@pytest.mark.parametrize(("sends", "last"), [("s", NOW + 3600), ("counter", 5000), ("unknown", 5000)])
def test_a_replaced_key_is_asked_as_its_own_program_sends(ordered, sends, last, command):
    desk = use(ordered, sends, **OVERLAP)
    run(desk, Robot(desk.db))
    run(use(desk, "ms", "query-ledger", **OVERLAP), Robot(desk.db))
    desk.advance(3600)
    set_nonce(desk, last)
    desk.run(*command)
    assert nonce(desk) == last


@pytest.mark.parametrize("command", EVERY[:-1], ids=lambda command: command[0])
@pytest.mark.parametrize("change", ["grants", "trigger", "place", "age"])
def test_a_key_that_the_manifest_replaces_is_not_asked_as_the_next_program_sends(ordered, change, command):
    desk = use(ordered, "counter")
    run(desk, Robot(desk.db))
    set_nonce(desk, 5000)
    desk.advance(40 * 86400 if change == "age" else 3600)
    match change:
        case "grants":
            use(desk, "ms", "query-ledger")
        case "trigger":
            use(desk, "ms", rotation={"trigger": "leak"})
        case "place":
            use(desk, "ms", secret={"path": "elsewhere"})
        case "age":
            use(desk, "ms", rotation={"maxAge": "30d"})
    desk.run(*command)
    assert nonce(desk) == 5000


def test_while_the_next_key_is_made_the_old_one_is_asked_as_before(ordered):
    desk = use(ordered, "counter")
    run(desk, Robot(desk.db))
    set_nonce(desk, 5000)
    run(use(desk, "ms", "query-ledger"), Robot(desk.db, gives_up=True, deletes=False))
    planned(use(desk, "ms"))
    assert nonce(desk) == 5000


def test_a_key_without_an_overlap_is_asked_as_before_until_somebody_says_that_its_program_moved(ordered):
    desk = use(ordered, "unknown")
    run(desk, Robot(desk.db))
    set_nonce(desk, 5000)
    run(use(desk, "ms", "query-ledger"), KeepsOld(desk.db))
    desk.advance(3600)
    planned(desk)
    assert nonce(desk) == 5000


def test_a_key_that_no_manifest_names_any_more_is_asked_as_before(ordered):
    desk = use(ordered, "s")
    run(desk, Robot(desk.db))
    desk.declare(by_hand())
    desk.advance(3600)
    set_nonce(desk, NOW)
    planned(desk)
    assert nonce(desk) <= NOW + 3610


def test_what_its_program_sends_is_said_in_the_manifest_and_holds_at_once_where_nothing_was(ordered):
    desk = use(ordered, "unknown")
    run(desk, Robot(desk.db))
    desk.advance(3600)
    set_nonce(desk, (NOW + 1800) * 1000)
    plan = planned(use(desk, "ms"))
    assert (plan.changes, plan.unchanged, nonce(desk) // 1000) == ((), (BOT,), NOW + 3600)


def test_a_clock_that_is_taken_back_holds_at_once(ordered):
    desk = use(ordered, "ms")
    run(desk, Robot(desk.db))
    desk.advance(3600)
    set_nonce(desk, 5000)
    planned(use(desk, "counter"))
    assert nonce(desk) == 5000


def test_an_apply_that_changes_nothing_remembers_what_its_program_sends_now(ordered):
    desk = use(ordered, "unknown")
    run(desk, Robot(desk.db))
    desk.advance(3600)
    done = run(use(desk, "ms"), Robot(desk.db))
    assert (done.plan.changes, recorded(desk)) == ((), NonceScale.MILLISECONDS)
    with closing(open_state(desk.state_path)) as state:
        told = [deed for deed in map(json.loads, state.log.lines()) if deed["verb"] == "remember"]
    assert [deed["message"] for deed in told] == ["consumer.nonce: unknown → ms"]


@pytest.mark.parametrize("command", [("apply", "--yes"), ("tick",)], ids=lambda command: command[0])
def test_so_does_the_command_that_finds_nothing_to_do(ordered, command):
    desk = use(ordered, "unknown")
    run(desk, Robot(desk.db))
    use(desk, "ms").run(*command)
    assert recorded(desk) == NonceScale.MILLISECONDS


def test_an_edit_remembers_it_too(ordered):
    desk = use(ordered, "unknown")
    run(desk, Robot(desk.db))
    run(use(desk, "ms", ipAllowlist=["127.0.0.1", "198.51.100.4"]), Robot(desk.db))
    assert (recorded(desk), desk.recorded().keys[BOT].live_name) == (NonceScale.MILLISECONDS, NAME)


def test_a_replaced_key_keeps_what_was_remembered_of_it(ordered):
    desk = use(ordered, "unknown", **OVERLAP)
    run(desk, Robot(desk.db))
    run(use(desk, "s", **OVERLAP), Robot(desk.db))
    run(use(desk, "ms", "query-ledger", **OVERLAP), Robot(desk.db))
    [old] = desk.recorded().retired
    assert (old.nonce, recorded(desk)) == (NonceScale.SECONDS, NonceScale.MILLISECONDS)


class Stops(Robot):
    """They have been told, and want to do it another day."""

    def issue(self, step):
        raise NeedsPerson("later")


def in_use(ordered, sends="s", last=NOW + 3600):
    desk = use(ordered, sends)
    run(desk, Robot(desk.db))
    desk.advance(3600)
    set_nonce(desk, last)
    desk.advance(5)
    return desk


def test_a_schedule_does_not_learn_the_next_programs_clock_for_the_key_in_use(ordered):
    desk = in_use(ordered)
    run(desk, Stops(desk.db), Rotate(addresses=(BOT,), older_than=0, compromised=False, reason=""))
    use(desk, "ms")
    desk.advance(60)
    assert (desk.run("tick").code, recorded(desk)) == (0, NonceScale.SECONDS)
    desk.advance(3600)
    desk.run("verify")
    assert nonce(desk) < NOW * 10


def test_an_edit_does_not_teach_it_either(ordered):
    desk = in_use(ordered)
    run(use(desk, "s", "query-ledger"), Stops(desk.db))
    use(desk, "ms", ipAllowlist=["127.0.0.1", "198.51.100.4"])
    desk.advance(60)
    run(desk, Robot(desk.db))
    desk.advance(3600)
    planned(desk)
    assert (recorded(desk), nonce(desk) < NOW * 10) == (NonceScale.SECONDS, True)


@pytest.mark.parametrize(("sends", "last"), [("s", NOW + 3600), ("counter", 5000), ("unknown", 5000)])
def test_a_rotation_by_name_asks_the_old_key_as_its_own_program_sends(ordered, sends, last):
    desk = use(in_use(ordered, sends, last), "ms")
    assert desk.run("rotate", str(BOT)).code == 64
    assert nonce(desk) < NOW * 10


def test_a_key_that_was_moved_is_inspected_as_its_own_program_sends(ordered):
    desk = in_use(ordered, "counter", 5000)
    moved = a_key("robot", "query-ledger", metadata={"formerly": ["bot"]}, secret={"path": "acme/bot"})
    desk.declare(by_hand(), moved)
    assert desk.run("inspect", "ApiKey/acme/robot").code == 64
    assert nonce(desk) == 5000


@pytest.fixture
def doubled(ordered):
    """Each of two accounts has a key of the same name. One of them is being replaced; of the other the manifest says
    what its program sends, which nobody knew before."""
    desk, unknown = ordered, {"consumer": {"nonce": "unknown"}}
    operate.make_account(desk.db, "beta")
    beta = account("beta", surface="website", keyDefaults={"ipAllowlist": OPEN, "validFor": "180d"})
    desk.declare(by_hand(), beta, a_key(**unknown), a_key(on="beta", **unknown))
    run(desk, Robot(desk.db))
    desk.declare(by_hand(), beta, a_key(**unknown), a_key("bot", "query-ledger", on="beta", **unknown))
    run(desk, Robot(desk.db, gives_up=True, mistakes=[SHUT_OUT]))
    assert [intent.address.path[0] for intent in desk.recorded().intents] == ["beta"]
    desk.advance(3600)
    desk.declare(by_hand(), beta, a_key(), a_key("bot", "query-ledger", on="beta", **unknown))
    return desk


@pytest.mark.parametrize("command", [("plan",), ("verify",), ("inspect", str(BOT))], ids=lambda command: command[0])
def test_what_is_under_way_on_another_account_holds_no_corrected_clock_back(doubled, command):
    doubled.run(*command)
    assert nonce(doubled) // 1000 == NOW + 3600


def test_nor_what_doctor_says_of_it(doubled):
    operate.edit_key(doubled.db, "acme", NAME, ["query-funds"], ip_allowlist=["198.51.100.7"])
    doubled.run("verify")
    told = " ".join(doubled.run("doctor").out.split())
    assert ("refused from this host" in told, "once consumer.nonce is declared" in told) == (True, False), told
