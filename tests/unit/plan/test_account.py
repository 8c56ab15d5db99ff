"""Everything about one account beside its declared keys: undeclared ones, overlaps, leftovers, strangers, phases."""

from dataclasses import replace

import pytest

from krakenctl.model.coverage import Coverage
from krakenctl.model.live import LiveAccount, Phase
from krakenctl.model.plan import Action, Verb
from krakenctl.model.recorded import Given, RecordedAccount
from krakenctl.plan.changes import BY_NAME_ALONE
from plan_builders import (
    DAY,
    NOW,
    READ,
    account,
    alive,
    bot,
    draw,
    intent,
    memory,
    on,
    recorded,
    stranger,
    sub_account,
    wish,
)


def told(drawn):
    """Action and the live name it is about, in the plan's order."""
    return [(c.action.value, c.old.name if c.old else c.new.name if c.new else "") for c in drawn.changes]


def retired(key, until, generation=1):
    return recorded(key, generation=generation, retired_until=until)


# --- no longer declared


def test_a_key_that_is_no_longer_declared_is_revoked():
    ours = recorded(bot())
    [change] = draw(wish(), on(alive(ours)), recorded=memory(ours)).changes
    assert (change.action, change.old.name) == (Action.REVOKE, "bot.a7.g1")


@pytest.mark.parametrize("desired", [wish(), wish(bot())], ids=["undeclared", "retired"])
def test_a_revoke_says_when_nothing_but_the_name_tells_that_the_key_is_ours(desired):
    ours, old = recorded(bot(), generation=2), retired(bot(), NOW - 1)
    known = memory(ours, retired=[old])
    sure = draw(desired, on(alive(ours), alive(old)), recorded=known).changes
    unsure = draw(desired, on(*(replace(alive(one), created=0) for one in (ours, old))), recorded=known).changes
    assert [change.action for change in unsure] == [change.action for change in sure]
    assert {change.reasons[-1] for change in unsure} == {BY_NAME_ALONE}
    assert not any(BY_NAME_ALONE in change.reasons for change in sure)


def test_a_key_that_is_removed_with_forget_lives_on():
    ours = recorded(bot())
    [change] = draw(wish(forget=[ours.address]), on(alive(ours)), recorded=memory(ours)).changes
    assert (change.action, [s.verb for s in change.steps]) == (Action.FORGET, [Verb.FORGET])


def test_a_key_that_is_undeclared_and_gone_already_is_only_forgotten():
    ours = recorded(bot())
    [change] = draw(wish(), on(), recorded=memory(ours)).changes
    assert change.action is Action.FORGET


def test_a_key_that_a_person_made_again_under_our_name_is_never_revoked():
    ours = recorded(bot())
    theirs = replace(alive(ours), created=ours.created - 1)
    drawn = draw(wish(), on(theirs), recorded=memory(ours))
    assert [change.action for change in drawn.changes] == [Action.FORGET]
    assert [finding.rule for finding in drawn.findings] == ["unknown-key"]


def test_deleting_the_manifest_does_not_delete_its_protection():
    ours = recorded(bot(protect=True))
    [change] = draw(wish(), on(alive(ours)), recorded=memory(ours)).changes
    assert (change.action, change.protect) == (Action.REVOKE, True)  # the guard refuses it
    assert "protected" in change.reasons[-1]


def test_a_protected_key_may_be_forgotten():
    ours = recorded(bot(protect=True))
    [change] = draw(wish(forget=[ours.address]), on(alive(ours)), recorded=memory(ours)).changes
    assert change.action is Action.FORGET


def test_keys_of_an_account_that_is_no_longer_declared_are_still_revoked():
    ours = recorded(bot(account="gone"))
    accounts = {"gone": RecordedAccount(name="gone", kind="SubAccount")}
    drawn = draw(wish(), on(), on(alive(ours), name="gone"), recorded=memory(ours, accounts=accounts))
    assert told(drawn) == [("revoke", "bot.a7.g1")]
    assert [(one.kind, one.name) for one in drawn.accounts] == [("Account", "acme"), ("SubAccount", "gone")]


