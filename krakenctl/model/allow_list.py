"""From which addresses a key may be used: addresses and networks, as texts. Pure.

Kraken may tell of an entry that is neither.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network

AllowList = tuple[str, ...]  # empty: any address may use the key
Network = IPv4Network | IPv6Network


def readable(entries: Iterable[str]) -> tuple[list[Network], list[str]]:
    """Those that can be read, and the texts that cannot."""
    read: list[Network] = []
    odd: list[str] = []
    for entry in entries:
        try:
            read.append(ip_network(entry, strict=False))
        except ValueError:
            odd.append(entry)
    return read, odd


def collapsed(networks: Iterable[Network]) -> list[Network]:
    """Neighbours are joined, so that what lies in all of them lies in one."""
    found = list(networks)
    four = collapse_addresses(one for one in found if isinstance(one, IPv4Network))
    six = collapse_addresses(one for one in found if isinstance(one, IPv6Network))
    return [*four, *six]


def lies_within(inner: AllowList, outer: AllowList) -> bool:
    """Whether `outer` is sure to let every address in that `inner` may let in. An empty one lets in all."""
    if not outer:
        return True
    asked, odd = readable(inner)
    allowed = collapsed(readable(outer)[0])
    return bool(asked) and not odd and all(any(_is_part(one, other) for other in allowed) for one in collapsed(asked))


def _is_part(one: Network, other: Network) -> bool:
    if isinstance(one, IPv4Network) and isinstance(other, IPv4Network):
        return one.subnet_of(other)
    return isinstance(one, IPv6Network) and isinstance(other, IPv6Network) and one.subnet_of(other)
