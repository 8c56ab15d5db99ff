"""Where keys that are recorded under a former address belong now. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from krakenctl.model.address import Address
from krakenctl.model.desired import DesiredKey
from krakenctl.model.recorded import RecordedKey


def taken_over(key: DesiredKey, recorded: Collection[Address]) -> Address | None:
    """The address under which its current key is recorded. It is one, however many the manifest calls former ones."""
    return next((address for address in (key.address, *key.formerly) if address in recorded), None)


def recorded_as(key: DesiredKey, records: Mapping[Address, RecordedKey]) -> RecordedKey | None:
    """Its current key, under whichever address that is recorded; None: it has none. `records`: all current keys."""
    taken = taken_over(key, records)
    return None if taken is None else records[taken]


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


def moved(declared: Iterable[DesiredKey], recorded: Collection[Address]) -> Mapping[Address, Address]:
    """The same for what is under way: not where its key has a current one already, which it would double."""
    found: dict[Address, Address] = {}
    for key in declared:
        taken = taken_over(key, recorded)
        found |= {former: key.address for former in key.formerly if taken in (None, former)}
    return found
