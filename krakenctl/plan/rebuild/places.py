"""Where the secrets of declared keys may be."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from krakenctl.model.desired import Desired, DesiredKey, SecretRef
from krakenctl.model.rebuilt import Kept


def places(desired: Desired, default_store: str) -> tuple[SecretRef, ...]:
    """Every place to look into: where a key's secret belongs, and where it would be under a former or no path."""
    homes = homes_of(desired)
    return tuple(dict.fromkeys(ref for key in desired.keys.values() for ref in _places(key, homes, default_store)))


def slots_of(
    key: DesiredKey, kept: Mapping[SecretRef, tuple[Kept, ...]], homes: Collection[SecretRef], default_store: str
) -> Iterator[Kept]:
    """What is kept where this key's secret may be, whosever it is. `homes`: see `homes_of`."""
    for place in _places(key, homes, default_store):
        yield from kept.get(place, ())


def homes_of(desired: Desired) -> frozenset[SecretRef]:
    """Where declared keys belong."""
    return frozenset(key.secret for key in desired.keys.values())


def _places(key: DesiredKey, homes: Collection[SecretRef], default_store: str) -> tuple[SecretRef, ...]:
    usual = (SecretRef(default_store, "/".join(address.path)) for address in (key.address, *key.formerly))
    return (key.secret, *(ref for ref in usual if ref not in homes))
