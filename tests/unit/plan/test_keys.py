"""What becomes of one declared key."""

from dataclasses import replace

import pytest

from krakenctl.model.address import key_address
from krakenctl.model.desired import SecretRef
from krakenctl.model.permission import Permission
from krakenctl.model.plan import Action, Strategy, Verb
from plan_builders import DAY, HOUR, NOW, READ, TRADE, alive, bot, change_of, draw, memory, on, recorded, stranger, wish


def fields(change):
    return {field.field: (field.before, field.after) for field in change.fields}


def verbs(change):
    return [step.verb for step in change.steps]


# --- there or not


def test_a_key_that_is_not_there_yet_is_created():
    change = change_of(bot())
    assert change.action is Action.CREATE
    assert verbs(change) == [Verb.ISSUE, Verb.STORE, Verb.CHECK, Verb.PROMOTE]
    assert change.new.name == "bot.a7.g1"
    assert change.old is None


def test_a_key_that_is_as_declared_is_left_alone():
    key = bot(valid_for=90 * DAY)
    assert change_of(key, recorded(key)) is None


def test_a_key_that_somebody_revoked_is_issued_anew_under_a_new_name():
    key = bot()
    [change] = draw(wish(key), on(), recorded=memory(recorded(key))).changes
    assert (change.action, change.new.name) == (Action.CREATE, "bot.a7.g2")
    assert "bot.a7.g1 is gone from the exchange" in change.reasons[0]


def test_a_key_that_a_person_made_again_under_our_name_is_not_taken_for_ours():
    key = bot()
    ours = recorded(key)
    theirs = replace(alive(ours), created=ours.created + 1)
    drawn = draw(wish(key), on(theirs), recorded=memory(ours))
    [change] = drawn.changes
    assert (change.action, change.old, change.new.name) == (Action.CREATE, None, "bot.a7.g2")
    assert [finding.rule for finding in drawn.findings] == ["unknown-key"]
    assert "not its creation time" in drawn.findings[0].message


def test_a_key_whose_creation_time_kraken_does_not_tell_is_known_by_its_name():
    key = bot()
    ours = recorded(key)
    assert not draw(wish(key), on(replace(alive(ours), created=0)), recorded=memory(ours)).changes


@pytest.mark.parametrize("unknown", ["in the list", "in our memory"])
@pytest.mark.parametrize("desired", [{"grants": READ}, {"trigger": "x"}, {"valid_until": NOW - 1}], ids=list)
def test_a_key_that_is_known_by_its_name_alone_does_not_go_without_a_word_about_it(desired, unknown):
    ours = recorded(bot())
    live = alive(ours)
    if unknown == "in the list":
        live = replace(live, created=0)
    else:
        ours = replace(ours, created=0)
    [change] = draw(wish(bot(**desired)), on(live), recorded=memory(ours)).changes
    assert change.old.name == live.name
    assert change.reasons[-1] == "the exchange tells no creation time; matched by its name alone"


# --- grants


@pytest.mark.parametrize("grants", [READ, TRADE | {Permission.QUERY_LEDGER}], ids=["fewer", "more"])
def test_other_grants_replace_the_key_and_never_edit_it(grants):
    change = change_of(bot(grants=grants), recorded(bot()))
    assert change.action is Action.REPLACE
    assert change.strategy is Strategy.CREATE_FIRST
    assert verbs(change)[-1] is Verb.REVOKE
    assert change.steps[-1].name == "bot.a7.g1"
    assert "the declared grants changed" in change.reasons[0]


def test_a_right_that_somebody_added_is_told_apart_from_one_that_was_declared():
    change = change_of(bot(), recorded(bot()), permissions=TRADE | {Permission.WITHDRAW_FUNDS})
    assert change.action is Action.REPLACE
    assert "changed by somebody" in change.reasons[0]
    [field] = change.fields
    assert field.removed == ("withdraw-funds",)


def test_a_right_that_this_krakenctl_does_not_know_replaces_the_key():
    change = change_of(bot(), recorded(bot()), unknown_permissions=frozenset({"launch-rockets"}))
    assert change.action is Action.REPLACE
    assert change.fields[0].removed == ("launch-rockets",)


def test_a_secret_that_is_to_live_elsewhere_means_a_new_key():
    change = change_of(bot(secret=SecretRef("vault", "x")), recorded(bot()))
    assert change.action is Action.REPLACE
    assert fields(change) == {"secret": ("main:acme/bot", "vault:x")}


# --- fields that can be edited


def test_another_allow_list_is_an_update_in_place():
    change = change_of(bot(ip_allowlist=("198.51.100.7",)), recorded(bot()))
    assert change.action is Action.UPDATE
    assert verbs(change) == [Verb.UPDATE, Verb.CHECK]
    assert change.new.spec.ip_allowlist == ("198.51.100.7",)
    assert "the manifest changed" in change.reasons[0]


