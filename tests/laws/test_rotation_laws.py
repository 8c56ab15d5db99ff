"""What holds for every `tick` and `rotate`, whatever the manifests, the exchange and our memory say."""

from contextlib import suppress
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from krakenctl.errors import CannotRotate
from krakenctl.model.plan import Action, Cause
from krakenctl.plan.authority import APPLY, Rotate, Tick
from plan_builders import DAY, draw, on
from plan_world import World, worlds

few = settings(max_examples=25, deadline=None)
errands = st.sampled_from([Tick(), Rotate(), Rotate(compromised=True), Rotate(older_than=5 * DAY)])


def plan(world: World, errand):
    live = [on(*keys.values(), name=name) for name, keys in world.live.items()]
    return draw(world.desired, *live, recorded=world.recorded(), now=world.now, errand=errand)


@few
@given(world=worlds(), errand=errands)
def test_neither_creates_edits_or_forgets_a_key(world, errand):
    actions = {change.action for change in plan(world, errand).changes}
    assert not actions & {Action.CREATE, Action.UPDATE, Action.FORGET}


@few
@given(world=worlds())
def test_tick_issues_only_what_was_last_sent(world):
    for change in plan(world, Tick()).changes:
        if change.new is not None:
            record = world.keys[change.address]
            assert {Cause.DUE, Cause.EXPIRED} & set(change.causes)
            expiry = record.spec.valid_until if change.new.valid_for is not None else change.new.spec.valid_until
            assert replace(change.new.spec, valid_until=expiry) == record.spec


@few
@given(world=worlds(), errand=errands)
def test_a_current_key_goes_only_where_another_comes(world, errand):
    changes = plan(world, errand).changes
    issued = {change.address for change in changes if change.new is not None}
    current = {(key.account, key.live_name) for key in world.keys.values()}
    for change in changes:
        if change.action is Action.REVOKE and (change.account, change.old.name) in current:
            assert change.address in issued


@few
@given(world=worlds(meddled=False), errand=errands)
def test_at_most_two_generations_live_after_either(world, errand):
    with suppress(CannotRotate):
        world.apply(plan(world, errand))
    assert world.most_generations <= 2
    assert not world.overfull


@few
@given(world=worlds())
def test_after_a_tick_nothing_is_due(world):
    world.apply(plan(world, Tick()))
    assert not [change for change in plan(world, Tick()).changes if change.is_change]


@few
@given(world=worlds(settled=True), days=st.lists(st.sampled_from([1, 1, 2]), max_size=20))
def test_no_key_outlives_its_policy_although_runs_are_missed(world, days):
    for step in days:
        world.now += step * DAY
        drawn = plan(world, Tick())
        told = {change.address for change in drawn.changes if change.action is Action.BLOCKED}  # to a person: no room
        world.apply(drawn)
        for address, key in world.keys.items():
            declared = world.desired.keys.get(address)
            if declared is None or declared.rotation.max_age is None or key.spec != _wanted(declared, key):
                continue
            if address in told:
                continue
            live = world.live[key.account].get(key.live_name)
            if live is not None and not 0 < live.spec.valid_until <= world.now:
                assert world.now - key.issued < declared.rotation.max_age


def _wanted(declared, key):
    from krakenctl.plan import wanted

    return wanted.dated(declared, key.issued)


@few
@given(world=worlds(), errand=st.one_of(st.just(APPLY), errands))
def test_a_key_is_taken_for_gone_only_where_its_list_does_not_show_it(world, errand):
    gone = {(one.account, one.name) for one in plan(world, errand).gone}
    live = {(name, key.name, key.created) for name, keys in world.live.items() for key in keys.values()}
    for key in world.retired:
        assert ((key.account, key.live_name) in gone) == ((key.account, key.live_name, key.created) not in live)
    assert gone <= {(key.account, key.live_name) for key in world.retired}
