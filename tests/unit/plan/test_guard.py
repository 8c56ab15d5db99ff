"""What is too dangerous to be done without a word: each limit, what is beyond it, and what raises it."""

from dataclasses import replace

import pytest

from krakenctl.model.address import key_address
from krakenctl.model.desired import SecretRef
from krakenctl.model.permission import Permission
from krakenctl.model.plan import Action
from krakenctl.model.recorded import Containment
from krakenctl.model.safety import AS_USUAL, Limit, Raised, Safety
from krakenctl.plan.guard import Own, PlanGround, blocks, net_revokes, unattended
from plan_builders import DAY, NOW, READ, alive, bot, draw, memory, on, recorded, wish

MONEY = READ | {Permission.WITHDRAW_FUNDS}
OPEN = {"ip_allowlist": ()}


def judged(declared, *records, raised=AS_USUAL, safety=None, own=None, forget=(), retired=(), contained=(), **more):
    """The classes that block a plan for these declared keys, where the recorded ones are live."""
    memories = replace(
        memory(*records, retired=retired), contained=dict.fromkeys(contained, Containment(at=NOW, who="alice"))
    )
    desired = wish(*declared, forget=forget)
    live = on(*(alive(record) for record in (*records, *retired) if record.live_name not in more.get("gone", ())))
    plan = draw(desired, live, recorded=memories)
    ground = PlanGround(desired=desired, recorded=memories, own=lambda: own or Own())
    return blocks(plan, ground, safety or Safety(), raised)


def test_what_nobody_watches_holds_up_the_own_key_and_rotates_the_rest():
    keys = [bot("own", max_age=30 * DAY), bot("other", max_age=30 * DAY)]
    records = [recorded(key, issued=NOW - 28 * DAY, public_key=f"PUBLIC {key.address.name}") for key in keys]
    desired, memories = wish(*keys), memory(*records)
    plan = draw(desired, on(*map(alive, records)), recorded=memories)
    own = Own(public_keys=frozenset({"PUBLIC own"}))
    ground = PlanGround(desired=desired, recorded=memories, own=lambda: own)
    kept = unattended(plan, ground)
    assert {c.address.name: c.action for c in kept.changes} == {"own": Action.BLOCKED, "other": Action.ROTATE}
    assert "krakenctl apply --allow own-key --reason TEXT" in kept.changes[0].reasons[0] + kept.changes[1].reasons[0]
    assert not blocks(kept, ground, Safety(), AS_USUAL)


def classes(*args, **more):
    return [block.limit.value for block in judged(*args, **more) if not block.allowed]


def fleet(count):
    return [bot(f"bot-{number:02}") for number in range(count)]


def without(count, of=40):
    """`of` managed keys, and the manifests of `count` of them are gone."""
    keys = fleet(of)
    return keys[count:], *map(recorded, keys)


# --- revokes


def test_ten_keys_may_go_and_eleven_may_not():
    assert classes(*without(10)) == []
    assert classes(*without(11)) == ["revokes"]


def test_of_few_managed_keys_a_percentage_says_nothing():
    assert classes(*without(8, of=9)) == []
    assert classes(*without(3, of=10)) == []
    assert classes(*without(4, of=10)) == ["revokes"]


def test_a_workspace_sets_its_own_limits():
    assert classes(*without(2), safety=Safety(max_revokes=1)) == ["revokes"]
    assert classes(*without(2), safety=Safety(max_revoke_percent=4)) == ["revokes"]
    assert classes(*without(2), safety=Safety(max_revokes=0, max_revoke_percent=0)) == ["revokes"]


def test_whoever_means_it_says_how_many():
    assert classes(*without(11), raised=Raised(max_revokes=11, reason="r")) == []
    assert classes(*without(11), raised=Raised(max_revokes=10, reason="r")) == ["revokes"]
    assert classes(*without(1), raised=Raised(max_revokes=0, reason="r")) == ["revokes"]


def test_a_block_says_how_many_and_which_flag_and_names_every_key():
    [block] = judged(*without(12))
    assert block.message.startswith("12 keys would be revoked, and none comes in their place")
    assert (block.flag, len(block.addresses)) == ("--max-revokes 12", 12)


def test_a_replacement_is_no_net_revoke_however_many():
    keys = fleet(20)
    assert classes([replace(key, grants=READ) for key in keys], *map(recorded, keys)) == []