def test_an_allow_list_that_somebody_opened_to_the_world_is_closed_again():
    change = change_of(bot(), recorded(bot()), ip_allowlist=())
    assert fields(change) == {"ipAllowlist": (["any"], ["203.0.113.10"])}
    assert "changed by somebody" in change.reasons[0]


@pytest.mark.parametrize("drift", [{"nonce_window": 5}, {"query_from": 1}, {"query_to": 2}, {"valid_until": NOW * 2}])
def test_what_nobody_declared_is_never_compared(drift):
    assert change_of(bot(), recorded(bot()), **drift) is None


def test_an_update_keeps_what_nobody_declared():
    change = change_of(bot(ip_allowlist=()), recorded(bot()), nonce_window=5, valid_until=NOW * 2)
    assert (change.new.spec.nonce_window, change.new.spec.valid_until) == (5, NOW * 2)


def test_what_kraken_makes_of_an_unmanaged_field_is_not_blamed_on_somebody():
    change = change_of(bot(ip_allowlist=()), recorded(bot()), nonce_window=5)
    assert "the manifest changed" in change.reasons[0]


@pytest.mark.parametrize("fields", [{"nonce_window": 0}, {"query_from": 7}, {"query_to": 8}])
def test_what_is_declared_is_compared_also_when_it_is_zero(fields):
    key = bot(**fields)
    [name] = fields
    assert change_of(key, recorded(key)) is None
    assert change_of(key, recorded(key), **{name: 99}).action is Action.UPDATE


# --- expiry


def test_an_expiry_counts_from_the_issue_and_two_minutes_are_no_difference():
    key = bot(valid_for=90 * DAY)
    expiry = NOW + 90 * DAY
    assert change_of(key, recorded(key), valid_until=expiry + 120) is None
    assert change_of(key, recorded(key), valid_until=expiry + 121).action is Action.UPDATE


def test_an_expiry_that_somebody_took_away_is_put_back():
    key = bot(valid_for=90 * DAY)
    change = change_of(key, recorded(key), valid_until=0)
    assert fields(change) == {"expires": ("never", "2027-04-15T08:00:00Z")}


def test_a_longer_life_is_given_in_place():
    old, new = bot(valid_for=90 * DAY), bot(valid_for=180 * DAY)
    assert change_of(new, recorded(old)).action is Action.UPDATE


def test_a_shorter_life_that_would_end_the_key_now_rotates_it_instead():
    old, new = bot(valid_for=180 * DAY), bot(valid_for=30 * DAY)
    change = change_of(new, recorded(old, issued=NOW - 60 * DAY))
    assert change.action is Action.ROTATE
    assert "its expiry is 2026-12-16T08:00:00Z" in change.reasons[0]


def test_a_key_near_its_end_is_rotated_in_time():
    key = bot(valid_for=90 * DAY, jitter=1)
    record = recorded(key, issued=NOW - 81 * DAY)
    assert change_of(key, record, now=NOW - 1) is None
    assert change_of(key, record).action is Action.ROTATE


def test_a_long_overlap_makes_near_come_sooner():
    key = bot(valid_for=90 * DAY, overlap=7 * DAY, jitter=1)
    record = recorded(key, issued=NOW - 74 * DAY)
    assert change_of(key, record, now=NOW - 1) is None
    assert change_of(key, record).action is Action.ROTATE