# --- a new name


def test_a_former_name_in_another_account_is_another_key():
    former = recorded(bot(account="desk"))
    key = bot(formerly=(former.address,))
    accounts = (account(), sub_account())
    drawn = draw(wish(key, accounts=accounts), on(), on(alive(former), name="desk"), recorded=memory(former))
    assert told(drawn) == [("create", "bot.a7.g1"), ("revoke", "bot.a7.g1")]


def test_when_both_the_new_and_the_former_name_are_recorded_the_former_one_is_undeclared():
    former, key = recorded(bot("old")), bot("new", formerly=(bot("old").address,))
    ours = recorded(key)
    drawn = draw(wish(key), on(alive(ours), alive(former)), recorded=memory(ours, former))
    assert told(drawn) == [("revoke", "old.a7.g1")]


# --- a state that is older than what it should remember


def test_a_later_key_of_ours_that_is_not_recorded_blocks_also_while_the_recorded_one_lives():
    """As after a restore: the recorded one may be in its overlap, and a third generation would join two living ones."""
    ours = recorded(bot())
    later = replace(alive(ours), name="bot.a7.g2", created=ours.created + 1)
    [change] = draw(wish(bot(grants=READ)), on(alive(ours), later), recorded=memory(ours)).changes
    assert change.action is Action.BLOCKED
    assert "bot.a7.g2 is live" in change.reasons[0]


def test_a_strangers_key_with_a_higher_number_that_was_there_before_ours_blocks_nothing():
    ours = recorded(bot())
    theirs = replace(alive(ours), name="bot.a7.g9", created=ours.created - 1)
    [change] = draw(wish(bot(grants=READ)), on(alive(ours), theirs), recorded=memory(ours)).changes
    assert change.action is Action.REPLACE


# --- overlaps


def test_a_retired_key_lives_until_its_overlap_ends():
    key = bot(overlap=DAY)
    old, ours = retired(key, NOW + 1), recorded(key, generation=2)
    world = {"recorded": memory(ours, retired=[old])}
    running = draw(wish(key), on(alive(old), alive(ours)), **world)
    assert not running.changes
    assert [(o.name, o.until) for o in running.overlaps] == [("bot.a7.g1", NOW + 1)]
    ended = draw(wish(key), on(alive(old), alive(ours)), now=NOW + 1, **world)
    assert told(ended) == [("revoke", "bot.a7.g1")]
    assert not ended.overlaps


def test_a_third_generation_never_joins_two_living_ones():
    key = bot(overlap=DAY)
    old, ours = retired(key, NOW + DAY), recorded(key, generation=2)
    drawn = draw(wish(bot(overlap=DAY, grants=READ)), on(alive(old), alive(ours)), recorded=memory(ours, retired=[old]))
    assert told(drawn) == [("revoke", "bot.a7.g1"), ("replace", "bot.a7.g2")]
    assert "ends early" in drawn.changes[0].reasons[0]


def test_an_overlap_has_no_sense_when_the_successor_goes():
    old, ours = retired(bot(), NOW + DAY), recorded(bot(), generation=2)
    drawn = draw(wish(), on(alive(old), alive(ours)), recorded=memory(ours, retired=[old]))
    assert told(drawn) == [("revoke", "bot.a7.g1"), ("revoke", "bot.a7.g2")]


def test_when_the_successor_is_gone_the_retired_key_stays_until_there_is_another():
    old, ours = retired(bot(), NOW), recorded(bot(), generation=2)
    drawn = draw(wish(bot()), on(alive(old)), recorded=memory(ours, retired=[old]))
    assert told(drawn) == [("create", "bot.a7.g3"), ("revoke", "bot.a7.g1")]


def test_a_retired_key_of_a_former_name_makes_way_too():
    former, key = bot("old"), bot("new", formerly=(bot("old").address,), grants=READ)
    old, ours = retired(former, NOW + DAY), replace(recorded(former, generation=2), address=key.address)
    drawn = draw(wish(key), on(alive(old), alive(ours)), recorded=memory(ours, retired=[old]))
    assert told(drawn) == [("revoke", "old.a7.g1"), ("replace", "old.a7.g2")]


