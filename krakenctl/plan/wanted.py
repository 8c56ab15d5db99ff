"""What one live key should be, field by field, and whether it is. Pure.

A field that nobody declared keeps what it has. Expiries are compared with `same_expiry`'s patience.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from krakenctl.model.desired import DesiredKey
from krakenctl.model.key import KeySpec, same_expiry
from krakenctl.model.written import FIELDS


def managed(key: DesiredKey) -> frozenset[str]:
    """The fields of a `KeySpec` that the manifest (or what it inherits) decides."""
    declared = {
        "valid_until": key.valid_for is not None or key.valid_until is not None,
        "query_from": key.query_from is not None,
        "query_to": key.query_to is not None,
        "nonce_window": key.nonce_window is not None,
    }
    return frozenset({"permissions", "ip_allowlist", *(name for name, yes in declared.items() if yes)})


def at_issue(key: DesiredKey) -> KeySpec:
    """What a new key is to be. Its expiry is set at the moment of issue when it is declared as a duration."""
    return KeySpec(
        permissions=key.grants,
        ip_allowlist=key.ip_allowlist,
        valid_until=key.valid_until or 0,
        query_from=key.query_from or 0,
        query_to=key.query_to or 0,
        nonce_window=key.nonce_window or 0,
    )


def of_live(key: DesiredKey, live: KeySpec, issued: int) -> KeySpec:
    """What the live key should be now: declared fields as declared, all others as they are."""
    wanted = at_issue(key)
    expiry = issued + key.valid_for if key.valid_for is not None else wanted.valid_until
    declared = managed(key)
    return replace(
        wanted,
        valid_until=settled(expiry, live.valid_until) if "valid_until" in declared else live.valid_until,
        query_from=wanted.query_from if "query_from" in declared else live.query_from,
        query_to=wanted.query_to if "query_to" in declared else live.query_to,
        nonce_window=wanted.nonce_window if "nonce_window" in declared else live.nonce_window,
    )


def changed(key: DesiredKey, sent: KeySpec, live: KeySpec) -> Iterator[str]:
    """Fields, by their names in manifests, that nobody declared and somebody changed: no plan sets them back."""
    declared = managed(key)
    as_sent = replace(sent, valid_until=settled(sent.valid_until, live.valid_until))
    for name, field in FIELDS.items():
        if field not in declared and getattr(as_sent, field) != getattr(live, field):
            yield name


def dated(key: DesiredKey, issued: int) -> KeySpec:
    """The key as it would have been issued at that time."""
    spec = at_issue(key)
    return spec if key.valid_for is None else replace(spec, valid_until=issued + key.valid_for)


def same(one: KeySpec, other: KeySpec) -> bool:
    return one == replace(other, valid_until=settled(other.valid_until, one.valid_until))


def settled(expiry: int, live: int) -> int:
    """The live time when it is near enough, so that comparing specs is comparing values."""
    return live if same_expiry(expiry, live) else expiry