@pytest.mark.parametrize("life", [HOUR, 12 * HOUR, DAY, 2 * DAY])
@pytest.mark.parametrize("overlap", [0, 30 * DAY])
def test_a_short_lived_key_is_rotated_in_the_second_half_of_its_life_and_not_before(life, overlap):
    key = bot(valid_for=life, overlap=overlap)
    record = recorded(key)
    assert change_of(key, record) is None
    assert change_of(key, record, now=NOW + life // 2 - 1) is None
    assert change_of(key, record, now=NOW + life - 1).action is Action.ROTATE


def test_an_expired_key_is_rotated():
    key = bot(valid_for=DAY * 90)
    change = change_of(key, recorded(key, issued=NOW - 91 * DAY))
    assert (change.action, change.reasons) == (Action.ROTATE, ("expired at 2027-01-14T08:00:00Z",))


def test_a_dead_key_gets_no_overlap():
    key = bot(valid_for=DAY * 90, overlap=DAY)
    change = change_of(key, recorded(key, issued=NOW - 91 * DAY))
    assert (change.overlap, change.steps[-1].verb) == (0, Verb.REVOKE)


def test_an_expired_key_whose_grant_was_prolonged_is_rotated_and_not_revived():
    record = recorded(bot(valid_until=NOW - DAY))
    assert change_of(bot(valid_until=NOW + DAY), record).action is Action.ROTATE


def test_the_end_of_a_grant_revokes_the_key_and_then_there_is_nothing_more_to_do():
    key = bot(valid_until=NOW)
    assert change_of(key, recorded(key)).action is Action.REVOKE
    assert change_of(key) is None


def test_the_end_of_a_grant_coming_near_is_no_reason_to_rotate():
    key = bot(valid_until=NOW + 60)
    assert change_of(key, recorded(key)) is None


def test_a_protected_key_whose_grant_ended_waits_for_a_person():
    key = bot(valid_until=NOW, protect=True)
    change = change_of(key, recorded(key))
    assert (change.action, change.protect) == (Action.REVOKE, True)  # the guard refuses it
    assert "protected" in change.reasons[-1]


def test_replacing_a_key_says_when_its_unmanaged_expiry_will_be_lost():
    change = change_of(bot(grants=READ), recorded(bot()), valid_until=NOW + 90 * DAY)
    assert fields(change)["expires"] == ("2027-04-15T08:00:00Z", "never")


def test_replacing_a_key_does_not_call_the_same_life_counted_anew_a_difference():
    change = change_of(bot(grants=READ, valid_for=90 * DAY), recorded(bot(valid_for=90 * DAY)))
    assert list(fields(change)) == ["permissions"]


# --- rotation


def test_a_key_is_rotated_on_the_day_it_is_due():
    key = bot(max_age=90 * DAY, overlap=DAY, jitter=1)
    record = recorded(key, issued=NOW - 81 * DAY)
    assert change_of(key, record, now=NOW - 1) is None
    change = change_of(key, record)
    assert (change.action, change.overlap) == (Action.ROTATE, DAY)
    assert "due since 2027-01-15" in change.reasons[0]
    assert change.steps[-1].verb is Verb.RETIRE


def test_another_trigger_rotates_once():
    key = bot(trigger="leak of march")
    assert change_of(key, recorded(bot())).action is Action.ROTATE
    assert change_of(key, recorded(key)) is None


def test_a_replacement_covers_a_rotation_that_is_due_too():
    change = change_of(bot(grants=READ, trigger="x"), recorded(bot()))
    assert change.action is Action.REPLACE
    assert change.trigger == "x"


# --- what only we remember


def test_a_new_name_for_the_same_key_touches_nothing_on_the_exchange():
    former = bot("old")
    key = bot("new", formerly=(former.address,), secret=former.secret)
    change = change_of(key, recorded(former))
    assert (change.action, change.steps, change.renamed_from) == (Action.UPDATE, (), former.address)
    assert change.new.name == "old.a7.g1"


def test_a_renamed_key_takes_its_new_name_when_it_is_replaced():
    former = bot("old")
    key = bot("new", formerly=(former.address,), secret=former.secret, grants=READ)
    change = change_of(key, recorded(former))
    assert (change.new.name, change.old.name, change.renamed_from) == ("new.a7.g1", "old.a7.g1", former.address)


@pytest.mark.parametrize("wanted", [True, False])
def test_protection_reaches_our_memory_without_any_other_change(wanted):
    change = change_of(bot(protect=wanted), recorded(bot(protect=not wanted)))
    assert (change.action, change.steps, change.protect) == (Action.UPDATE, (), wanted)
    assert fields(change) == {"protect": (not wanted, wanted)}


def test_protection_rides_along_with_an_update_and_is_shown():
    change = change_of(bot(protect=True, ip_allowlist=()), recorded(bot()))
    assert set(fields(change)) == {"ipAllowlist", "protect"}


# --- generations


def test_a_number_that_was_used_is_burned():
    address = key_address("acme", "bot")
    [change] = draw(wish(bot()), recorded=memory(generations={address: 7})).changes
    assert change.new.name == "bot.a7.g8"


def test_a_number_that_is_seen_live_is_burned_too():
    ours = recorded(bot())
    wider = bot(grants=READ | TRADE | {Permission.QUERY_LEDGER})
    [change] = draw(wish(wider), on(alive(ours), stranger("bot.a7.g4")), recorded=memory(ours)).changes
    assert change.new.name == "bot.a7.g5"


def test_a_live_key_of_ours_that_no_state_knows_is_not_doubled():
    [change] = draw(wish(bot()), on(stranger("bot.a7.g4"))).changes
    assert change.action is Action.BLOCKED
    assert "bot.a7.g4 is live" in change.reasons[0]


def test_a_live_key_with_our_tag_is_no_obstacle_while_the_state_knows_the_key():
    [change] = draw(
        wish(bot()), on(stranger("bot.a7.g4")), recorded=replace(memory(), generations={bot().address: 4})
    ).changes
    assert change.action is Action.CREATE


def test_numbers_of_other_names_and_tags_count_for_nothing():
    [change] = draw(wish(bot()), on(stranger("bot.b8.g4"), stranger("robot.a7.g5"), stranger("bot.a7.g05"))).changes
    assert change.new.name == "bot.a7.g1"
