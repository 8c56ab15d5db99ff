"""Each kind of drift: when it is told, and who ends it."""

from dataclasses import replace

import pytest

from krakenctl.model.address import Address
from krakenctl.model.coverage import Coverage
from krakenctl.model.drift import Kind, Mends
from krakenctl.model.key import KeySpec, LiveKey
from krakenctl.model.live import Aside, LiveAccount, Phase
from krakenctl.model.recorded import Containment, Given, RecordedAccount
from krakenctl.model.recovery import Move, Recovery
from krakenctl.tasks.drift.compare import compare, sights
from krakenctl.tasks.drift.scene import UNKNOWN, DriftScene, Slots
from plan_builders import DAY, HOUR, NOW, READ, TRADE, account, alive, bot, draw, intent, memory, on, recorded, wish


def scene(desired, *live, recorded=None, now=NOW, recovery=(), **fields):
    recorded = recorded or memory()
    return DriftScene(
        desired=desired,
        recorded=recorded,
        live={one.name: one for one in live},
        plan=draw(desired, *live, recorded=recorded, now=now, recovery=recovery),
        tag="a7",
        now=now,
        **{"within": 14 * DAY, **fields},
    )


def told(*args, **more):
    return [(str(drift.kind), drift.name, str(drift.mends)) for drift in compare(scene(*args, **more))]


def drifts(*args, **more):
    return compare(scene(*args, **more))


def of_one(key, record, live="as sent", now=NOW, **more):
    """Of one declared key with a record."""
    keys = [alive(record)] if live == "as sent" else [live] if live else []
    return compare(scene(wish(key), on(*keys), recorded=memory(record), now=now, **more))


def test_a_key_that_is_as_declared_and_as_sent_does_not_drift():
    key = bot()
    assert of_one(key, recorded(key)) == ()


def test_an_imported_key_was_never_sent():
    key = bot()
    record = recorded(key, generation=0, live_name="my own bot")
    [drift] = of_one(key, record, alive(record, ip_allowlist=()))
    assert (drift.kind, drift.sent) == (Kind.CHANGED, 0)
    assert drift.message == "somebody changed my own bot: it is not as it was imported, or sent since"
    [drift] = of_one(replace(key, grants=READ), record)
    assert (drift.kind, drift.message) == (Kind.UNDEPLOYED, "what is declared is not what was imported, or sent since")


def test_what_somebody_changed_is_told_field_by_field_with_when():
    key = bot()
    record = recorded(key)
    live = replace(alive(record, ip_allowlist=(), nonce_window=5), modified=NOW + 60)
    [drift] = of_one(key, record, live)
    assert (drift.kind, drift.mends, drift.modified, drift.sent) == (Kind.CHANGED, Mends.APPLY, NOW + 60, NOW)
    rows = {row.field: (row.desired, row.recorded, row.live, row.managed) for row in drift.fields}
    assert rows == {
        "ipAllowlist": (["203.0.113.10"], ["203.0.113.10"], ["any"], True),
        "nonceWindow": (None, 0, 5, False),
    }


def test_a_field_that_no_manifest_decides_is_for_a_person():
    key = bot()
    record = recorded(key)
    [drift] = of_one(key, record, alive(record, nonce_window=5))
    assert (drift.kind, drift.mends) == (Kind.CHANGED, Mends.PERSON)
    assert "declare it" in drift.do


def test_what_was_changed_and_is_declared_so_by_now_is_no_drift():
    key = bot(nonce_window=5)
    record = recorded(bot())
    assert of_one(key, record, alive(record, nonce_window=5)) == ()


def test_an_expiry_two_minutes_off_is_the_same_one():
    key = bot(valid_for=180 * DAY)
    record = recorded(key)
    assert of_one(key, record, alive(record, valid_until=record.spec.valid_until + 119)) == ()
    [drift] = of_one(key, record, alive(record, valid_until=record.spec.valid_until + 121))
    assert [row.field for row in drift.fields] == ["expires"]


