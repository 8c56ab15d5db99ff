"""What holds for drift, whatever the manifests, the exchange and our memory say."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from krakenctl.model.drift import Kind, Mends
from krakenctl.model.key import LiveKey
from krakenctl.model.permission import Permission
from krakenctl.tasks.drift.compare import compare
from krakenctl.tasks.drift.scene import DriftScene
from plan_builders import DAY, on
from plan_world import worlds

few = settings(max_examples=60, deadline=None)
LATER = {Kind.EXPIRES_SOON, Kind.DUE, Kind.OVERDUE, Kind.EXPIRED}  # what time alone brings


def drift_of(world, within=14 * DAY):
    live = {name: on(*keys.values(), name=name) for name, keys in world.live.items()}
    scene = DriftScene(
        desired=world.desired,
        recorded=world.recorded(),
        live=live,
        plan=world.plan(),
        tag="a7",
        now=world.now,
        within=within,
    )
    return compare(scene)


@few
@given(world=worlds())
def test_drift_has_something_that_apply_mends_exactly_when_a_plan_has_changes(world):
    mended = [drift for drift in drift_of(world) if drift.mends is Mends.APPLY]
    assert bool(mended) == world.plan().has_changes


@few
@given(world=worlds())
def test_every_change_of_a_plan_is_told_of_under_its_address(world):
    told = {drift.address for drift in drift_of(world)}
    assert {change.address for change in world.plan().changes} <= told


@few
@given(world=worlds(settled=True, meddled=False))
def test_after_an_apply_nothing_drifts_but_what_the_plan_has_blocked(world):
    blocked = {change.address for change in world.plan().changes}
    left = [drift for drift in drift_of(world) if drift.address not in blocked and drift.kind not in LATER]
    assert [drift for drift in left if drift.address is not None] == []  # keys that were handed over are nobody's here


@few
@given(world=worlds())
def test_every_drift_says_what_to_do_and_says_it_once(world):
    found = drift_of(world)
    assert all(drift.message and drift.do for drift in found)
    handles = [(drift.kind, drift.account, drift.address, drift.name, drift.message) for drift in found]
    assert len(handles) == len(set(handles))


OTHERS = {
    "permissions": frozenset({Permission.WITHDRAW_FUNDS}),
    "ip_allowlist": ("198.51.100.77",),
    "valid_until": 4_000_000_000,
    "query_from": 77,
    "query_to": 78,
    "nonce_window": 79,
}


def _told(drifts):
    return {(drift.kind, drift.account, drift.name, *(row.field for row in drift.fields)) for drift in drifts}


@few
@given(world=worlds(settled=True, meddled=False), data=st.data())
def test_what_a_person_does_is_named_and_nothing_else_is(world, data):
    """To one current key at a time: each field, its name, its end; and keys of their own."""
    current = sorted((record.account, record.live_name) for record in world.keys.values())
    current = [(home, name) for home, name in current if name in world.live[home]]
    if not current:
        return
    before = _told(drift_of(world))
    world.now += 60
    home, name = data.draw(st.sampled_from(current))
    deed = data.draw(st.sampled_from([*OTHERS, "rename", "delete", "add"]))
    key = world.live[home][name]
    expected = _do(world, home, key, deed)
    news = {one for one in _told(drift_of(world)) - before if one[0] not in LATER}
    assert {one[:3] for one in news} == {expected[:3]}
    assert all(expected[3:] == one[3:] for one in news)


def _do(world, home, key, deed):
    keys = world.live[home]
    if deed == "rename":
        keys["Something"] = replace(keys.pop(key.name), name="Something")
        return Kind.RENAMED, home, key.name
    if deed == "delete":
        del keys[key.name]
        return Kind.MISSING, home, key.name
    if deed == "add":
        keys["mine"] = LiveKey(name="mine", created=world.now, spec=key.spec)
        return Kind.UNMANAGED, home, "mine"
    keys[key.name] = replace(key, spec=replace(key.spec, **{deed: OTHERS[deed]}))
    fields = {
        "permissions": "permissions",
        "ip_allowlist": "ipAllowlist",
        "valid_until": "expires",
        "query_from": "queryWindow.from",
        "query_to": "queryWindow.to",
        "nonce_window": "nonceWindow",
    }
    return Kind.CHANGED, home, key.name, fields[deed]
