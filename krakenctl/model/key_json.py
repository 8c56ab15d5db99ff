"""A `KeySpec` as JSON, the same in plans, state and stores. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from krakenctl.model.key import KeySpec
from krakenctl.model.permission import Permission, in_order


def spec_to_json(spec: KeySpec) -> dict[str, Any]:
    """Permissions in Kraken's order, `ipAllowlist: []` for the whole world, times in unix seconds, 0 for no limit."""
    raw = {
        "permissions": [p.value for p in in_order(spec.permissions)],
        "ipAllowlist": list(spec.ip_allowlist),
        "validUntil": spec.valid_until,
        "queryFrom": spec.query_from,
        "queryTo": spec.query_to,
        "nonceWindow": spec.nonce_window,
    }
    if spec.unknown_permissions:
        raw["unknownPermissions"] = sorted(spec.unknown_permissions)
    return raw


def spec_from_json(raw: dict[str, Any]) -> KeySpec:
    """Raises KeyError, TypeError or ValueError when it is not what `spec_to_json` writes."""
    return KeySpec(
        permissions=_permissions(tuple(raw["permissions"])),
        ip_allowlist=tuple(str(entry) for entry in raw["ipAllowlist"]),
        valid_until=int(raw["validUntil"]),
        query_from=int(raw["queryFrom"]),
        query_to=int(raw["queryTo"]),
        nonce_window=int(raw["nonceWindow"]),
        unknown_permissions=frozenset(raw.get("unknownPermissions", ())),
    )


@lru_cache(maxsize=1024)  # ten thousand keys have a handful of different grants
def _permissions(codes: Sequence[str]) -> frozenset[Permission]:
    return frozenset(map(Permission, codes))