def test_a_retired_key_that_is_gone_needs_nothing():
    key = bot()
    ours = recorded(key, generation=2)
    assert not draw(wish(key), on(alive(ours)), recorded=memory(ours, retired=[retired(key, NOW)])).changes


def test_forgetting_a_key_lets_the_overlap_of_the_one_before_run_on():
    old, ours = retired(bot(), NOW + DAY), recorded(bot(), generation=2)
    desired = wish(forget=[ours.address])
    drawn = draw(desired, on(alive(old), alive(ours)), recorded=memory(ours, retired=[old]))
    assert [change.action for change in drawn.changes] == [Action.FORGET]
    assert len(drawn.overlaps) == 1


# --- what an interrupted run left


def left(key, generation, created=NOW):
    return replace(alive(recorded(key, generation=generation)), created=created)


def test_an_intent_that_made_no_key_asks_for_nothing():
    key = bot()
    ours = recorded(key)
    assert not draw(wish(key), on(alive(ours)), recorded=memory(ours, intents=[intent(key, 2)])).changes


@pytest.mark.parametrize("created", [NOW - 121, 0], ids=["earlier", "not told"])
def test_a_key_that_was_there_before_the_intent_is_reported_and_never_touched(created):
    key = bot()
    ours = recorded(key)
    drawn = draw(wish(key), on(alive(ours), left(key, 2, created)), recorded=memory(ours, intents=[intent(key, 2)]))
    assert not drawn.changes
    assert [finding.rule for finding in drawn.findings] == ["unknown-key"]


# --- strangers


def test_a_key_that_nobody_here_manages_is_reported_with_what_it_may_do():
    drawn = draw(wish(), on(stranger(unknown_permissions=frozenset({"launch-rockets"}))))
    assert not drawn.changes
    [finding] = drawn.findings
    assert finding.rule == "unmanaged-key"
    assert "withdraw-funds" in finding.message
    assert "launch-rockets" in finding.message


def test_a_strangers_expiry_beyond_every_calendar_is_no_obstacle():
    assert len(draw(wish(), on(stranger(valid_until=10**15))).findings) == 1


def test_unmanaged_keys_can_be_ignored():
    assert not draw(wish(accounts=[account(report_unmanaged=False)]), on(stranger())).findings


def test_a_key_with_our_tag_that_is_not_recorded_is_a_warning():
    [finding] = draw(wish(), on(stranger("bot.a7.g1"))).findings
    assert (finding.rule, finding.severity.value) == ("unknown-key", "warning")


# --- keys that were handed over


def given(record, **fields):
    known = Given(address=record.address, live_name=record.live_name, created=record.created)
    return replace(memory(generations={record.address: record.generation}), given=(replace(known, **fields),))


def test_who_hands_a_key_over_says_exactly_which():
    ours = recorded(bot())
    [change] = draw(wish(forget=[ours.address]), on(alive(ours)), recorded=memory(ours)).changes
    assert (change.old.name, change.old.created) == (ours.live_name, ours.created)
    [change] = draw(wish(forget=[ours.address]), on(), recorded=memory(ours)).changes
    assert change.old is None, "what is gone is handed over to nobody"


@pytest.mark.parametrize("told", [NOW, 0], ids=["dated", "not dated"])
def test_a_key_that_was_handed_over_is_unmanaged_whatever_its_name(told):
    ours = recorded(bot())
    [finding] = draw(wish(), on(replace(alive(ours), created=told)), recorded=given(ours)).findings
    assert (finding.rule, finding.severity.value) == ("unmanaged-key", "note")
    assert "handed over" in finding.message


def test_a_key_that_was_handed_over_can_be_ignored():
    ours = recorded(bot())
    desired = wish(accounts=[account(report_unmanaged=False)])
    assert not draw(desired, on(alive(ours)), recorded=given(ours)).findings


@pytest.mark.parametrize("other", [{"created": NOW - DAY}, {"address": bot("bot", "desk").address}])
def test_a_key_of_its_name_that_is_another_one_is_a_warning(other):
    ours = recorded(bot())
    drawn = draw(wish(), on(alive(ours)), recorded=given(ours, **other))
    assert [finding.rule for finding in drawn.findings] == ["unknown-key"]


