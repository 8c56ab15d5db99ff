"""What holds while two generations of a key work at once, whatever is edited, asked for or due meanwhile."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from krakenctl.errors import CannotRotate
from krakenctl.model.plan import Action, Cause
from krakenctl.plan.authority import APPLY, Rotate, Tick
from plan_builders import DAY, HOUR, bot, draw, on, wish
from plan_world import World, grants

few = settings(max_examples=60, deadline=None)
NAMED = Rotate(addresses=(bot().address,))
edits = st.builds(
    bot,
    grants=grants,
    trigger=st.sampled_from(["", "x"]),
    overlap=st.sampled_from([0, HOUR, DAY, DAY, 2 * DAY]),
    max_age=st.sampled_from([None, 10 * DAY]),
    ip_allowlist=st.sampled_from([(), ("192.0.2.1",), ("192.0.2.1", "198.51.100.0/28")]),
)
runs = st.sampled_from([APPLY, APPLY, APPLY, Tick(), Tick(), Rotate(), NAMED])
waits = st.sampled_from([60, 7 * HOUR, 30 * HOUR, 8 * DAY])
histories = st.lists(st.one_of(edits, runs, runs, waits), max_size=16)


def lived(first, history):
    """Of every run: its errand, the world before it, its plan, the world after it."""
    world = World(wish(first))
    world.apply(world.plan())
    for event in history:
        if isinstance(event, int):
            world.now += event
        elif isinstance(event, type(first)):
            world.desired = wish(event)
        elif (drawn := plan(world, event)) is not None:
            before = copied(world)
            world.apply(drawn)
            yield event, before, drawn, world


def copied(world):
    return replace(
        world,
        live={name: dict(keys) for name, keys in world.live.items()},
        keys=dict(world.keys),
        retired=list(world.retired),
        intents=list(world.intents),
        generations=dict(world.generations),
    )


def plan(world, errand):
    live = [on(*keys.values(), name=name) for name, keys in world.live.items()]
    try:
        return draw(world.desired, *live, recorded=world.recorded(), now=world.now, errand=errand)
    except CannotRotate:
        return None


def cut_short(before, after):
    """Keys in a running overlap that a run has ended."""
    gone = before.live["acme"].keys() - after.live["acme"].keys()
    return [key for key in before.retired if key.live_name in gone and key.retired_until > before.now]


@few
@given(first=edits, history=histories)
def test_never_more_than_two_generations_live_and_the_current_one_always_works(first, history):
    for _, _, _, world in lived(first, history):
        working = [key for key in world.live["acme"].values() if not 0 < key.spec.valid_until <= world.now]
        assert len(working) <= 2
        assert world.keys[first.address].live_name in {key.name for key in working}
        assert world.most_generations <= 2


@few
@given(first=edits, history=histories)
def test_an_overlap_ends_early_only_where_the_plan_says_so(first, history):
    for _, before, drawn, world in lived(first, history):
        said = {change.old.name for change in drawn.changes if Cause.SUPERSEDED in change.causes}
        assert {key.live_name for key in cut_short(before, world)} <= said


@few
@given(first=edits, history=histories)
def test_an_overlap_that_is_declared_ends_early_only_for_who_takes_something_away_or_names_the_key(first, history):
    for errand, before, drawn, world in lived(first, history):
        declared, [current] = before.desired.keys[first.address], before.keys.values()
        if not cut_short(before, world) or before.now >= current.issued + declared.rotation.overlap:
            continue
        [successor] = [change for change in drawn.changes if change.action is not Action.REVOKE]
        old, new = successor.old.spec, successor.new.spec
        fewer = old.permissions - new.permissions or set(old.ip_allowlist) - set(new.ip_allowlist)
        assert errand is NAMED or fewer or (new.ip_allowlist and not old.ip_allowlist)
        assert not isinstance(errand, Tick)


@few
@given(first=edits, history=histories)
def test_what_waits_for_an_overlap_is_done_once_it_has_ended(first, history):
    for _, _, _, world in lived(first, history):
        end = max((key.retired_until for key in world.retired), default=world.now)
        later = replace(copied(world), now=max(end, world.now))
        later.apply(plan(later, APPLY))
        key, declared = later.keys[first.address], later.desired.keys[first.address]
        assert (key.spec.permissions, key.trigger) == (declared.grants, declared.rotation.trigger)
