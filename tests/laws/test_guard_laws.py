"""What holds for the safety limits, whatever the manifests, the exchange and our memory say."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from krakenctl.model.plan import Action, Cause
from krakenctl.model.safety import AS_USUAL, FEW, Limit, Raised, Safety
from krakenctl.plan.guard import WITHDRAWING, PlanGround, blocks, guarded, net_revokes
from plan_world import wishes, worlds

few = settings(max_examples=25, deadline=None)
limits = st.builds(Safety, max_revokes=st.integers(0, 4), max_revoke_percent=st.integers(0, 100))
raises = st.builds(
    Raised, max_revokes=st.none() | st.integers(0, 8), allow=st.frozensets(st.sampled_from(Limit)), reason=st.just("r")
)


def scene(world):
    return world.plan(), PlanGround(desired=world.desired, recorded=world.recorded())


def stopping(found):
    return {block.limit for block in found if not block.allowed}


@few
@given(world=worlds(), safety=limits)
def test_a_plan_that_passes_never_takes_more_keys_away_than_the_limits_say(world, safety):
    plan, ground = scene(world)
    if not blocks(plan, ground, safety, AS_USUAL):
        lost, managed = len(net_revokes(plan, ground)), len(ground.recorded.keys)
        assert lost <= safety.max_revokes
        assert managed < FEW or lost * 100 <= managed * safety.max_revoke_percent


@few
@given(world=worlds(), safety=limits, more=st.integers(0, 5))
def test_raising_a_limit_never_blocks_more(world, safety, more):
    plan, ground = scene(world)
    raised = replace(safety, max_revokes=safety.max_revokes + more, max_revoke_percent=100)
    assert stopping(blocks(plan, ground, raised, AS_USUAL)) <= stopping(blocks(plan, ground, safety, AS_USUAL))


@few
@given(world=worlds(), safety=limits, raised=raises, more=st.frozensets(st.sampled_from(Limit)))
def test_allowing_more_never_blocks_more(world, safety, raised, more):
    plan, ground = scene(world)
    wider = replace(raised, allow=raised.allow | more, max_revokes=None if raised.max_revokes is None else 99)
    assert stopping(blocks(plan, ground, safety, wider)) <= stopping(blocks(plan, ground, safety, raised))


@few
@given(world=worlds(), safety=limits, raised=raises)
def test_the_guard_changes_no_plan_and_says_the_same_twice(world, safety, raised):
    plan, ground = scene(world)
    judged = guarded(plan, ground, safety, raised)
    assert replace(judged, blocks=()) == plan
    assert guarded(judged, ground, safety, raised) == judged


@few
@given(world=worlds())
def test_what_passes_leaves_no_protected_key_without_a_successor_and_opens_nothing(world):
    plan, ground = scene(world)
    if blocks(plan, ground, Safety(), AS_USUAL):
        return
    for change in plan.changes:
        record = ground.recorded.keys.get(change.renamed_from or change.address)
        if change.action is Action.REVOKE and record and change.old and record.live_name == change.old.name:
            assert not record.protect
        if change.new is not None and change.action is Action.CREATE and record is None:
            assert change.new.spec.ip_allowlist
            assert not change.new.spec.permissions & WITHDRAWING


@settings(max_examples=60, deadline=None)
@given(world=worlds(settled=True), edited=wishes())
def test_what_is_no_longer_declared_and_goes_has_no_successor_whatever_others_call_their_former_selves(world, edited):
    world.desired = edited
    plan, ground = scene(world)
    for change in plan.changes:
        if change.action is Action.REVOKE and Cause.UNDECLARED in change.causes:
            expired = 0 < change.old.spec.valid_until <= world.now
            assert expired or change.address in net_revokes(plan, ground)