def test_a_retired_key_whose_successor_is_in_use_is_no_net_revoke():
    keys = fleet(20)
    old = [recorded(key, retired_until=NOW) for key in keys]
    assert classes(keys, *(recorded(key, generation=2) for key in keys), retired=old) == []


def test_a_key_that_expired_is_no_loss():
    ended = [bot(key.address.name, valid_until=NOW) for key in fleet(20)]
    assert classes(ended, *map(recorded, ended)) == []


def test_a_rename_with_formerly_is_no_net_revoke_and_one_without_is():
    keys = fleet(20)
    renamed = [bot(f"new-{key.address.name}", secret=key.secret, formerly=(key.address,)) for key in keys]
    assert classes(renamed, *map(recorded, keys)) == []
    assert classes([replace(key, formerly=()) for key in renamed], *map(recorded, keys)) == ["revokes"]


def test_a_rename_with_formerly_that_replaces_the_key_too_is_no_net_revoke():
    keys = fleet(20)
    renamed = [bot(f"new-{key.address.name}", grants=READ, formerly=(key.address,)) for key in keys]
    assert classes(renamed, *map(recorded, keys)) == []


def test_a_retired_key_of_a_former_address_has_its_successor_under_the_new_one():
    keys = fleet(20)
    renamed = [bot(f"new-{key.address.name}", formerly=(key.address,)) for key in keys]
    old = [recorded(key, retired_until=NOW) for key in keys]
    assert classes(renamed, *map(recorded, renamed), retired=old) == []


def test_a_key_that_names_many_former_ones_is_the_successor_of_one_of_them():
    keys = fleet(13)
    whole = bot("all", secret=keys[0].secret, formerly=tuple(key.address for key in keys))
    [block] = judged([whole], *map(recorded, keys))
    assert (block.limit, block.addresses) == (Limit.REVOKES, tuple(key.address for key in keys[1:]))


def test_a_key_that_there_is_already_is_no_successor_of_one_that_it_names_as_its_former_self():
    bot_, view = bot("bot"), bot("view", protect=True)
    assert classes([replace(bot_, formerly=(view.address,))], recorded(bot_), recorded(view)) == ["protected"]


def test_what_the_former_ones_had_replaced_goes_with_them():
    first, second = fleet(2)
    whole = bot("all", secret=first.secret, formerly=(first.address, second.address))
    records = [recorded(first), recorded(second, 2)]
    old = recorded(second, retired_until=NOW + DAY)
    live = on(*map(alive, (*records, old)))
    plan = draw(wish(whole), live, recorded=memory(*records, retired=[old]))
    assert {change.old.name for change in plan.changes if change.action is Action.REVOKE} == {
        "bot-01.a7.g1",
        "bot-01.a7.g2",
    }


def test_a_key_that_is_handed_over_is_no_net_revoke():
    keys = fleet(20)
    assert classes([bot("stays")], *map(recorded, keys), forget=[key.address for key in keys]) == []


# --- empty


def test_no_declared_key_at_all_is_a_danger_of_its_own_while_keys_are_managed():
    assert classes([], recorded(bot())) == ["empty"]
    assert classes([], recorded(bot()), raised=Raised(allow=frozenset({Limit.EMPTY}), reason="r")) == []


def test_an_empty_workspace_that_manages_nothing_is_nobodys_danger():
    assert classes([]) == []


def test_handing_everything_over_is_said_twice():
    assert classes([], recorded(bot()), forget=[bot().address]) == ["empty"]


# --- protected


def test_a_protected_key_is_not_revoked_also_when_its_manifest_is_gone():
    assert classes([bot("b")], recorded(bot(protect=True))) == ["protected"]


def test_a_protected_key_may_be_replaced_and_handed_over():
    ours = recorded(bot(protect=True))
    assert classes([bot(grants=READ, protect=True)], ours) == []
    assert classes([bot("b")], ours, forget=[ours.address]) == []


def test_a_protected_key_whose_grant_has_ended_is_not_revoked():
    key = bot(valid_until=NOW, protect=True)
    assert classes([key], recorded(key)) == ["protected"]


# --- withdraw


@pytest.mark.parametrize(
    "permission", ["withdraw-funds", "add-withdraw-address", "update-withdraw-address"], ids=lambda name: name
)
def test_a_key_newly_able_to_withdraw_or_to_say_where_to_is_blocked_new_or_not(permission):
    wanted = bot(grants=READ | {Permission(permission)})
    assert classes([wanted]) == ["withdraw"]
    assert classes([wanted], recorded(bot())) == ["withdraw"]


