"""limits.keysPerAccount: who gets the last place, and who pays for it."""

import pytest

from krakenctl.model.plan import Action, Strategy, Verb
from plan_builders import DAY, NOW, READ, account, alive, bot, draw, memory, on, recorded, stranger, wish


def drawn_with(limit, *, declared, there=(), strangers=0, retired=()):
    """The changes of an account with `limit` places. `there` are the keys as they were issued."""
    records = [recorded(key) for key in there]
    others = [stranger(f"by-hand-{n}") for n in range(strangers)]
    live = on(*(alive(record) for record in (*records, *retired)), *others)
    accounts = [account(keys_limit=limit, report_unmanaged=False)]
    return draw(wish(*declared, accounts=accounts), live, recorded=memory(*records, retired=retired)).changes


def order(changes):
    return [f"{change.action.value} {change.address.name}" for change in changes]


def other(name, **fields):
    """The same key with other grants: it must be replaced."""
    return bot(name, grants=READ, **fields)


def test_without_a_limit_room_is_taken_for_granted():
    changes = drawn_with(None, declared=[bot("a")], strangers=500)
    assert order(changes) == ["create a"]


def test_with_room_revokes_come_last():
    changes = drawn_with(9, declared=[bot("new"), other("used")], there=[bot("old"), bot("used")])
    assert order(changes) == ["create new", "replace used", "revoke old"]


def test_without_room_revokes_come_first():
    changes = drawn_with(1, declared=[bot("new")], there=[bot("old")])
    assert order(changes) == ["revoke old", "create new"]


def test_a_key_for_which_there_is_no_place_is_blocked_and_names_the_setting():
    changes = drawn_with(2, declared=[bot("a"), bot("b")], strangers=1)
    assert order(changes) == ["create a", "blocked b"]
    assert "limits.keysPerAccount is 2" in changes[1].reasons[0]


def test_a_replacement_without_a_second_place_is_turned_round_and_owns_up_to_the_gap():
    [change] = drawn_with(1, declared=[other("a", overlap=DAY)], there=[bot("a", overlap=DAY)])
    assert (change.strategy, change.gap, change.overlap) == (Strategy.REVOKE_FIRST, True, 0)
    assert [step.verb for step in change.steps][:2] == [Verb.REVOKE, Verb.ISSUE]
    assert "goes first" in change.reasons[-1]


def test_one_free_place_serves_all_replacements_one_after_another():
    changes = drawn_with(3, declared=[other("a"), other("b")], there=[bot("a"), bot("b")])
    assert not any(change.gap for change in changes)


def test_overlaps_keep_their_places_so_one_free_place_is_enough_for_one():
    old = [bot("a", overlap=DAY), bot("b", overlap=DAY)]
    changes = drawn_with(3, declared=[other("a", overlap=DAY), other("b", overlap=DAY)], there=old)
    # b borrows the place and gives it back before a keeps it
    assert [(c.address.name, c.overlap, c.gap) for c in changes] == [("b", 0, False), ("a", DAY, False)]
    assert "no overlap this time" in changes[0].reasons[-1]
    assert changes[0].steps[-1].verb is Verb.REVOKE


def test_a_new_key_takes_the_last_place_only_after_it_has_spared_another_the_gap():
    changes = drawn_with(2, declared=[other("a", overlap=DAY), bot("new")], there=[bot("a", overlap=DAY)])
    assert order(changes) == ["replace a", "create new"]
    assert (changes[0].gap, changes[0].overlap) == (False, 0)


def test_in_an_account_that_is_too_full_already_nothing_is_revoked_that_could_not_be_issued_again():
    changes = drawn_with(2, declared=[other("a")], there=[bot("a")], strangers=2)
    assert order(changes) == ["blocked a"]


def test_a_revoke_makes_room_for_a_second_key():
    changes = drawn_with(2, declared=[other("a")], there=[bot("a"), bot("old")])
    assert order(changes) == ["revoke old", "replace a"]
    assert not changes[1].gap


def test_an_ended_overlap_makes_room():
    key = other("a")
    gone = recorded(bot("b"), retired_until=NOW)
    changes = drawn_with(2, declared=[key], there=[bot("a")], retired=[gone])
    assert order(changes) == ["revoke b", "replace a"]
    assert not changes[1].gap


def test_a_running_overlap_holds_its_place():
    key = other("a")
    held = recorded(bot("b"), retired_until=NOW + DAY)
    [change] = drawn_with(2, declared=[key], there=[bot("a")], retired=[held])
    assert change.gap


@pytest.mark.parametrize("limit", [None, 1, 2, 3])
def test_updates_need_no_room(limit):
    [change] = drawn_with(limit, declared=[bot("a", ip_allowlist=())], there=[bot("a")])
    assert change.action is Action.UPDATE