@pytest.mark.parametrize(
    ("after", "field"),
    [
        (bot(ip_allowlist=("192.0.2.1",)), "ipAllowlist"),
        (bot(grants=READ), "permissions"),
        (bot(trigger="x"), "rotation.trigger"),
        (bot(protect=True), "protect"),
    ],
)
def test_an_edit_that_is_not_applied(after, field):
    [drift] = of_one(after, recorded(bot()))
    assert (drift.kind, drift.mends) == (Kind.UNDEPLOYED, Mends.APPLY)
    assert [row.field for row in drift.fields] == [field]


def test_a_key_with_another_address_is_an_edit_that_is_not_applied():
    old = bot("old")
    new = bot("new", formerly=(old.address,), secret=old.secret)
    [drift] = drifts(wish(new), on(alive(recorded(old))), recorded=memory(recorded(old)))
    assert (drift.kind, drift.address, drift.fields[0].field) == (Kind.UNDEPLOYED, new.address, "metadata.name")


def test_what_is_declared_and_was_never_issued_and_what_is_declared_no_longer():
    old = recorded(bot("old"))
    found = told(wish(bot("new")), on(alive(old)), recorded=memory(old))
    assert found == [("undeployed", "", "apply"), ("undeployed", "old.a7.g1", "apply")]


def test_a_key_that_is_gone_is_missing_and_apply_issues_another():
    key = bot()
    [drift] = of_one(key, recorded(key), None)
    assert (drift.kind, drift.name, drift.mends) == (Kind.MISSING, "bot.a7.g1", Mends.APPLY)


def test_a_key_made_again_under_its_name_is_not_it():
    key = bot()
    record = recorded(key)
    again = replace(alive(record), created=record.created + DAY)
    missing, orphan = of_one(key, record, again)
    assert (missing.kind, orphan.kind) == (Kind.MISSING, Kind.ORPHAN)
    assert "another key bears its name" in missing.message


def test_a_key_that_somebody_renamed_is_known_by_its_creation_time():
    key = bot()
    record = recorded(key)
    [drift] = of_one(key, record, replace(alive(record), name="Mine"))
    assert (drift.kind, drift.mends) == (Kind.RENAMED, Mends.APPLY)
    assert "“Mine”" in drift.message


def test_a_renamed_key_is_compared_as_if_it_had_its_name():
    key = bot()
    record = recorded(key)
    found = of_one(key, record, replace(alive(record, ip_allowlist=()), name="Mine"))
    assert {drift.kind for drift in found} == {Kind.RENAMED, Kind.CHANGED}


def test_of_two_keys_made_in_the_same_second_the_public_half_tells_which_was_renamed():
    one, two = bot("one"), bot("two")
    first, second = recorded(one, public_key="PUBLIC-1"), recorded(two, public_key="PUBLIC-2")
    live = replace(alive(second), name="Mine", public_key="PUBLIC-2")
    found = told(wish(one, two), on(live), recorded=memory(first, second))
    assert [(kind, name) for kind, name, _ in found] == [("missing", "one.a7.g1"), ("renamed", "two.a7.g1")]


def test_of_two_keys_made_in_the_same_second_what_they_may_do_tells_which_was_renamed():
    one, two = bot("one"), bot("two", grants=READ)
    live = replace(alive(recorded(two)), name="Mine")
    found = told(wish(one, two), on(live), recorded=memory(recorded(one), recorded(two)))
    assert [(kind, name) for kind, name, _ in found] == [("missing", "one.a7.g1"), ("renamed", "two.a7.g1")]


def test_of_two_keys_that_nothing_tells_apart_none_is_guessed():
    one, two = bot("one"), bot("two")
    live = replace(alive(recorded(two)), name="Mine")
    found = drifts(wish(one, two), on(live), recorded=memory(recorded(one), recorded(two)))
    assert [drift.kind for drift in found] == [Kind.MISSING, Kind.MISSING, Kind.UNMANAGED]
    assert all("or it is one of “Mine”" in drift.message for drift in found[:2])


