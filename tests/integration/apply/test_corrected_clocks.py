"""What a manifest says anew of a program's clock: whatever else it may mean, the program of the key in use goes on."""

from __future__ import annotations

from dataclasses import replace

import pytest
from test_old_programs_clock import BOT, Stops, in_use, recorded, use

from by_hand import Done, a_key, by_hand, planned, run
from desk import NOW
from krakenctl.actor import new_run
from krakenctl.model.description import NonceScale
from krakenctl.model.permission import Permission
from krakenctl.model.plan import Action
from krakenctl.plan.authority import Rotate
from krakenctl.project import open_project
from krakenctl.sandbox.people import operate
from krakenctl.surfaces.kraken.numbers import PATIENCE
from krakenctl.testing.person import Robot, toggled
from krakenctl.workflow import open_desk
from waiting import NAME, ORDERS, nonce, set_nonce

LOOKS = [("plan",), ("verify",), ("drift",), ("tick",), ("apply", "--yes")]
BY_NAME = Rotate(addresses=(BOT,), older_than=0, compromised=False, reason="")


@pytest.fixture(params=ORDERS)
def ordered(desk, request):
    desk.switch("check-order", request.param)
    return desk


def rotate(desk, person):
    """As the command does it."""
    with (
        open_desk(open_project(desk.root), person=person, rotating=True) as opened,
        opened.lease(replace(new_run("rotate"), who="alice", host="desk")),
    ):
        recovered = opened.recover(lambda _: None, lambda _: None, lambda: False)
        plan = opened.plan(errand=BY_NAME)
        return Done(plan, opened.apply(plan, lambda _: None, lambda _: None, lambda: False), recovered)


def mistaken(desk):
    return rotate(desk, Robot(desk.db, [toggled(Permission.WITHDRAW_FUNDS)], begins_anew=True))


# What replaces the key, so that what is declared may be of the next one's program


@pytest.mark.parametrize("sends", ["counter", "unknown"])
@pytest.mark.parametrize("command", LOOKS, ids=lambda command: command[0])
def test_a_shorter_life_makes_a_key_due_and_the_new_clock_the_next_ones(ordered, sends, command):
    desk = use(ordered, sends)
    run(desk, Robot(desk.db))
    set_nonce(desk, 5000)
    desk.advance(40 * 86400)
    use(desk, "ms", validFor="45d").run(*command)
    assert nonce(desk) == 5000
    assert [change.action for change in planned(desk).changes] == [Action.ROTATE]


@pytest.mark.parametrize(("sends", "last"), [("s", NOW + 3600), ("counter", 5000), ("unknown", 5000)])
def test_after_a_key_made_by_mistake_no_schedule_learns_the_next_programs_clock(ordered, sends, last):
    desk = use(in_use(ordered, sends, last), "ms")
    assert "deleted" in mistaken(desk).outcome.message
    desk.advance(60)
    desk.run("tick")
    assert (recorded(desk), nonce(desk) < NOW * 10) == (NonceScale(sends), True)


@pytest.mark.parametrize(("sends", "last"), [("s", NOW + 3600), ("counter", 5000)])
def test_nor_after_a_rotation_that_was_called_off(ordered, sends, last):
    desk = use(in_use(ordered, sends, last), "ms")
    rotate(desk, Stops(desk.db))
    desk.advance(60)
    assert desk.run("recover", "--absent", str(BOT)).code == 0
    desk.run("tick")
    assert (recorded(desk), nonce(desk) < NOW * 10) == (NonceScale(sends), True)


def test_nor_where_somebody_changed_the_key_on_the_website(ordered):
    desk = use(ordered, "s")
    run(desk, Robot(desk.db))
    desk.advance(60)
    edit = {"ip_allowlist": ["127.0.0.1"], "valid_until": NOW + 180 * 86400}
    operate.edit_key(desk.db, "acme", NAME, ["query-funds", "withdraw-funds"], **edit)
    assert [change.action for change in planned(desk).changes] == [Action.REPLACE]
    desk.advance(60)
    assert [change.action for change in planned(use(desk, "ms")).changes] == [Action.REPLACE]
    assert nonce(desk) < NOW * 10


