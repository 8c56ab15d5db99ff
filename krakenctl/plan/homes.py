"""Where keys that are recorded under a former address belong now. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from krakenctl.model.address import Address
from krakenctl.model.desired import DesiredKey


def taken_over(key: DesiredKey, recorded: Collection[Address]) -> Address | None:
    """The address under which its current key is recorded. It is one, however many the manifest calls former ones."""
    return next((address for address in (key.address, *key.formerly) if address in recorded), None)


def homes(declared: Iterable[DesiredKey], recorded: Collection[Address]) -> Mapping[Address, Address]:
    """By former address, the one it is part of now. `recorded`: the addresses of current keys.

    A former address that still has a key of its own, and is not the one taken over, belongs nowhere: to be named in
    `formerly` gives a key no successor.
    """
    found: dict[Address, Address] = {}
    for key in declared:
        taken = taken_over(key, recorded)
        found |= {former: key.address for former in key.formerly if former == taken or former not in recorded}
    return found