def test_a_key_that_nobody_here_manages_is_told_with_its_rights_and_its_risks():
    by_hand = LiveKey(name="by-hand", created=NOW - DAY, spec=KeySpec(permissions=TRADE))
    [drift] = drifts(wish(), on(by_hand))
    assert (drift.kind, drift.since) == (Kind.UNMANAGED, NOW - DAY)
    assert "query-funds, modify-trades, from any address, made 24 hours ago" in drift.message
    assert {risk.rule for risk in drift.risks} == {"open-to-the-world", "never-expires"}


def test_unmanaged_keys_of_an_account_that_ignores_them_are_not_told_but_what_bears_our_tag_is():
    keys = [LiveKey(name=name, created=NOW, spec=KeySpec(permissions=READ)) for name in ("by-hand", "x.a7.g1")]
    quiet = account(report_unmanaged=False)
    assert told(wish(accounts=[quiet]), on(*keys)) == [("orphan", "x.a7.g1", "person")]


def test_a_key_that_was_handed_over_is_nobodys_here_although_it_bears_our_tag():
    key = bot()
    given = Given(address=key.address, live_name="bot.a7.g1", created=NOW)
    state = replace(memory(), given=(given,))
    [drift] = drifts(wish(), on(alive(recorded(key))), recorded=state)
    assert drift.kind is Kind.UNMANAGED
    assert "handed over" in drift.message


def test_a_key_that_was_handed_over_is_not_taken_for_one_that_was_renamed():
    one, two = bot("one"), bot("two")
    given = Given(address=two.address, live_name="two.a7.g1", created=NOW)
    state = replace(memory(recorded(one)), given=(given,))
    found = told(wish(one), on(alive(recorded(two))), recorded=state)
    assert [(kind, name) for kind, name, _ in found] == [("missing", "one.a7.g1"), ("unmanaged", "two.a7.g1")]


def test_an_expired_key():
    key = bot(valid_for=30 * DAY)
    record = recorded(key)
    [drift] = of_one(key, record, now=NOW + 31 * DAY)
    assert (drift.kind, drift.since, drift.mends) == (Kind.EXPIRED, NOW + 30 * DAY, Mends.APPLY)


def test_an_expired_key_that_is_not_listed_any_more_has_expired_too():
    key = bot(valid_for=30 * DAY)
    [drift] = of_one(key, recorded(key), None, now=NOW + 31 * DAY)
    assert drift.kind is Kind.EXPIRED


def test_an_end_is_soon_within_the_time_that_was_asked_for():
    key = bot(valid_until=NOW + 100 * DAY)
    assert of_one(key, recorded(key), now=NOW + 85 * DAY) == ()
    [drift] = of_one(key, recorded(key), now=NOW + 87 * DAY)
    assert (drift.kind, drift.mends) == (Kind.EXPIRES_SOON, Mends.TIME)
    assert of_one(key, recorded(key), now=NOW + 87 * DAY, within=7 * DAY) == ()


def test_the_end_of_a_short_life_is_not_soon_in_its_first_half():
    key = bot(valid_until=NOW + 4 * DAY)
    assert of_one(key, recorded(key), now=NOW + DAY) == ()
    assert [drift.kind for drift in of_one(key, recorded(key), now=NOW + 3 * DAY)] == [Kind.EXPIRES_SOON]


def test_a_grant_that_has_ended_is_to_have_no_key():
    key = bot(valid_until=NOW + DAY)
    assert of_one(key, recorded(key), None, now=NOW + 2 * DAY) == ()
    [drift] = of_one(key, recorded(key), now=NOW + 2 * DAY)
    assert (drift.kind, drift.mends) == (Kind.EXPIRED, Mends.APPLY)


