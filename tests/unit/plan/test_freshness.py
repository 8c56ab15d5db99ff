"""A saved plan is applied only while it still says what a fresh one would."""

from dataclasses import replace

import pytest

from krakenctl.apply.freshness import moved
from krakenctl.plan import planfile
from plan_builders import DAY, NOW, READ, alive, bot, draw, memory, on, recorded, stranger, wish


def drawn(*declared, record=None, now=NOW, digest="sha256:0", others=(), **drift):
    live = [alive(record, **drift)] if record else []
    recorded_ = memory(*([record] if record else []))
    return draw(wish(*declared, digest=digest), on(*live, *others), recorded=recorded_, now=now)


def test_an_unchanged_world_moves_nothing_also_through_a_file():
    plan = drawn(bot(grants=READ), record=recorded(bot()))
    assert not moved(planfile.load(planfile.dump(plan, with_now=True)), plan)


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


def test_a_key_that_somebody_changed_in_between_moves_the_plan():
    record = recorded(bot())
    saved = drawn(bot(grants=READ), record=record)
    assert moved(saved, drawn(bot(grants=READ), record=record, ip_allowlist=()))


def test_another_value_of_the_same_field_moves_the_plan():
    record = recorded(bot())
    one = drawn(bot(ip_allowlist=("192.0.2.1",)), record=record)
    other = drawn(bot(ip_allowlist=("192.0.2.2",)), record=record)
    assert moved(one, other)


def test_a_rotation_that_fell_due_since_moves_a_plan_that_is_not_planned_as_of_then():
    key = bot(max_age=DAY)
    record = recorded(key)
    assert moved(drawn(key, record=record), drawn(key, record=record, now=NOW + DAY))


@pytest.mark.parametrize("field", ["workspace", "endpoint", "lineage"])
def test_another_workspace_exchange_or_state_moves_the_plan(field):
    plan = drawn(bot())
    [line] = moved(plan, replace(plan, **{field: "other"}))
    assert "now “other”" in line


def test_another_account_behind_the_credential_moves_the_plan():
    plan = drawn(bot())
    other = replace(plan, accounts=(replace(plan.accounts[0], iiban="AA99"),))
    assert moved(plan, other) == ("account acme: planned for AA12 N84G EXAM PLE1, now AA99",)
