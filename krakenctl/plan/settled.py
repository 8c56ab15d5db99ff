"""A key that is as declared, and was last sent otherwise, or taken unseen: somebody has set it so, or it is seen now.

Unless that is remembered, the edit is planned again as soon as the key cannot be asked, and `tick` takes it for drift.
Pure.
"""

from __future__ import annotations

from dataclasses import replace

from krakenctl.model.desired import DesiredKey
from krakenctl.model.key import KeySpec
from krakenctl.model.recorded import RecordedKey
from krakenctl.plan import wanted
from krakenctl.plan.scene import Scene


def settled(scene: Scene, key: DesiredKey, record: RecordedKey) -> KeySpec | None:
    """What is to be remembered of it; None: it is, or nobody has seen it. What nobody declared stays as it was sent."""
    live, aside = scene.same_key(record), scene.live.aside(record.live_name)
    if live is None or aside.unasked or aside.silent or aside.odd or record.without_secret:
        return None
    is_news = live.spec != record.spec and not _is_known(key, record)
    if wanted.of_live(key, live.spec, record.issued) != live.spec or not (is_news or _is_looked_at(scene, record)):
        return None
    seen = {name: getattr(live.spec, name) for name in wanted.managed(key)}
    return replace(record.spec, **seen, unknown_permissions=live.spec.unknown_permissions)


def _is_looked_at(scene: Scene, record: RecordedKey) -> bool:
    """For the first time: somebody took it unseen, and now its own pair has told. A list tells nothing of the pair."""
    return bool(record.unverified) and scene.live.traits.proved_by_pair


def _is_known(key: DesiredKey, record: RecordedKey) -> bool:
    return wanted.of_live(key, record.spec, record.issued) == record.spec
