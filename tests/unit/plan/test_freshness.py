"""A saved plan is applied only while it still says what a fresh one would."""

import re
from dataclasses import replace

import pytest

from krakenctl.apply.freshness import elsewhere, is_done, moved
from krakenctl.model.desired import SecretRef
from krakenctl.model.live import LiveAccount, Phase
from krakenctl.model.permission import Permission
from krakenctl.model.plan import Action, Mark
from krakenctl.model.recovery import Move, Recovery
from krakenctl.model.time import show_time
from krakenctl.plan import planfile
from plan_builders import (
    DAY,
    HOUR,
    NOW,
    READ,
    account,
    alive,
    bot,
    draw,
    memory,
    on,
    recorded,
    stranger,
    sub_account,
    wish,
)


def drawn(*declared, record=None, now=NOW, digest="sha256:0", others=(), **drift):
    live = [alive(record, **drift)] if record else []
    recorded_ = memory(*([record] if record else []))
    return draw(wish(*declared, digest=digest), on(*live, *others), recorded=recorded_, now=now)


def test_an_unchanged_world_moves_nothing_also_through_a_file():
    plan = drawn(bot(grants=READ), record=recorded(bot()))
    assert not moved(planfile.load(planfile.dump_saved(planfile.seal(plan, NOW + DAY))).plan, plan)


def test_another_comment_in_a_manifest_moves_nothing():
    assert not moved(drawn(bot()), drawn(bot(), digest="sha256:1"))


def test_a_strangers_new_key_moves_nothing():
    assert not moved(drawn(bot()), drawn(bot(), others=[stranger()]))


def test_a_key_that_came_to_the_manifests_moves_the_plan():
    [line] = moved(drawn(bot("a")), drawn(bot("a"), bot("b")))
    assert line.startswith("ApiKey/acme/b: planned nothing to do, now create")


def test_a_change_that_is_no_longer_needed_moves_the_plan():
    record = recorded(bot())
    [line] = moved(drawn(bot(grants=READ), record=record), drawn(bot(), record=record))
    assert line == "ApiKey/acme/bot: planned replace (permissions), now nothing to do"


def test_what_somebody_changed_of_the_live_key_in_between_is_told_value_by_value():
    record = recorded(bot())
    saved = drawn(bot(grants=READ), record=record)
    [line] = moved(saved, drawn(bot(grants=READ), record=record, ip_allowlist=()))
    assert line == "ApiKey/acme/bot: ipAllowlist of the live key: planned 203.0.113.10, now any"


def test_a_right_that_somebody_gave_the_live_key_is_named():
    record = recorded(bot(grants=READ))
    live = {"permissions": READ | {Permission.WITHDRAW_FUNDS}}
    [line] = moved(drawn(bot(), record=record), drawn(bot(), record=record, **live))
    assert "permissions of the live key: planned query-funds, now query-funds, withdraw-funds" in line


def test_another_value_of_the_same_field_moves_the_plan():
    record = recorded(bot())
    one = drawn(bot(ip_allowlist=("192.0.2.1",)), record=record)
    other = drawn(bot(ip_allowlist=("192.0.2.2",)), record=record)
    assert moved(one, other) == ("ApiKey/acme/bot: ipAllowlist: planned 192.0.2.1, now 192.0.2.2",)


def test_an_edited_wish_is_told_with_both_values():
    record = recorded(bot())
    saved = drawn(bot(grants=READ), record=record)
    [rights] = moved(saved, drawn(bot(grants=READ | {Permission.WITHDRAW_FUNDS}), record=record))
    assert rights.endswith("permissions: planned query-funds, now query-funds, withdraw-funds")
    elsewhere_ = replace(saved.changes[0], secret=SecretRef("desk", "bots/other"))
    [path] = moved(saved, replace(saved, changes=(elsewhere_,)))
    assert path == "ApiKey/acme/bot: secret: planned main:acme/bot, now desk:bots/other"


def test_what_moved_is_told_in_the_words_of_a_manifest():
    record = recorded(bot())
    saved = drawn(bot(grants=READ), record=record)
    made_again = drawn(bot(grants=READ), record=replace(record, created=NOW - DAY, live_name=record.live_name))
    more = drawn(bot(grants=READ, protect=True, nonce_window=5, overlap=HOUR), record=record)
    [line, other] = [*moved(saved, made_again), *moved(saved, more)]
    assert show_time(NOW - DAY) in line
    assert "nonceWindow: planned as it is, now 5" in other
    assert "protect: planned no, now yes" in other
    assert "overlap: planned 0s, now 1h" in other
    assert not re.search(r"None|True|False|\d{10}", line + other)


def test_a_rotation_that_fell_due_since_moves_a_plan_that_is_not_planned_as_of_then():
    key = bot(max_age=DAY)
    record = recorded(key)
    assert moved(drawn(key, record=record), drawn(key, record=record, now=NOW + DAY))


