"""IP allow-lists: which entries are valid, and whether an address is let in. Pure.

Source: krakenfx/api-specs `oauth/openapi_v3.yaml`: IPv4 and IPv6 addresses or CIDR blocks; an empty list is the whole
world.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def entries(value: object, switches: Mapping[str, str]) -> tuple[str, ...] | None:
    """The list as it is to be kept, or None when it is not a list of addresses and blocks."""
    if not isinstance(value, list):
        return None
    read = tuple(_entry(item, switches) for item in value)
    return None if None in read else tuple(item for item in read if item is not None)


def lets_in(allowed: Iterable[str], address: str) -> bool:
    """Whether a peer may call. A peer without an IP address, as on a unix socket, is never on a list."""
    try:
        peer = ip_address(address)
    except ValueError:
        return False
    peer = _plain(peer)
    return any(peer in ip_network(entry, strict=False) for entry in allowed)


def _entry(item: object, switches: Mapping[str, str]) -> str | None:
    if not isinstance(item, str) or "%" in item or not _has_plain_prefix(item):
        return None
    try:
        network = ip_network(item, strict=switches["allowlist-host-bits"] == "refuse")
    except ValueError:
        return None
    return str(network) if switches["allowlist-echo"] == "cidr" else item


def _has_plain_prefix(item: str) -> bool:
    _, slash, prefix = item.partition("/")
    return not slash or (prefix.isascii() and prefix.isdigit() and len(prefix) <= 3)


def _plain(peer: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """A dual-stack server shows 203.0.113.10 as ::ffff:203.0.113.10."""
    return (peer.ipv4_mapped or peer) if isinstance(peer, IPv6Address) else peer
