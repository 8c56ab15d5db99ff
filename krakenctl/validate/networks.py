"""Brings an allow-list into the one form in which two of them can be compared. It knows no key and no account."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network
from typing import NamedTuple

from krakenctl.validate.words import shown

Network = IPv4Network | IPv6Network
ANY = "any"
_MAPPED = IPv6Network("::ffff:0:0/96")  # IPv4 addresses in the clothes of IPv6


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
    remarks.extend(_whole_together(networks))
    entries = tuple(_text(network) for network in sorted(networks, key=_order))
    return Allowlist(entries, tuple(remarks))


def _parse(text: str, position: int, remarks: list[Remark]) -> Network | None:
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        remarks.append(Remark("bad-cidr", position, f"{shown(text)} is neither an address nor a CIDR range"))
        return None
    wrong = _wrong(text, network, position)
    if wrong is not None:
        remarks.append(wrong)
    return network if wrong is None else None


def _wrong(text: str, network: Network, position: int) -> Remark | None:
    """What Python's library takes for a network, and Kraken refuses or means otherwise."""
    if network.prefixlen == 0:
        return Remark("whole-world", position, f"“{text}” is the whole world", "write `any` if that is meant")
    if "%" in text:
        message = f"{shown(text)} names an interface of one machine, which means nothing to the exchange"
        return Remark("bad-cidr", position, message, "write an address that others see, without “%” and what follows")
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):
        message = f"“{text}” is an IPv4 address written as IPv6, and calls from it arrive as IPv4"
        return Remark("bad-cidr", position, message, f"write “{_text(_unmapped(network))}”")
    if _has_host_bits(text):
        message = f"“{text}” is no range: it has bits after its prefix"
        hint = f"write “{network}” for the range, or “{text.partition('/')[0]}” for the address"
        return Remark("bad-cidr", position, message, hint)
    return None


def _unmapped(network: IPv6Network) -> IPv4Network:
    return IPv4Network((int(network.network_address) & 0xFFFFFFFF, network.prefixlen - _MAPPED.prefixlen))


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


def _whole_together(networks: dict[Network, int]) -> Iterator[Remark]:
    """Ranges that look like parts and leave nobody out: 0.0.0.0/1 and 128.0.0.0/1."""
    v4 = [network for network in networks if isinstance(network, IPv4Network)]
    v6 = [network for network in networks if isinstance(network, IPv6Network)]
    unions: list[Network] = [*collapse_addresses(v4), *collapse_addresses(v6)]
    for union in unions:
        if union.prefixlen == 0:
            message = f"the IPv{union.version} ranges of this list together are the whole world"
            position = min(networks[network] for network in networks if network.version == union.version)
            yield Remark("whole-world", position, message, "write `any` if that is meant")


def _order(network: Network) -> tuple[int, int, int]:
    return network.version, int(network.network_address), network.prefixlen


def _text(network: Network) -> str:
    """As Kraken writes it: a range of one address is the address."""
    return str(network.network_address) if network.prefixlen == network.max_prefixlen else str(network)
