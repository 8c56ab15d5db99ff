"""A live key that a declared key would be called, and of which the state has never heard. Pure.

The state is lost, or older than what it should remember. Another key would leave two live, and nobody would ever
revoke the first: so none is issued, also while the key that the state does remember lives, perhaps in its overlap.
"""

from __future__ import annotations

from collections.abc import Mapping

from krakenctl.model.desired import DesiredKey
from krakenctl.model.plan import Cause, Change
from krakenctl.model.recorded import RecordedKey
from krakenctl.plan.changes import blocked
from krakenctl.plan.names import live_name
from krakenctl.plan.scene import Scene


def unrecorded(scene: Scene, key: DesiredKey, record: RecordedKey | None, used: Mapping[str, int]) -> Change | None:
    """`used`: the highest live generation, by key name."""
    generation = used.get(key.address.name, 0)
    if generation <= scene.generations.get(key.address, 0) or _is_older(scene, key, record, generation):
        return None
    known = (trace.generation for trace in scene.traces if trace.address == key.address)
    return _state_lost(scene, key, generation) if generation > max(known, default=0) else None


def _is_older(scene: Scene, key: DesiredKey, record: RecordedKey | None, generation: int) -> bool:
    """Than the recorded one. Numbers rise with time: such a key is a stranger's."""
    live, same = scene.by_name.get(live_name(key.address.name, scene.tag, generation)), scene.same_key(record)
    return same is not None and live is not None and 0 < live.created < same.created


def _state_lost(scene: Scene, key: DesiredKey, generation: int) -> Change:
    name = live_name(key.address.name, scene.tag, generation)
    why = (
        f"{name} is live, carries this workspace's tag, and is not recorded: was the state lost (see `krakenctl state"
        " rebuild`), the account renamed in the manifests, or is the tag in use twice? Put that right; or revoke that"
        " key by hand, and the next apply issues a new one"
    )
    return blocked(key.address, scene.name, why, Cause.UNRECORDED)