def test_a_key_that_is_due_and_one_that_is_older_than_its_policy():
    key = bot(max_age=90 * DAY, jitter=0)
    record = recorded(key)
    [due] = of_one(key, record, now=NOW + 88 * DAY)
    [overdue] = of_one(key, record, now=NOW + 91 * DAY)
    assert (due.kind, due.mends, overdue.kind, overdue.mends) == (Kind.DUE, Mends.APPLY, Kind.OVERDUE, Mends.APPLY)
    assert overdue.since == NOW + 90 * DAY


def retired_pair(until, **fields):
    key = bot()
    old = recorded(key, issued=NOW - DAY, retired_until=until, **fields)
    return key, recorded(key, generation=2), old


def test_a_replaced_key_in_its_overlap_does_not_drift_also_with_the_end_that_the_overlap_gave_it():
    key, new, old = retired_pair(NOW + HOUR)
    for live in (alive(old), alive(old, valid_until=NOW + HOUR)):
        assert drifts(wish(key), on(alive(new), live), recorded=memory(new, retired=[old])) == ()


def test_a_replaced_key_that_outlives_its_overlap():
    key, new, old = retired_pair(NOW - HOUR)
    found = told(wish(key), on(alive(new), alive(old)), recorded=memory(new, retired=[old]))
    assert found == [("retired", "bot.a7.g1", "apply")]


def test_a_replaced_key_that_is_gone_before_its_overlap_has_ended_and_one_that_is_gone_after_it():
    key, new, old = retired_pair(NOW + HOUR)
    found = told(wish(key), on(alive(new)), recorded=memory(new, retired=[old]))
    assert found == [("missing", "bot.a7.g1", "time")]
    later = replace(old, retired_until=NOW - HOUR)
    assert drifts(wish(key), on(alive(new)), recorded=memory(new, retired=[later])) == ()


def test_a_revocation_that_is_only_claimed_is_told_by_whom_until_it_is_proved():
    key, new, old = retired_pair(NOW - HOUR, claimed_by="ann", claimed_at=NOW - 60)
    assert drifts(wish(key), on(alive(new)), recorded=memory(new, retired=[old])) == ()
    found = drifts(wish(key), on(alive(new), alive(old)), recorded=memory(new, retired=[old]))
    assert [(drift.kind, drift.since) for drift in found] == [(Kind.CLAIMED, NOW - 60)]
    assert "ann says that bot.a7.g1 is revoked" in found[0].message


def test_a_key_that_was_taken_unseen_is_told_until_it_is_looked_at():
    key = bot()
    [drift] = of_one(key, recorded(key, unverified="no route from here"))
    assert drift.kind is Kind.UNVERIFIED
    assert "`krakenctl verify ApiKey/acme/bot` where it may be used" in drift.do


def test_nobody_is_sent_to_a_plan_that_says_no_more_than_drift_does():
    key = bot()
    record = recorded(key)
    live = LiveAccount(
        name="acme",
        phase=Phase.READY,
        coverage=Coverage.HELD,
        keys=(alive(record),),
        surface="website",
        asides={record.live_name: Aside(odd=("Kraken lets this host use it no more",))},
    )
    [drift] = compare(scene(wish(key), live, recorded=memory(record)))
    assert (drift.kind, drift.fields) == (Kind.CHANGED, ())
    assert ("write what is meant into its manifest" in drift.do, "plan" in drift.do) == (True, False)


def test_a_live_key_whose_secret_is_in_no_slot():
    key = bot()
    for slots in (Slots(), Slots(current="other.a7.g1")):
        found = of_one(key, recorded(key), slots={key.address: slots})
        assert found[0].kind is Kind.NO_SECRET
    assert "krakenctl rotate ApiKey/acme/bot" in found[0].do


@pytest.mark.parametrize("slots", [Slots(current="bot.a7.g1"), Slots(previous="bot.a7.g1"), Slots(current=UNKNOWN)])
def test_a_secret_that_is_kept_in_any_slot_or_in_one_that_cannot_be_read_is_not_lost(slots):
    key = bot()
    assert of_one(key, recorded(key), slots={key.address: slots}) == ()


