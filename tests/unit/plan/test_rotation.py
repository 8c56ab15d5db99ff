"""When a key is due, and what a run of less authority makes of a plan."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakenctl.errors import CannotRotate, UsageError
from krakenctl.model.address import Address
from krakenctl.model.live import Phase
from krakenctl.model.plan import Action, Cause, Strategy
from krakenctl.model.recorded import SeenLimit
from krakenctl.plan.authority import Rotate, Tick
from krakenctl.plan.rotation import MISSED, deadlines
from plan_builders import (
    DAY,
    HOUR,
    NOW,
    READ,
    account,
    alive,
    bot,
    change_of,
    draw,
    intent,
    memory,
    on,
    recorded,
    stranger,
    sub_account,
    wish,
)

ages = st.integers(1, 400).map(lambda hours: hours * 12 * HOUR)


def due_of(key, generation=1):
    record = recorded(key, generation)
    [deadline] = deadlines(key, record, record.spec.valid_until)
    return deadline


# --- when


@given(max_age=ages, generation=st.integers(1, 99))
def test_a_key_is_due_in_the_second_half_of_its_life_and_with_time_to_miss_a_daily_run(max_age, generation):
    deadline = due_of(bot(max_age=max_age), generation)
    assert NOW + max_age // 2 <= deadline.due <= deadline.broken == NOW + max_age
    assert deadline.broken - deadline.due >= min(MISSED, max_age // 2)


@given(life=ages, overlap=st.integers(0, 100).map(lambda hours: hours * HOUR))
def test_a_key_that_expires_is_due_so_early_that_its_overlap_fits_in(life, overlap):
    deadline = due_of(bot(valid_for=life, overlap=overlap))
    assert deadline.due >= NOW + life // 2
    assert deadline.due == NOW + life // 2 or deadline.due + MISSED + overlap <= NOW + life


@given(generation=st.integers(1, 99), overlap=st.integers(1, 29).map(lambda days: days * DAY))
def test_jitter_takes_nothing_from_the_overlap_of_the_key_before(generation, overlap):
    key = bot(max_age=30 * DAY, overlap=overlap, jitter=15 * DAY)
    assert due_of(key, generation).due >= NOW + min(overlap, 30 * DAY - 3 * DAY)


def test_a_fleet_that_was_made_on_one_day_does_not_fall_due_on_one_day():
    days = [due_of(bot(f"bot-{n}", max_age=90 * DAY)).due // DAY for n in range(90)]
    assert len(set(days)) >= 9
    assert max(days.count(day) for day in days) <= 20


def test_a_fleet_is_spread_as_far_as_its_owner_says():
    fleet = [bot(f"bot-{n}", max_age=90 * DAY, jitter=30 * DAY) for n in range(50)]
    days = {due_of(key).due // DAY for key in fleet}
    assert 25 * DAY <= (max(days) - min(days)) * DAY <= 30 * DAY
    assert len({due_of(replace(key, rotation=replace(key.rotation, jitter=1))).due for key in fleet}) == 1


def test_the_next_generation_is_not_due_at_the_same_age_as_the_one_before():
    key = bot(max_age=90 * DAY)
    assert due_of(key, 1).due != due_of(key, 2).due


# --- tick


def tick(*declared, live=None, now=NOW, limit=None, **more):
    records = more.pop("records", ())
    desired = wish(*declared, accounts=[account(keys_limit=limit)])
    seen = [alive(record) for record in (*records, *more.get("retired", ()))] if live is None else live
    return draw(desired, on(*seen), recorded=memory(*records, **more), now=now, errand=Tick())


def actions(plan):
    return [(str(change.address).rpartition("/")[2], change.action) for change in plan.changes]


def test_tick_rotates_what_is_due_and_says_what_it_leaves():
    due, other = bot("due", max_age=30 * DAY), bot("other", grants=READ)
    plan = tick(due, other, bot("new"), records=[recorded(due, issued=NOW - 28 * DAY), recorded(bot("other"))])
    assert actions(plan) == [("due", Action.ROTATE)]
    assert plan.changes[0].causes == (Cause.DUE,)
    [note] = plan.findings
    assert (note.rule, note.message) == ("left-to-apply", "not part of this run: 1 create, 1 replace")


def test_tick_revokes_what_an_applied_plan_has_retired_and_nothing_that_is_merely_undeclared():
    key = bot()
    old, undeclared = recorded(key, retired_until=NOW), recorded(bot("gone"))
    plan = tick(key, records=[recorded(key, 2), undeclared], retired=[old])
    assert [(change.action, change.old.name) for change in plan.changes] == [(Action.REVOKE, "bot.a7.g1")]


@pytest.mark.parametrize(
    "moved",
    [{"ip_allowlist": ()}, {"grants": READ}, {"valid_for": 90 * DAY}, {"protect": True}, {"nonce_window": 3}],
    ids=lambda fields: next(iter(fields)),
)
def test_tick_does_not_rotate_a_key_into_what_nobody_has_applied(moved):
    before = bot(max_age=30 * DAY)
    after = replace(before, **moved)
    plan = tick(after, records=[recorded(before, issued=NOW - 28 * DAY)])
    [change] = plan.changes
    assert change.action is Action.BLOCKED
    assert change.reasons == ("due, but its manifest has changes that are not applied: left to apply",)


@pytest.mark.parametrize("drift", [{"ip_allowlist": ()}, {"permissions": READ}, {"valid_until": NOW + 40 * DAY}])
def test_tick_does_not_undo_what_somebody_did_to_a_key_by_hand(drift):
    key = bot(max_age=30 * DAY)
    record = recorded(key, issued=NOW - 28 * DAY)
    plan = tick(key, records=[record], live=[alive(record, **drift)])
    assert [change.reasons[0] for change in plan.changes] == [
        "due, but the live key was changed by somebody: left to apply"
    ]


def test_tick_never_makes_a_key_again_that_somebody_revoked():
    key = bot(max_age=30 * DAY)
    assert not tick(key, records=[recorded(key, issued=NOW - 60 * DAY)], live=[]).changes


def test_tick_rotates_a_due_key_whose_trigger_changed_too():
    key = bot(max_age=30 * DAY, trigger="x")
    record = recorded(replace(key, rotation=replace(key.rotation, trigger="")), issued=NOW - 28 * DAY)
    assert actions(tick(key, records=[record])) == [("bot", Action.ROTATE)]
    assert not tick(bot(trigger="x"), records=[recorded(bot())]).changes


def test_tick_is_not_crowded_by_what_it_leaves_to_apply():
    """The key that only apply would create takes no place from one that is due."""
    due = bot("due", max_age=30 * DAY, overlap=DAY)
    plan = tick(due, bot("new"), records=[recorded(due, issued=NOW - 28 * DAY)], limit=2)
    assert [(change.overlap, change.gap) for change in plan.changes] == [(DAY, False)]


def test_tick_leaves_no_consumer_without_a_key_of_its_own_accord():
    key = bot(max_age=30 * DAY, overlap=DAY)
    plan = tick(key, records=[recorded(key, issued=NOW - 28 * DAY)], limit=1)
    assert actions(plan) == [("bot", Action.BLOCKED)]
    assert "no room for a second key" in plan.changes[0].reasons[0]


def test_a_key_that_has_expired_is_rotated_by_tick_also_where_there_is_no_room():
    key = bot(valid_for=30 * DAY)
    record = recorded(key, issued=NOW - 31 * DAY)
    [change] = tick(key, records=[record], live=[alive(record, valid_until=NOW - DAY)], limit=1).changes
    assert (change.action, change.gap) == (Action.ROTATE, True)


def test_where_tick_holds_a_rotation_up_no_overlap_ends_early_for_it():
    key = bot(max_age=30 * DAY, overlap=20 * DAY)
    records, old = [recorded(key, 2, issued=NOW - 28 * DAY)], recorded(key, retired_until=NOW + DAY)
    assert actions(tick(key, records=records, retired=[old], limit=1)) == [("bot", Action.BLOCKED)]


def test_what_tick_leaves_out_is_named():
    plan = tick(bot("new"), bot("other", grants=READ), records=[recorded(bot("other"))])
    assert plan.findings[0].addresses == ("ApiKey/acme/new", "ApiKey/acme/other")


def test_tick_has_no_eye_for_keys_that_are_not_ours():
    assert not tick(bot(), records=[recorded(bot())], intents=[intent(bot("other"), 1)]).findings


# --- rotate


def test_tick_counts_what_is_blocked_and_left_to_a_person():
    far = on(name="desk", phase=Phase.REQUESTED, reason="not set up yet")
    plan = draw(wish(bot(), bot(account="desk"), accounts=[account(), sub_account()]), on(), far, errand=Tick())
    assert actions(plan) == []
    assert plan.findings[0].message == "not part of this run: 2 blocked, 1 create"


def rotate(*declared, records, **errand):
    live = on(*(alive(record) for record in records))
    return draw(wish(*declared), live, recorded=memory(*records), errand=Rotate(**errand))


def test_rotate_gives_a_new_secret_and_changes_nothing_else():
    key = bot(overlap=DAY)
    [change] = rotate(key, records=[recorded(key)], addresses=(key.address,), reason="ticket 7").changes
    assert (change.action, change.causes, change.fields, change.overlap) == (Action.ROTATE, (Cause.ASKED,), (), DAY)
    assert change.reasons == ("asked for: ticket 7",)


def test_rotate_touches_no_other_key():
    due, asked = bot("due", max_age=DAY), bot("asked")
    records = [recorded(due, issued=NOW - DAY), recorded(asked)]
    plan = rotate(due, asked, bot("new"), records=records, addresses=(asked.address,))
    assert actions(plan) == [("asked", Action.ROTATE)]
    assert plan.findings[0].message == "not part of this run: 1 create, 1 rotate"


def test_rotate_ends_the_overlaps_that_are_over_where_it_needs_the_place_and_nowhere_else():
    asked, other, far = bot("asked", overlap=DAY), bot("other", overlap=DAY), bot("far", "desk", overlap=DAY)
    records = [recorded(asked), recorded(other, 2), recorded(far, 2)]
    over, far_over = recorded(other, retired_until=NOW), recorded(far, retired_until=NOW)
    accounts = [account(keys_limit=4), sub_account()]
    live = on(alive(records[0]), alive(records[1]), alive(over), stranger())
    below = on(alive(records[2]), alive(far_over), name="desk", iiban="AA34")
    memories = memory(*records, retired=[over, far_over])
    errand = Rotate(addresses=(asked.address,))
    plan = draw(wish(asked, other, far, accounts=accounts), live, below, recorded=memories, errand=errand)
    assert actions(plan) == [("other", Action.REVOKE), ("asked", Action.ROTATE)]
    assert (plan.changes[1].overlap, plan.changes[1].gap) == (DAY, False)
    assert plan.gone == ()


def test_a_compromised_key_goes_first_and_nothing_of_it_lives_on():
    key = bot(overlap=DAY)
    old, current = recorded(key, retired_until=NOW + HOUR), recorded(key, 2)
    live = on(alive(old), alive(current))
    errand = Rotate(addresses=(key.address,), compromised=True)
    first, second = draw(wish(key), live, recorded=memory(current, retired=[old]), errand=errand).changes
    assert (first.action, first.old.name) == (Action.REVOKE, "bot.a7.g1")
    assert (second.strategy, second.gap, second.overlap) == (Strategy.REVOKE_FIRST, True, 0)
    assert second.steps[0].name == "bot.a7.g2"


def test_rotate_refuses_a_key_whose_manifest_has_changes_that_are_not_applied():
    changed = bot(grants=READ)
    with pytest.raises(CannotRotate, match="the manifest of ApiKey/acme/bot has changes"):
        rotate(changed, records=[recorded(bot())], addresses=(changed.address,))


def test_a_compromised_key_does_not_wait_for_what_its_manifest_says_by_now():
    changed = bot(grants=READ)
    [change] = rotate(changed, records=[recorded(bot())], addresses=(changed.address,), compromised=True).changes
    assert (change.action, change.new.spec.permissions, change.gap) == (Action.REPLACE, READ, True)


def test_rotate_brings_a_key_back_that_somebody_changed_by_hand():
    key = bot()
    record = recorded(key)
    live = on(alive(record, permissions=READ))
    [change] = draw(wish(key), live, recorded=memory(record), errand=Rotate(addresses=(key.address,))).changes
    assert (change.action, change.causes) == (Action.REPLACE, (Cause.DRIFT, Cause.ASKED))


@pytest.mark.parametrize(("live", "message"), [(True, "no longer declared"), (False, "gone from the exchange already")])
def test_rotate_refuses_a_key_that_is_no_longer_declared(live, message):
    record = recorded(bot())
    with pytest.raises(CannotRotate, match=message):
        draw(
            wish(bot("other")),
            on(*[alive(record)] * live),
            recorded=memory(record),
            errand=Rotate(addresses=(record.address,)),
        )


def test_rotate_refuses_a_key_that_was_never_issued():
    with pytest.raises(CannotRotate, match="ApiKey/acme/bot was never issued"):
        rotate(bot(), records=[], addresses=(bot().address,))


def test_an_address_that_nobody_knows_is_an_error_with_a_guess():
    with pytest.raises(UsageError) as caught:
        rotate(bot(), records=[recorded(bot())], addresses=(Address.parse("ApiKey/acme/bto"),))
    assert caught.value.hint == "did you mean ApiKey/acme/bot?"


def test_all_keys_of_an_age_are_rotated_and_those_with_open_changes_are_left():
    old, young, changed = bot("old"), bot("young"), bot("changed", grants=READ)
    records = [
        recorded(old, issued=NOW - 60 * DAY),
        recorded(young, issued=NOW - 59 * DAY),
        recorded(bot("changed"), issued=NOW - 60 * DAY),
    ]
    plan = rotate(old, young, changed, records=records, older_than=60 * DAY)
    assert actions(plan) == [("old", Action.ROTATE)]
    assert plan.findings[0].message == "not part of this run: 1 replace"


# --- room


def crowded(*issued, overlap=DAY, **fields):
    """Keys of 90 days, made so many days ago, on an account with one free place."""
    keys = [bot(f"bot-{n}", max_age=90 * DAY, overlap=overlap, jitter=1) for n in range(len(issued))]
    records = [recorded(key, issued=NOW - days * DAY) for key, days in zip(keys, issued, strict=True)]
    return tick(*keys, records=records, limit=len(keys) + 1, **fields)


def test_overlaps_take_turns_when_there_is_one_place_and_the_most_urgent_is_first():
    plan = crowded(82, 84, 83)
    assert actions(plan) == [("bot-1", Action.ROTATE)]
    assert [finding.address for finding in plan.findings] == ["ApiKey/acme/bot-2", "ApiKey/acme/bot-0"]
    assert "is due, and waits for room" in plan.findings[0].message
    assert len(plan.unchanged) == 2


def test_a_key_whose_policy_cannot_wait_gives_up_its_overlap_and_not_its_consumer():
    [first, second] = crowded(89, 88).changes
    assert (first.address.name, first.overlap, first.gap) == ("bot-1", 0, False)
    assert (second.address.name, second.overlap) == ("bot-0", DAY)


def test_a_running_overlap_is_waited_for_rather_than_the_old_key_sent_first():
    due, other = bot("due", max_age=90 * DAY, overlap=DAY), bot("other")
    old = recorded(other, retired_until=NOW + HOUR)
    records = [recorded(due, issued=NOW - 82 * DAY), recorded(other, 2)]
    plan = tick(due, other, records=records, retired=[old], limit=3)
    assert not plan.changes
    assert [finding.rule for finding in plan.findings] == ["waits-for-room"]


def test_what_somebody_asks_for_never_waits():
    keys = [bot(f"bot-{n}", overlap=DAY) for n in range(2)]
    live = on(*(alive(recorded(key)) for key in keys))
    desired = wish(*keys, accounts=[account(keys_limit=3)])
    plan = draw(desired, live, recorded=memory(*map(recorded, keys)), errand=Rotate())
    assert len(plan.changes) == 2


def test_a_limit_that_kraken_showed_is_planned_with_until_more_keys_are_seen():
    key = bot(overlap=DAY, trigger="x")
    record = recorded(bot(overlap=DAY))
    others = [replace(alive(record), name=f"by-hand-{n}") for n in range(2)]

    def overlap(limit, live):
        known = replace(memory(record), limits={"acme": SeenLimit(limit)})
        return draw(wish(key), on(alive(record), *live), recorded=known).changes[0]

    assert overlap(1, []).gap
    assert "Kraken took no more keys than 1" in overlap(1, []).reasons[-1]
    assert not overlap(1, others).gap


@pytest.mark.parametrize(
    ("declared", "seen", "gap"),
    [
        (20, SeenLimit(1, declared=20), True),
        (1, SeenLimit(20, declared=1), True),
        (20, SeenLimit(1, declared=10), False),  # somebody knows better by now
        (20, SeenLimit(1), False),
    ],
)
def test_a_declared_limit_that_kraken_did_not_keep_counts_until_another_one_is_declared(declared, seen, gap):
    known = replace(memory(recorded(bot())), limits={"acme": seen})
    desired = wish(bot(trigger="x"), accounts=[account(keys_limit=declared)])
    assert draw(desired, on(alive(recorded(bot()))), recorded=known).changes[0].gap is gap


def test_a_key_that_is_due_says_since_when_and_what_would_be_broken_when():
    key = bot(max_age=90 * DAY, jitter=1)
    change = change_of(key, recorded(key, issued=NOW - 81 * DAY))
    assert change.reasons == (
        "due since 2027-01-15T08:00:00Z: rotation.maxAge (90d) is reached at 2027-01-24T08:00:00Z",
    )


def test_a_long_overlap_does_not_keep_the_last_place_from_a_key_that_will_need_it():
    long = bot("long", max_age=90 * DAY, overlap=20 * DAY)
    other = bot("other", max_age=10 * DAY, overlap=DAY)
    records = [recorded(long, issued=NOW - 85 * DAY), recorded(other, issued=NOW - 3 * DAY)]
    [change] = tick(long, other, records=records, limit=3).changes
    assert (change.address.name, change.overlap) == ("long", 5 * DAY)
    assert "another key of this account needs room soon" in change.reasons[-1]
    assert tick(long, other, records=records, limit=4).changes[0].overlap == 20 * DAY


def test_a_rotation_without_overlap_waits_for_a_place_too_rather_than_leave_a_gap():
    due, other = bot("due", max_age=90 * DAY), bot("other")
    old = recorded(other, retired_until=NOW + HOUR)
    records = [recorded(due, issued=NOW - 82 * DAY), recorded(other, 2)]
    plan = tick(due, other, records=records, retired=[old], limit=3)
    assert [finding.rule for finding in plan.findings] == ["waits-for-room"]
    assert not plan.changes