@pytest.mark.parametrize("field", ["workspace", "endpoint", "lineage"])
def test_a_plan_for_another_workspace_exchange_or_state_is_told_by_what_it_was_made_for(field):
    plan = drawn(bot())
    here = {"workspace": plan.workspace, "endpoint": plan.endpoint, "lineage": plan.lineage}
    assert not elsewhere(plan, **here)
    [line] = elsewhere(plan, **here | {field: "other"})
    assert line.endswith(f"planned “{here[field]}”, now “other”")


def test_another_account_behind_the_credential_moves_the_plan():
    plan = drawn(bot())
    other = replace(plan, accounts=(replace(plan.accounts[0], iiban="AA99"),))
    assert moved(plan, other) == ("account acme: planned for AA12 N84G EXAM PLE1, now AA99",)


# --- applied again


def mark(change, done=True):
    return Mark(change=change.handle, at=NOW, who="alice", done=done)


def test_what_was_done_in_the_name_of_the_plan_is_no_longer_expected():
    one, other = bot("a"), bot("b")
    saved = drawn(one, other)
    [first, _] = saved.changes
    half = drawn(one, other, record=recorded(one))
    assert moved(saved, half)
    assert not moved(saved, half, [mark(first)])
    assert not is_done(saved, [mark(first)])
    assert is_done(saved, map(mark, saved.changes))


def test_what_was_begun_and_has_gone_from_the_fresh_plan_was_not_therefore_done():
    saved = drawn(bot("a"), bot("b"))
    [line] = moved(saved, drawn(bot("b")), [mark(saved.changes[0], done=False)])
    assert line.startswith("ApiKey/acme/a: planned create (permissions")
    assert line.endswith("now nothing to do")


def test_what_was_begun_and_whose_key_somebody_deleted_is_told_as_it_was_planned():
    record = recorded(bot())
    saved = drawn(bot(grants=READ), record=record)
    gone = draw(wish(bot(grants=READ)), recorded=memory(record))
    [line] = moved(saved, gone, [mark(saved.changes[0], done=False)])
    assert line.startswith("ApiKey/acme/bot: planned replace (permissions), now create")


def test_what_was_begun_and_cannot_go_on_now_is_open():
    saved = drawn(bot("a"), bot("b"))
    waits = Recovery(address=bot("a").address, account="acme", name="a.a7.g1", move=Move.WAIT, why="Kraken refused it")
    fresh = draw(wish(bot("a"), bot("b")), recovery=[waits])
    assert [change.action for change in fresh.changes if change.address == bot("a").address] == [Action.BLOCKED]
    assert moved(saved, fresh)
    assert not moved(saved, fresh, [mark(saved.changes[0], done=False)])
    assert not is_done(saved, [mark(saved.changes[0], done=False), mark(saved.changes[1])])


def test_what_was_begun_and_undone_goes_on_with_the_next_number():
    saved = drawn(bot())
    burned = draw(wish(bot()), recorded=memory(generations={bot().address: 1}))
    assert burned.changes[0].new.name == "bot.a7.g2"
    [line] = moved(saved, burned)
    assert "bot.a7.g1" in line
    assert not moved(saved, burned, [mark(saved.changes[0], done=False)])


def test_what_was_done_and_undone_by_somebody_else_is_not_done_a_second_time():
    saved = drawn(bot())
    gone = draw(wish(bot()), recorded=memory(recorded(bot())))
    assert gone.changes[0].new.name == "bot.a7.g2"
    assert moved(saved, gone, [mark(saved.changes[0])])


def test_begun_or_not_another_wish_moves_the_plan():
    saved = drawn(bot())
    assert moved(saved, drawn(bot(grants=READ)), [mark(saved.changes[0], done=False)])


@pytest.fixture
def asked():
    """A plan that requests a sub-account and makes a key on it, and what it wishes."""
    desired = wish(bot("quotes", "desk"), accounts=[account(), sub_account()])
    return desired, draw(desired, on(), LiveAccount(name="desk", phase=Phase.ABSENT))


def test_keys_go_on_once_the_sub_account_that_the_same_plan_requested_is_there(asked):
    desired, saved = asked
    request, _ = saved.changes
    ready = draw(desired, on(), on(name="desk", iiban="AA34"))
    assert moved(saved, ready)
    assert not moved(saved, ready, [mark(request)])


@pytest.mark.parametrize("noted", [True, False])
def test_keys_go_on_waiting_while_the_sub_account_that_the_same_plan_requested_is_not_ready(asked, noted):
    desired, saved = asked
    request, _ = saved.changes
    waiting = draw(desired, on(), LiveAccount(name="desk", phase=Phase.REQUESTED, reason="not set up yet"))
    assert not moved(saved, waiting, [mark(request, done=noted)])
