"""Whether the kill switch was used on a declared key. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from krakenctl.model.address import Address
from krakenctl.model.desired import DesiredKey
from krakenctl.model.recorded import Containment, RecordedKey


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
