"""What is this computer and what is not: of addresses, and of the names in a Host header. Pure."""

from __future__ import annotations

import re
from ipaddress import IPv6Address, ip_address

# RFC 9110 7.2: a name or an address (of IPv6 in brackets), and perhaps a port; nothing else.
_HOST = re.compile(r"(?:\[(?P<ipv6>[0-9A-Fa-f:.]+)\]|(?P<name>[0-9A-Za-z.-]+))(?::[0-9]{0,5})?")


def is_loopback(address: str) -> bool:
    """Also as a dual-stack socket shows it: ::ffff:127.0.0.1."""
    try:
        found = ip_address(address)
    except ValueError:
        return False
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return (mapped or found).is_loopback


def names_loopback(host: str) -> bool:
    """Whether a Host header names this computer alone. Source of the names: RFC 6761 6.3."""
    found = _HOST.fullmatch(host)
    if found is None:
        return False
    name = (found["ipv6"] or found["name"]).lower()
    return name == "localhost" or name.endswith(".localhost") or is_loopback(name)