def test_a_key_that_could_withdraw_before_may_be_rotated_and_made_again():
    key = bot(grants=MONEY, max_age=DAY)
    assert classes([key], recorded(key, issued=NOW - DAY)) == []
    assert classes([key], recorded(key), gone=["bot.a7.g1"]) == []


def test_a_right_that_somebody_gave_the_live_key_and_then_declared_is_new_all_the_same():
    key, ours = bot(grants=MONEY, max_age=DAY), recorded(bot(), issued=NOW - DAY)
    desired, memories = wish(key), memory(ours)
    plan = draw(desired, on(alive(ours, permissions=MONEY)), recorded=memories)
    [block] = blocks(plan, PlanGround(desired=desired, recorded=memories), Safety(), AS_USUAL)
    assert block.limit is Limit.WITHDRAW


# --- open


def test_a_key_newly_open_to_the_world_is_blocked_also_by_an_update_in_place():
    assert classes([bot(**OPEN)]) == ["open"]
    assert classes([bot(**OPEN)], recorded(bot())) == ["open"]
    assert classes([bot(**OPEN, grants=READ)], recorded(bot(**OPEN))) == []


# --- own-key

PLACE = Own(places=frozenset({SecretRef("main", "acme/bot")}))
COPY = Own(public_keys=frozenset({"PUBLIC"}))


def test_krakenctls_own_key_is_not_revoked():
    assert classes([bot("b")], recorded(bot()), own=PLACE) == ["own-key"]
    assert classes([bot("b")], recorded(bot()), own=COPY) == ["own-key"]


def test_a_reference_to_the_store_follows_a_replacement_in_its_place_and_a_copy_does_not():
    wanted = [bot(grants=READ)]
    assert classes(wanted, recorded(bot()), own=PLACE) == []
    assert classes(wanted, recorded(bot()), own=COPY) == ["own-key"]
    assert classes([replace(wanted[0], secret=SecretRef("main", "x"))], recorded(bot()), own=PLACE) == ["own-key"]


# --- contained


def test_a_contained_key_is_not_made_again_unasked():
    assert classes([bot()], contained=[bot().address]) == ["contained"]
    allowed = Raised(allow=frozenset({Limit.CONTAINED}), reason="all clear")
    assert classes([bot()], contained=[bot().address], raised=allowed) == []
    assert classes([bot("b")], contained=[bot().address]) == []


@pytest.mark.parametrize("issued", [None, NOW - 1, NOW])
def test_a_contained_key_comes_back_under_no_new_address_either(issued):
    renamed = bot("moved", formerly=(bot("older").address, bot().address), secret=bot().secret)
    records = [] if issued is None else [recorded(renamed, issued=issued)]
    declared = [replace(renamed, grants=READ)]
    assert classes(declared, *records, contained=[bot().address]) == ["contained"]


def test_a_key_that_was_issued_since_its_former_address_was_contained_is_a_key_like_any_other():
    renamed = bot("moved", formerly=(bot().address,))
    declared = [replace(renamed, grants=READ)]
    assert classes(declared, recorded(renamed, issued=NOW + 1), contained=[bot().address]) == []


# --- all together


def test_every_danger_of_a_plan_is_told_at_once_and_each_has_its_own_flag():
    found = judged([bot("new", grants=MONEY, **OPEN)], recorded(bot(protect=True)))
    assert [block.flag for block in found] == ["--allow protected", "--allow withdraw", "--allow open"]
    assert {block.addresses for block in found} == {(key_address("acme", "bot"),), (key_address("acme", "new"),)}


def test_what_is_allowed_is_still_told():
    [block] = judged([bot(**OPEN)], raised=Raised(allow=frozenset({Limit.OPEN}), reason="r"))
    assert (block.limit, block.allowed) == (Limit.OPEN, True)


def test_a_plan_without_a_change_is_never_blocked():
    assert judged([bot(grants=MONEY, **OPEN)], recorded(bot(grants=MONEY, **OPEN))) == ()


def test_net_revokes_are_addresses_each_once():
    ours, old = recorded(bot(), generation=2), recorded(bot(), retired_until=NOW)
    desired, memories = wish(bot("b")), memory(ours, retired=[old])
    plan = draw(desired, on(alive(ours), alive(old)), recorded=memories)
    assert [change.action for change in plan.changes].count(Action.REVOKE) == 2
    assert net_revokes(plan, PlanGround(desired=desired, recorded=memories)) == (bot().address,)
