"""Allow-lists to try, and which addresses they let in."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_network

from hypothesis import strategies as st

from krakenctl.model.allow_list import AllowList

# Few enough addresses that lists often overlap.
_four = st.tuples(st.integers(0, 15), st.integers(28, 32)).map(
    lambda of: ip_network((0x0A000000 + of[0], of[1]), False)
)
_six = st.tuples(st.integers(0, 7), st.integers(125, 128)).map(
    lambda of: ip_network((0xFD << 120 | of[0], of[1]), False)
)


def allow_lists() -> st.SearchStrategy[AllowList]:
    return st.lists((_four | _six).map(str), max_size=4).map(tuple)


def addresses(allow_list: Iterable[str]) -> set[IPv4Address | IPv6Address]:
    return {address for network in allow_list for address in ip_network(network)}