@pytest.mark.parametrize("name", ["new", "bot"])
@pytest.mark.parametrize("command", ["inspect", "verify"])
def test_a_key_that_is_called_otherwise_is_asked_as_its_own_program_sends(ordered, command, name):
    desk = use(ordered, "counter")
    run(desk, Robot(desk.db))
    set_nonce(desk, 5000)
    moved = {"metadata": {"formerly": ["bot"]}, "secret": {"path": "acme/bot"}}
    desk.declare(by_hand(), a_key("new", "query-ledger", **moved))
    desk.advance(3600)
    desk.run(command, f"ApiKey/acme/{name}")
    assert nonce(desk) == 5000


# What to repeat


def test_whoever_rotates_by_name_and_stops_is_told_the_command_that_goes_on(ordered):
    desk = in_use(ordered)
    assert rotate(desk, Stops(desk.db)).outcome.hint.startswith(f"run `krakenctl rotate {BOT}` again: it asks for the")
    desk.advance(60)
    assert [change.new.name for change in rotate(desk, Robot(desk.db)).plan.changes] == ["bot.a7.g2"]
    assert desk.recorded().keys[BOT].live_name == "bot.a7.g2"


def test_and_so_is_whoever_deleted_what_they_made_by_mistake(ordered):
    desk = in_use(ordered)
    assert f"run `krakenctl rotate {BOT}` again: it asks for the next one" in mistaken(desk).outcome.hint
    desk.advance(60)
    assert [change.new.name for change in rotate(desk, Robot(desk.db)).plan.changes] == ["bot.a7.g3"]


def test_what_the_manifests_ask_for_is_asked_for_by_the_next_apply(ordered):
    desk = use(in_use(ordered), "s", "query-ledger")
    assert "run apply again" in run(desk, Stops(desk.db)).outcome.hint
    assert run(desk, Robot(desk.db)).plan.changes


# What is corrected


@pytest.mark.parametrize("ahead", [0, 3, 25])
def test_no_look_gets_in_the_way_of_a_program_that_is_quicker_or_whose_clock_is_ahead(ordered, ahead):
    desk = use(in_use(ordered), "ms")
    for each in range(3):
        now = NOW + 3605 + 300 * each
        set_nonce(desk, now + ahead)
        desk.run("tick")
        assert nonce(desk) - now <= max(ahead, PATIENCE)
        desk.advance(300)


def test_a_counter_that_began_at_a_clocks_number_is_not_taken_for_that_clock(ordered):
    last = (NOW + 1800) * 1000
    desk = in_use(ordered, "counter", last)
    assert desk.run("inspect", str(BOT), "--nonce", str(last + 1)).code == 0
    desk.advance(3600)
    use(desk, "ms").run("plan")
    rotate(desk, Stops(desk.db))
    assert nonce(desk) == last + 1


@pytest.mark.parametrize(
    ("before", "after", "unit"), [("s", "ms", 1000), ("ms", "us", 10**6), ("s", "ns", 10**9), ("counter", "ms", 1000)]
)
def test_whatever_is_finer_is_a_persons_to_show(ordered, before, after, unit):
    last = (NOW + 1800) * unit
    desk = use(in_use(ordered, before, last), after)
    told = " ".join(desk.run("plan").out.split())
    assert (nonce(desk), f"krakenctl inspect {BOT} --nonce {after}" in told) == (last, True), told
    desk.advance(3600)
    assert desk.run("inspect", str(BOT), "--nonce", after).code == 0
    desk.advance(3600)
    assert desk.run("plan").code == 0
    assert nonce(desk) // unit == NOW + 2 * 3600 + 3605
    desk.run("apply", "--yes")
    assert recorded(desk) == NonceScale(after)


def test_that_nobody_says_it_any_more_is_not_taken_for_another_clock(ordered):
    desk = use(in_use(ordered), "unknown")
    desk.run("apply", "--yes")
    use(desk, "ms").run("verify")
    assert (recorded(desk), nonce(desk) < NOW * 10) == (NonceScale.SECONDS, True)


def test_what_a_key_has_answered_to_is_known_after_a_coarser_one_was_declared_by_mistake(ordered):
    desk = in_use(ordered, "ms", (NOW + 1800) * 1000)
    planned(desk)
    use(desk, "s").run("apply", "--yes")
    use(desk, "us").run("verify")
    assert nonce(desk) < NOW * 10_000
    desk.advance(60)
    use(desk, "ms").run("verify")
    assert (nonce(desk) // 1000, desk.recorded().refused) == (NOW + 3665, {})
