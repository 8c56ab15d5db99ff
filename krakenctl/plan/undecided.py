"""What somebody changed on a live key, and no manifest decides: no plan sets it back, and each tells it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from krakenctl.model.address import Address
from krakenctl.model.desired import DesiredKey
from krakenctl.model.finding import Finding, Severity
from krakenctl.model.key import LiveKey
from krakenctl.model.recorded import RecordedKey
from krakenctl.model.written import as_written
from krakenctl.plan import wanted
from krakenctl.plan.homes import taken_over
from krakenctl.plan.scene import Scene

SOON = 14 * 86400  # seconds before an end


def undecided(scene: Scene, replaced: Collection[Address]) -> Iterator[Finding]:
    """`replaced`: keys that get a successor, which will be as it is declared."""
    records = {record.address: record for record in scene.recorded}
    for key in scene.declared:
        taken = taken_over(key, records)
        live = scene.same_key(records[taken]) if taken else None
        if taken and live is not None and key.address not in replaced:
            yield from _of_key(scene, key, records[taken], live)


def _of_key(scene: Scene, key: DesiredKey, record: RecordedKey, live: LiveKey) -> Iterator[Finding]:
    if live.spec == record.spec or wanted.same(live.spec, record.spec):  # nearly always
        return
    sent, there = as_written(record.spec, None), as_written(live.spec, None)
    names = tuple(wanted.changed(key, record.spec, live.spec))
    if told := [f"{name} was {_value(sent[name])}, is {_value(there[name])}" for name in names]:
        is_soon = "expires" in names and 0 < live.spec.valid_until - scene.now < SOON
        yield Finding(
            rule="expires-soon" if is_soon else "undeclared-change",
            severity=Severity.WARNING if is_soon else Severity.NOTE,
            message=f"somebody changed {live.name} on {scene.name} where no manifest decides: {'; '.join(told)}",
            hint="declare it as it is to be, or set it back on Kraken",
            address=str(key.address),
        )


def _value(value: object) -> str:
    return "none" if value is None else str(value)