def test_a_key_that_was_handed_over_and_is_declared_again_is_not_taken_back_and_the_plan_says_so():
    ours = recorded(bot())
    [change] = draw(wish(bot()), on(alive(ours)), recorded=given(ours)).changes
    assert (change.action, change.new.name, change.old) == (Action.CREATE, "bot.a7.g2", None)
    assert "bot.a7.g1 was handed over" in change.reasons[0]
    assert "main:acme/bot" in change.reasons[0]
    [change] = draw(wish(bot()), on(), recorded=given(ours)).changes
    assert not any("handed over" in reason for reason in change.reasons)


# --- accounts that are not ready


def blind(phase=Phase.REQUESTED, name="acme", **fields):
    return LiveAccount(name=name, phase=phase, reason="no credential", **fields)


def test_keys_of_an_account_that_cannot_be_reached_are_blocked_and_say_why():
    drawn = draw(wish(bot()), blind())
    assert [(c.action, c.reasons) for c in drawn.changes] == [(Action.BLOCKED, ("no credential",))]


def test_a_master_that_cannot_be_seen_does_not_look_clean_though_nothing_is_declared_on_it():
    accounts = (account(), account("other"))
    drawn = draw(wish(accounts=accounts), on(), blind(name="other"))
    assert [(str(c.address), c.action) for c in drawn.changes] == [("Account/other", Action.BLOCKED)]


@pytest.mark.parametrize("trace", [{"retired": [retired(bot(), NOW)]}, {"intents": [intent(bot(), 1)]}])
def test_what_may_be_live_because_of_us_and_cannot_be_seen_does_not_look_clean(trace):
    drawn = draw(wish(), blind(), recorded=memory(**trace))
    assert [c.action for c in drawn.changes] == [Action.BLOCKED]


def test_an_address_is_blocked_once():
    drawn = draw(wish(bot()), blind(), recorded=memory(recorded(bot()), retired=[retired(bot(), NOW)]))
    assert len(drawn.changes) == 1


def test_keys_made_by_a_person_on_the_website_are_blocked_and_not_taken_for_missing():
    live = LiveAccount(name="acme", phase=Phase.READY, coverage=Coverage.NONE)
    [change] = draw(wish(bot(), accounts=[account(surface="website")]), live).changes
    assert change.action is Action.BLOCKED


# --- sub-accounts


def with_desk(*keys):
    return wish(*keys, accounts=(account(), sub_account()))


def test_a_sub_account_that_is_not_there_is_requested_by_its_master_before_its_keys():
    drawn = draw(with_desk(bot(account="desk")), on(), blind(Phase.ABSENT, "desk"))
    request, create = drawn.changes
    assert (str(request.address), request.account, request.steps[0].verb) == ("SubAccount/desk", "acme", Verb.REQUEST)
    assert (create.action, create.waits_for) == (Action.CREATE, request.address)


def test_a_key_whose_grant_has_ended_is_counted_also_below_a_sub_account_that_is_not_there():
    drawn = draw(with_desk(bot(account="desk", valid_until=NOW)), on(), blind(Phase.ABSENT, "desk"))
    assert [str(address) for address in drawn.unchanged] == ["ApiKey/desk/bot"]


def test_keys_below_a_requested_sub_account_are_blocked_not_failed():
    drawn = draw(with_desk(bot(account="desk")), on(), blind(Phase.REQUESTED, "desk"))
    assert [(str(c.address), c.action) for c in drawn.changes] == [
        ("SubAccount/desk", Action.BLOCKED),
        ("ApiKey/desk/bot", Action.BLOCKED),
    ]


def test_equal_names_on_two_accounts_do_not_meet():
    mine, theirs = bot(), bot(account="desk")
    records = recorded(mine), recorded(theirs)
    live = on(alive(records[0])), on(alive(records[1]), name="desk")
    assert not draw(with_desk(mine, theirs), *live, recorded=memory(*records)).changes
