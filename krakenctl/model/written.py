"""A key's spec in the words of a manifest: `any`, `never`, dates."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from krakenctl.model.desired import SecretRef
from krakenctl.model.key import KeySpec
from krakenctl.model.permission import Permission, in_order
from krakenctl.model.time import show_duration, show_time

ANY = "any"
FIELDS = {  # of a manifest ↔ of a KeySpec
    "permissions": "permissions",
    "ipAllowlist": "ip_allowlist",
    "expires": "valid_until",
    "queryWindow.from": "query_from",
    "queryWindow.to": "query_to",
    "nonceWindow": "nonce_window",
}


def as_written(spec: KeySpec, secret: SecretRef | None, valid_for: int | None = None) -> dict[str, Any]:
    """`valid_for` wins over the spec's expiry."""
    return {
        "permissions": _ordered(spec.permissions) + sorted(spec.unknown_permissions),
        "ipAllowlist": list(spec.ip_allowlist) or [ANY],
        "expires": _expiry(spec.valid_until, valid_for),
        "queryWindow.from": _date(spec.query_from),
        "queryWindow.to": _date(spec.query_to),
        "nonceWindow": spec.nonce_window,
        "secret": show_secret(secret),
    }


def show_secret(secret: SecretRef | None) -> str | None:
    return f"{secret.store}:{secret.path}" if secret else None


def _ordered(permissions: Iterable[Permission]) -> list[str]:
    return [permission.value for permission in in_order(permissions)]


def _expiry(valid_until: int, valid_for: int | None) -> str:
    if valid_for is not None:
        return f"{show_duration(valid_for)} after issue"
    return show_time(valid_until) if valid_until else "never"


def _date(seconds: int) -> str | None:
    return show_time(seconds) if seconds else None
