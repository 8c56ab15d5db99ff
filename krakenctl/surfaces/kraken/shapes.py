"""Keys as Kraken writes them ↔ `KeySpec` and `LiveKey`. Pure, and tolerant where Kraken's own sources disagree.

Source: krakenfx/api-specs oauth/openapi_v3.yaml (Fast API keys); docs.kraken.com GetApiKeyInfo. Both spellings of
GetApiKeyInfo's fields, numbers as texts, `[""]` as “no restriction” and null as “not set” have been seen. A creation
time is a text in both sources, and neither says of which format.
"""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from krakenctl.errors import ExchangeError
from krakenctl.model.key import KeySpec, LiveKey
from krakenctl.model.permission import BY_FLAG, ON_CONNECT, SPELLINGS, Permission

EARLIEST, LATEST = 1_300_000_000, 32_503_680_000  # 2011, when Kraken was founded, and the year 3000

_CODES = {p.value: p for p in Permission}


def fast_key_body(name: str, spec: KeySpec) -> dict[str, Any]:
    """The body of a create or an update: the complete wanted state, because nobody knows what absent means."""
    return {
        "api_key_name": name,
        "permissions": {SPELLINGS[p].flag: p in spec.permissions for p in Permission if p in ON_CONNECT},
        "ip_allowlist": list(spec.ip_allowlist),
        "valid_until": spec.valid_until,
        "query_from": spec.query_from,
        "query_to": spec.query_to,
        "nonce_window": spec.nonce_window,
    }


def live_key(raw: Mapping[str, Any]) -> LiveKey:
    """Read a key from List, from a create's answer or from GetApiKeyInfo. Raises ExchangeError when it is no key."""
    field = _Fields(raw)
    name = field("api_key_name", "apiKeyName")
    if not isinstance(name, str) or not name:
        raise ExchangeError("Kraken described a key without a name: this krakenctl does not understand the answer")
    known, unknown = permissions(raw.get("permissions"))
    return LiveKey(
        name=name,
        created=moment(field("created_time", "createdTime")),
        public_key=str(field("api_key", "apiKey") or ""),
        modified=_moment_or_none(field("modified_time", "modifiedTime")),
        spec=KeySpec(
            permissions=known,
            unknown_permissions=unknown,
            ip_allowlist=allowlist(field("ip_allowlist", "ipAllowlist")),
            valid_until=number(field("valid_until", "validUntil")),
            query_from=number(field("query_from", "queryFrom")),
            query_to=number(field("query_to", "queryTo")),
            nonce_window=number(field("nonce_window", "nonceWindow")),
        ),
    )


class _Fields:
    """Reads a field under whichever of its two spellings is there."""

    def __init__(self, raw: Mapping[str, Any]) -> None:
        if not isinstance(raw, dict):
            raise ExchangeError("Kraken's list holds something that is no key: this krakenctl does not understand it")
        self._raw = raw

    def __call__(self, snake: str, camel: str) -> Any:
        return self._raw[snake] if snake in self._raw else self._raw.get(camel)


def permissions(raw: Any) -> tuple[frozenset[Permission], frozenset[str]]:
    """Known and unknown ones, from a list of codes or an object of flags. What we do not know, we do not drop."""
    if isinstance(raw, dict):
        return _split(tuple(sorted(flag for flag, granted in raw.items() if granted)))
    if isinstance(raw, list):
        return _split(tuple(str(code) for code in raw))
    raise ExchangeError("Kraken described a key without permissions: this krakenctl does not understand the answer")


@lru_cache(maxsize=4096)
def _split(names: tuple[str, ...]) -> tuple[frozenset[Permission], frozenset[str]]:
    known = {name: BY_FLAG.get(name) or _CODES.get(name) for name in names}
    return (
        frozenset(p for p in known.values() if p is not None),
        frozenset(name for name, p in known.items() if p is None),
    )


def allowlist(raw: Any) -> tuple[str, ...]:
    """Canonical and sorted; () for the whole world, as it is for null and missing."""
    if raw is not None and not isinstance(raw, list):
        raise ExchangeError("Kraken sent an allow-list that is no list: this krakenctl does not understand the answer")
    return _canonical(tuple(str(entry) for entry in raw or () if entry))


@lru_cache(maxsize=4096)
def _canonical(entries: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({_network(entry) for entry in entries}, key=_order))


def _order(entry: str) -> tuple[int, int, int, str]:
    """By address, as manifests are ordered, and not as text: 9.0.0.1 stands before 10.0.0.1."""
    try:
        network = ipaddress.ip_network(entry)
    except ValueError:
        return (0, 0, 0, entry)
    return (network.version, int(network.network_address), network.prefixlen, "")


def _network(entry: str) -> str:
    """`198.51.100.7/32` → `198.51.100.7`; what is no address stays as it is, and so differs from all declared."""
    try:
        network = ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return entry
    return str(network.network_address) if network.num_addresses == 1 else str(network)


def number(raw: Any) -> int:
    """Seconds or a count, from a number or a text; null, missing and the empty text are 0."""
    if raw in (None, ""):
        return 0
    try:
        return int(raw)
    except (TypeError, ValueError, OverflowError):  # OverflowError: Infinity
        raise ExchangeError(f"Kraken sent a {type(raw).__name__} where a number belongs") from None


def moment(raw: Any) -> int:
    """Whole unix seconds, rounded down: from a number, a text of one, or ISO 8601 (UTC when it names no zone)."""
    if not isinstance(raw, str) or not raw:
        return number(raw)
    for read in (_seconds, _iso):
        with suppress(ValueError, OverflowError):
            return read(raw)
    raise ExchangeError("Kraken sent a text where a time belongs: this krakenctl does not understand the answer")


def _moment_or_none(raw: Any) -> int:
    """Of a time that only people look at: no answer is refused for its sake."""
    try:
        return moment(raw)
    except ExchangeError:
        return 0


def _seconds(text: str) -> int:
    """Plain digits, perhaps with a fraction. A year, a date without dashes or milliseconds are no such number."""
    whole, _, fraction = text.partition(".")
    if not (whole + fraction).isascii() or not (whole + fraction).isdecimal():
        raise ValueError
    if whole != "0" and not EARLIEST <= int(whole) <= LATEST:
        raise ValueError
    return int(whole)


def _iso(text: str) -> int:
    moment = datetime.fromisoformat(text)
    return math.floor((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
