"""Brings an allow-list into the one form in which two of them can be compared. It knows no key and no account."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import NamedTuple

from krakenctl.validate.words import shown

Network = IPv4Network | IPv6Network
ANY = "any"


class Remark(NamedTuple):
    """Something about one entry of an allow-list."""

    rule: str
    position: int
    message: str
    hint: str = ""
    is_error: bool = True


class Allowlist(NamedTuple):
    entries: tuple[str, ...]  # canonical and sorted; () is `any`
    remarks: tuple[Remark, ...]


def canonical(written: str | Sequence[str]) -> Allowlist:
    """`any`, or addresses and ranges → each in its shortest form, each once, in order."""
    if written == ANY:
        return Allowlist((), ())
    remarks: list[Remark] = []
    networks: dict[Network, int] = {}
    for position, text in enumerate(written):
        network = _parse(text, position, remarks)
        if network is None:
            continue
        if network in networks:
            remarks.append(Remark("repeated-range", position, f"“{_text(network)}” is in the list already", "", False))
        networks.setdefault(network, position)
    remarks.extend(_contained(networks))
    entries = tuple(_text(network) for network in sorted(networks, key=_order))
    return Allowlist(entries, tuple(remarks))


def _parse(text: str, position: int, remarks: list[Remark]) -> Network | None:
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        remarks.append(Remark("bad-cidr", position, f"{shown(text)} is neither an address nor a CIDR range"))
        return None
    if network.prefixlen == 0:
        remarks.append(Remark("whole-world", position, f"“{text}” is the whole world", "write `any` if that is meant"))
        return None
    if _has_host_bits(text):
        message = f"“{text}” is no range: it has bits after its prefix"
        hint = f"write “{network}” for the range, or “{text.partition('/')[0]}” for the address"
        remarks.append(Remark("bad-cidr", position, message, hint))
        return None
    return network


def _has_host_bits(text: str) -> bool:
    try:
        ip_network(text)
    except ValueError:
        return True
    return False


def _contained(networks: dict[Network, int]) -> Iterator[Remark]:
    """Ranges that lie in another one of the list. Sorted, a range stands just before what it holds."""
    holder: Network | None = None
    for network in sorted(networks, key=_order):
        if holder is not None and network.version == holder.version and network.subnet_of(holder):  # type: ignore[arg-type]
            message = f"“{_text(network)}” lies within “{_text(holder)}”"
            yield Remark("contained-range", networks[network], message, "leave it out", False)
        else:
            holder = network


def _order(network: Network) -> tuple[int, int, int]:
    return network.version, int(network.network_address), network.prefixlen


def _text(network: Network) -> str:
    """As Kraken writes it: a range of one address is the address."""
    return str(network.network_address) if network.prefixlen == network.max_prefixlen else str(network)
