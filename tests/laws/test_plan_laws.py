"""What holds for every plan, whatever the manifests, the exchange and our memory say."""

import random
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from krakenctl.model.plan import Action, Verb
from krakenctl.plan import planfile
from plan_world import worlds

# A world is a whole history: few of them see much. A thousand passed when this was written.
few = settings(max_examples=25, deadline=None)


@few
@given(world=worlds())
def test_applying_a_plan_leaves_nothing_to_plan(world):
    world.apply(world.plan())
    assert not world.plan().has_changes


@few
@given(world=worlds())
def test_a_run_that_was_killed_anywhere_is_finished_by_the_next(world):
    plan = world.plan()
    for steps in range(0, sum(len(change.steps) for change in plan.changes) + 1, 3):
        killed = copy_of(world)
        killed.apply(plan, steps=steps)
        killed.recover()
        killed.apply(killed.plan())
        assert not killed.plan().has_changes


def copy_of(world):
    return replace(
        world,
        live={name: dict(keys) for name, keys in world.live.items()},
        keys=dict(world.keys),
        retired=list(world.retired),
        intents=list(world.intents),
        generations=dict(world.generations),
        issued=list(world.issued),
        owner=dict(world.owner),
        overfull=list(world.overfull),
    )


@few
@given(world=worlds())
def test_planning_twice_gives_the_same_bytes(world):
    first, second = world.plan(), world.plan()
    assert first == second
    assert planfile.dump(first, with_now=False) == planfile.dump(second, with_now=False)


@few
@given(world=worlds(), seed=st.integers(0, 2**16))
def test_the_order_in_which_things_were_listed_changes_nothing(world, seed):
    dice = random.Random(seed)
    assert world.plan(lambda values: dice.sample(values, len(values))) == world.plan()


@few
@given(world=worlds(settled=True), data=st.data())
def test_changing_one_permission_of_one_key_touches_that_key_alone(world, data):
    before = world.plan()
    touchable = [key for key in world.desired.keys.values() if key.address in before.unchanged]
    touchable = [key for key in touchable if key.valid_until is None or key.valid_until > world.now]
    if not touchable:
        return
    key = data.draw(st.sampled_from(touchable))
    grants = key.grants ^ {data.draw(st.sampled_from(sorted(key.grants)))} or frozenset()
    edited = {**world.desired.keys, key.address: replace(key, grants=grants)}
    world.desired = replace(world.desired, keys=edited)
    touched = [change for change in world.plan().changes if change not in before.changes]
    formerly = {key.address, *key.formerly}
    assert {change.address for change in touched} <= formerly
    assert Action.REPLACE in {change.action for change in touched} or Action.BLOCKED in {c.action for c in touched}


@few
@given(world=worlds())
def test_what_a_step_touches_is_recorded_or_retired_or_an_intent_of_ours_and_never_a_strangers(world):
    ours = world.ours()
    for change in world.plan().changes:
        for step in change.steps:
            is_made = change.new is not None and step.name == change.new.name and step.verb is not Verb.UPDATE
            if not is_made and step.verb is not Verb.FORGET:  # to forget is to touch nothing
                assert (change.account, step.name, change.old.created) in ours


@few
@given(world=worlds())
def test_a_live_key_that_no_trace_of_ours_proves_is_reported(world):
    plan = world.plan()
    told = " ".join(finding.message for finding in plan.findings)
    for home, live in world.live.items():
        for key in live.values():
            if (home, key.name, key.created) not in world.ours():
                assert f"“{key.name}” on {home}" in told


@few
@given(world=worlds())
def test_no_name_is_ever_issued_twice(world):
    world.apply(world.plan())
    assert len(world.issued) == len(set(world.issued))


@few
@given(world=worlds())
def test_a_name_to_be_issued_is_free(world):
    for change in world.plan().changes:
        if change.action in (Action.CREATE, Action.REPLACE, Action.ROTATE):
            assert change.new.name not in world.live[change.account]


@few
@given(world=worlds(meddled=False))
def test_at_most_two_generations_of_a_key_are_live(world):
    world.apply(world.plan())
    assert world.most_generations <= 2


@few
@given(world=worlds())
def test_an_account_is_never_asked_for_more_keys_than_it_has_room_for(world):
    world.apply(world.plan())
    assert not world.overfull


@few
@given(world=worlds())
def test_a_gap_is_in_no_plan_that_does_not_say_so(world):
    """Unless it owns up to a gap, a replacement revokes or retires the old key only once the new one is promoted."""
    for change in world.plan().changes:
        verbs = [step.verb for step in change.steps]
        if change.new and change.old and Verb.PROMOTE in verbs and not change.gap:
            assert verbs.index(Verb.PROMOTE) < len(verbs) - 1
            assert verbs[-1] in (Verb.REVOKE, Verb.RETIRE)
            assert verbs[-1] is (Verb.RETIRE if change.overlap else Verb.REVOKE)


@few
@given(world=worlds())
def test_every_change_says_why(world):
    assert all(change.reasons and all(change.reasons) for change in world.plan().changes)


@few
@given(world=worlds())
def test_a_plan_survives_its_file(world):
    plan = world.plan()
    assert planfile.load(planfile.dump_saved(planfile.seal(plan, plan.now + 1))).plan == plan
