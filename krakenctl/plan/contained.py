"""Whether the kill switch was used on a key, and could not end it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from krakenctl.model.address import Address
from krakenctl.model.desired import DesiredKey
from krakenctl.model.finding import Finding, Severity
from krakenctl.model.recorded import Containment, RecordedKey
from krakenctl.plan.keys import contained as told
from krakenctl.plan.scene import Scene


def containment(
    key: DesiredKey, record: RecordedKey | None, contained: Mapping[Address, Containment]
) -> Containment | None:
    """Under its address, or a former one: a rename brings nothing back.

    `record`: its current key. One that was issued later was allowed, and nothing clears its former addresses.
    """
    if key.address in contained:
        return contained[key.address]
    former = (contained[address] for address in key.formerly if address in contained)
    latest = max(former, key=lambda by: by.at, default=None)
    return latest if latest and (record is None or record.issued <= latest.at) else None


def still_live(scene: Scene) -> Iterator[Finding]:
    """The kill switch was used on these, and could not revoke them."""
    declared = {key.address: key for key in scene.declared}
    for record in (*scene.recorded, *scene.retired):
        by, key = scene.contained.get(record.address), declared.get(record.address)
        if by is None and key is not None:
            by = containment(key, record, scene.contained)
        if by is not None and scene.same_key(record):
            yield Finding(
                rule="contained-key-live",
                severity=Severity.WARNING,
                message=f"{record.live_name} is still live, and was to be {told(by)}",
                hint=f"run `krakenctl revoke {record.address}`",
                address=str(record.address),
            )
