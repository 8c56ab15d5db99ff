"""IP allow-lists: which entries are valid, and whether an address is let in. Pure.

Source: krakenfx/api-specs `oauth/openapi_v3.yaml`: IPv4 and IPv6 addresses or CIDR blocks; an empty list is the whole
world.
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def entries(value: object, switches: Mapping[str, str]) -> tuple[str, ...] | None:
    """The list as it is to be kept, or None when it is not a list of addresses and blocks."""
    if not isinstance(value, list):
        return None
    read = tuple(_entry(item, switches) for item in value)
    return None if None in read else tuple(item for item in read if item is not None)


def complaint(entry: str) -> str:
    """What is wrong with an entry that is none, as a half-sentence."""
    try:
        network = ip_network(entry, strict=False)
    except ValueError:
        network = None
    if network is None or network.network_address == ip_address(entry.partition("/")[0]):
        return f"“{entry}” is neither an IP address nor a block of them"
    return f"“{entry}” has host bits set: write {network}"


def lets_in(allowed: Iterable[str], address: str) -> bool:
    """Whether a peer may call. A peer without an IP address, as on a unix socket, is never on a list."""
    try:
        peer = ip_address(address)
    except ValueError:
        return False
    peer = _plain(peer)
    return any(peer in _block(entry) for entry in allowed)


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


@lru_cache(maxsize=4096)
def _block(entry: str) -> IPv4Network | IPv6Network:
    """Read at every call of a key; lists are few, and calls many."""
    return _plain_network(ip_network(entry, strict=False))


def _plain_network(network: IPv4Network | IPv6Network) -> IPv4Network | IPv6Network:
    """An entry may be spelt so, too: ::ffff:203.0.113.0/120 is 203.0.113.0/24."""
    mapped = network.network_address.ipv4_mapped if isinstance(network, IPv6Network) else None
    return network if mapped is None or network.prefixlen < 96 else IPv4Network((mapped, network.prefixlen - 96))