def test_a_slot_with_the_secret_of_a_key_that_is_not_live():
    key = bot()
    slots = Slots(current="bot.a7.g1", previous="bot.a7.g0")
    [drift] = of_one(key, recorded(key), slots={key.address: slots})
    assert (drift.kind, drift.name) == (Kind.STORE_ONLY, "bot.a7.g0")


def test_what_a_run_has_begun_is_told_with_what_recovery_would_do():
    key = bot()
    begun = intent(key, 1)
    todo = Recovery(address=key.address, account="acme", name="bot.a7.g1", move=Move.REVOKE, why="it is taken back")
    found = drifts(wish(key), on(), recorded=memory(intents=[begun]), recovery=[todo])
    unfinished = next(drift for drift in found if drift.kind is Kind.UNFINISHED)
    assert (unfinished.mends, unfinished.do) == (Mends.RECOVER, "`krakenctl recover`: it is taken back")


def test_a_key_that_lives_although_the_kill_switch_was_used_on_it():
    key = bot()
    by = Containment(at=NOW, who="ann", reason="leak")
    state = replace(memory(recorded(key)), contained={key.address: by})
    found = drifts(wish(key), on(alive(recorded(key))), recorded=state)
    assert Kind.CONTAINED in {drift.kind for drift in found}


def test_an_account_that_could_not_be_seen_is_never_clean_and_nothing_on_it_is_called_missing():
    key = bot()
    blind = LiveAccount(name="acme", phase=Phase.REQUESTED, reason="its credential is missing")
    found = drifts(wish(key), blind, recorded=memory(recorded(key)))
    assert [drift.kind for drift in found] == [Kind.UNSEEN]
    [sight] = sights(scene(wish(key), blind, recorded=memory(recorded(key))))
    assert (sight.coverage, sight.reason) == (Coverage.NONE, "its credential is missing")


def test_an_account_that_is_another_one_by_now():
    known = {"acme": RecordedAccount(name="acme", iiban="AA12 N84G EXAM PLE1")}
    pinned = account(iiban="BB12 N84G EXAM PLE2")
    found = drifts(wish(accounts=[pinned]), on(iiban="BB12 N84G EXAM PLE2"), recorded=memory(accounts=known), now=NOW)
    assert [drift.kind for drift in found] == [Kind.ACCOUNT]


def test_what_a_surface_finds_odd_about_a_key_is_told_and_what_it_did_not_ask_is_said():
    key, other = bot(), bot("view")
    record, unasked = recorded(key), recorded(other)
    live = replace(
        on(alive(record), alive(unasked), coverage=Coverage.HELD),
        asides={
            "bot.a7.g1": Aside(odd=("it belongs to another account",)),
            "view.a7.g1": Aside(unasked="its allow-list may leave this host out"),
        },
    )
    [drift] = drifts(wish(key, other), live, recorded=memory(record, unasked))
    assert (drift.kind, drift.address) == (Kind.CHANGED, Address("ApiKey", ("acme", "bot")))
    [sight] = sights(scene(wish(key, other), live, recorded=memory(record, unasked)))
    assert sight.unasked == {"view.a7.g1": "its allow-list may leave this host out"}


def test_a_key_that_tells_of_itself_is_renamed_where_kraken_calls_it_otherwise():
    key = bot()
    record = recorded(key)
    live = replace(on(alive(record), coverage=Coverage.HELD), asides={"bot.a7.g1": Aside(called="Mine")})
    [drift] = drifts(wish(key), live, recorded=memory(record))
    assert (drift.kind, drift.name, "called “Mine” now" in drift.message) == (Kind.RENAMED, "bot.a7.g1", True)


def test_only_the_accounts_that_were_asked_about_are_told():
    key = bot()
    assert compare(scene(wish(key), on(), recorded=memory(recorded(key))), only=()) == ()
