"""How money comes in and goes out: a small fixed table of networks and funding methods. No account is looked at.

Names and fields are shaped as in krakenfx/api-specs spot-rest and docs.kraken.com Funding (Beta), by their examples;
minimums and fees are made up. Ids are the same in every sandbox.
"""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass
from decimal import Decimal

_BECH32 = "023456789acdefghjklmnpqrstuvwxyz"
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_HEX = "0123456789abcdef"
_NAMESPACE = uuid.UUID("6f1d8c5e-8f43-5b0c-9d0e-4b72616b656e")


def _id(sort: str, name: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, f"{sort}:{name}"))


@dataclass(frozen=True, slots=True)
class Group:
    """Networks that share an address format."""

    name: str

    @property
    def id(self) -> str:
        return _id("group", self.name)


@dataclass(frozen=True, slots=True)
class Network:
    name: str
    prefix: str = ""  # an address is this and then `length` characters of the alphabet; empty alphabet: none is made
    alphabet: str = ""
    length: int = 0
    group: Group | None = None
    tagged: bool = False  # an address alone is not enough: a tag says whose deposit it is

    @property
    def id(self) -> str:
        return _id("network", self.name)

    def new_address(self) -> tuple[str, str]:
        """An address, and its tag where the network has tags."""
        address = self.prefix + "".join(secrets.choice(self.alphabet) for _ in range(self.length))
        return address, str(secrets.randbelow(2**32)) if self.tagged else ""


@dataclass(frozen=True, slots=True)
class Method:
    """One way for one asset."""

    name: str
    asset: str
    network: Network
    minimum: Decimal  # of what arrives
    fee: Decimal  # for a withdrawal

    @property
    def id(self) -> str:
        return _id("method", f"{self.asset} {self.name}")

    @property
    def makes_addresses(self) -> bool:
        return bool(self.network.alphabet)

    def takes(self, scope: str) -> bool:
        """Whether an address that was saved for this scope can be withdrawn to by this method."""
        return scope in covering(self.id)


def _method(name: str, asset: str, network: Network, minimum: str, fee: str) -> Method:
    return Method(name, asset, network, Decimal(minimum), Decimal(fee))


EVM = Group("EVM networks")
GROUPS = (EVM,)

_BITCOIN = Network("Bitcoin", "bc1q", _BECH32, 38)
_LIGHTNING = Network("Lightning", "lnbc", _BECH32, 200)
_ETHEREUM = Network("Ethereum", "0x", _HEX, 40, EVM)
_ARBITRUM = Network("Arbitrum One", "0x", _HEX, 40, EVM)
_TRON = Network("Tron", "T", _BASE58, 33)
_RIPPLE = Network("Ripple", "r", _BASE58, 33, tagged=True)
_LITECOIN = Network("Litecoin", "ltc1q", _BECH32, 38)
_DOGECOIN = Network("Dogecoin", "D", _BASE58, 33)
_SOLANA = Network("Solana", "", _BASE58, 44)
_CARDANO = Network("Cardano", "addr1", _BECH32, 98)
_POLKADOT = Network("Polkadot", "1", _BASE58, 47)
_FEDWIRE, _SEPA, _FASTER_PAYMENTS = Network("Fedwire"), Network("SEPA"), Network("Faster Payments")

METHODS = (
    _method("Bitcoin", "XXBT", _BITCOIN, "0.0001", "0.00002"),
    _method("Bitcoin Lightning", "XXBT", _LIGHTNING, "0.00001", "0"),
    _method("Ether (Hex)", "XETH", _ETHEREUM, "0.002", "0.0005"),
    _method("Arbitrum One (Unified)", "XETH", _ARBITRUM, "0.002", "0.0001"),
    _method("Ripple XRP", "XXRP", _RIPPLE, "1", "0.1"),
    _method("Litecoin", "XLTC", _LITECOIN, "0.01", "0.002"),
    _method("Dogecoin", "XXDG", _DOGECOIN, "10", "4"),
    _method("Solana", "SOL", _SOLANA, "0.02", "0.01"),
    _method("ADA", "ADA", _CARDANO, "2", "0.6"),
    _method("Polkadot", "DOT", _POLKADOT, "1.1", "0.1"),
    _method("Tether USD (ERC20)", "USDT", _ETHEREUM, "5", "2.5"),
    _method("Tether USD (TRC20)", "USDT", _TRON, "5", "4"),
    _method("USDC", "USDC", _ETHEREUM, "5", "2.5"),
    _method("USDC (Arbitrum One)", "USDC", _ARBITRUM, "5", "1"),
    _method("Fedwire", "ZUSD", _FEDWIRE, "20", "4"),
    _method("SEPA", "ZEUR", _SEPA, "5", "1"),
    _method("Faster Payments", "ZGBP", _FASTER_PAYMENTS, "5", "1.95"),
)
NETWORKS = tuple(dict.fromkeys(method.network for method in METHODS))

_BY_ID = {method.id: method for method in METHODS}
_SORTS = (
    {method.id: "method_id" for method in METHODS}
    | {network.id: "network_id" for network in NETWORKS}
    | {group.id: "network_group_id" for group in GROUPS}
)
_WIDER = {method.id: method.network.id for method in METHODS} | {
    network.id: network.group.id for network in NETWORKS if network.group is not None
}


def by_id(method_id: str) -> Method | None:
    return _BY_ID.get(method_id)


def of_asset(asset: str) -> tuple[Method, ...]:
    """The methods of an asset, by Kraken's name for it (`XXBT`)."""
    return tuple(method for method in METHODS if method.asset == asset)


def named(asset: str, name: str) -> Method | None:
    return next((method for method in of_asset(asset) if method.name == name), None)


def sort_of(scope: str) -> str | None:
    """`method_id`, `network_id` or `network_group_id`; None: it is the id of nothing."""
    return _SORTS.get(scope)


def covering(scope: str) -> frozenset[str]:
    """The scope and those that are wider: a method's network, a network's group."""
    wider = _WIDER.get(scope)
    return frozenset({scope}) if wider is None else covering(wider) | {scope}
