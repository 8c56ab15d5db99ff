"""The assets and pairs that the sandbox trades in: a small fixed table in Kraken's names. No price in it ever moves.

Source of names, decimals and fields: krakenfx/api-specs spot-rest, examples of Assets and AssetPairs. The prices are
made up.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_DOWN, Context, Decimal
from typing import Any, NamedTuple

_TAKER = ("0.40", "0.35", "0.24", "0.22", "0.20", "0.18", "0.16")
_MAKER = ("0.25", "0.20", "0.14", "0.12", "0.10", "0.08", "0.06")
_VOLUMES = (0, 10000, 50000, 100000, 250000, 500000, 1000000)
_SPOKEN = {"BTC": "XBT", "DOGE": "XDG"}  # what people say → what Kraken says
_UNLISTED_DECIMALS = 10


@dataclass(frozen=True, slots=True)
class Asset:
    name: str
    altname: str
    decimals: int
    display_decimals: int
    usd: str  # what one is worth, for balances and volumes in another currency
    collateral: float | None = None  # None: it is none

    def text(self, amount: Decimal) -> str:
        """An amount as Kraken writes it: with all of the asset's decimals, the rest cut off."""
        return _cut(amount, self.decimals)

    def shown(self) -> dict[str, Any]:
        """As Assets shows it."""
        view: dict[str, Any] = {
            "aclass": "currency",
            "altname": self.altname,
            "decimals": self.decimals,
            "display_decimals": self.display_decimals,
        }
        if self.collateral is not None:
            view["collateral_value"] = self.collateral
        return view | {"status": "enabled", "margin_rate": 0.02}


@dataclass(frozen=True, slots=True)
class Pair:
    name: str
    base: Asset
    quote: Asset
    price_decimals: int
    cost_decimals: int
    order_minimum: str
    cost_minimum: str
    leverages: tuple[int, ...] = ()  # none: no margin

    @property
    def altname(self) -> str:
        return self.base.altname + self.quote.altname

    @property
    def wsname(self) -> str:
        return f"{self.base.altname}/{self.quote.altname}"

    def price_text(self, price: Decimal) -> str:
        return _cut(price, self.price_decimals)

    def volume_text(self, volume: Decimal) -> str:
        return _cut(volume, _LOT_DECIMALS)

    def cost_text(self, cost: Decimal) -> str:
        return _cut(cost, self.cost_decimals)

    def price(self) -> Decimal:
        """What one of the base is worth in the quote, by the table."""
        return Decimal(self.base.usd) / Decimal(self.quote.usd)

    def shown(self) -> dict[str, Any]:
        """As AssetPairs shows it."""
        return self._names() | self._leverage() | self._fees() | self._margin() | self._limits()

    def view(self, info: str) -> dict[str, Any]:
        """The part of it that was asked for: `info` is all."""
        parts = {"leverage": self._leverage, "fees": self._fees, "margin": self._margin, "info": self.shown}
        return parts[info]()

    def _names(self) -> dict[str, Any]:
        return {
            "altname": self.altname,
            "wsname": self.wsname,
            "aclass_base": "currency",
            "base": self.base.name,
            "aclass_quote": "currency",
            "quote": self.quote.name,
            "lot": "unit",
            "cost_decimals": self.cost_decimals,
            "pair_decimals": self.price_decimals,
            "lot_decimals": _LOT_DECIMALS,
            "lot_multiplier": 1,
        }

    def _leverage(self) -> dict[str, Any]:
        return {"leverage_buy": list(self.leverages), "leverage_sell": list(self.leverages)}

    def _fees(self) -> dict[str, Any]:
        return {
            "fees": [[volume, float(fee)] for volume, fee in zip(_VOLUMES, _TAKER, strict=True)],
            "fees_maker": [[volume, float(fee)] for volume, fee in zip(_VOLUMES, _MAKER, strict=True)],
            "fee_volume_currency": "ZUSD",
        }

    def _margin(self) -> dict[str, Any]:
        return {"margin_call": 80, "margin_stop": 40}

    def _limits(self) -> dict[str, Any]:
        return {
            "ordermin": self.order_minimum,
            "costmin": self.cost_minimum,
            "tick_size": format(Decimal(1).scaleb(-self.price_decimals), "f"),
            "status": "online",
        }


class FeeTier(NamedTuple):
    """Where a 30-day volume stands in a fee schedule; percentages. None: there is no such tier."""

    fee: str
    lowest: str
    highest: str
    next_fee: str | None
    next_volume: str | None
    volume: str | None


_LOT_DECIMALS = 8
_WIDE = Context(prec=80)  # an absurd price times an absurd volume is still a number

_ASSETS = (
    Asset("XXBT", "XBT", 10, 5, "60000", 1.0),
    Asset("XETH", "ETH", 10, 5, "3000", 1.0),
    Asset("XXRP", "XRP", 8, 5, "0.5"),
    Asset("XLTC", "LTC", 10, 5, "80", 0.7),
    Asset("XXDG", "XDG", 8, 2, "0.1"),
    Asset("SOL", "SOL", 10, 5, "150", 0.9),
    Asset("ADA", "ADA", 8, 6, "0.4", 0.9),
    Asset("DOT", "DOT", 10, 8, "6", 0.9),
    Asset("USDT", "USDT", 8, 4, "1", 0.9),
    Asset("USDC", "USDC", 8, 4, "1", 0.99),
    Asset("ZUSD", "USD", 4, 2, "1", 1.0),
    Asset("ZEUR", "EUR", 4, 2, "1.1", 1.0),
    Asset("ZGBP", "GBP", 4, 2, "1.25", 1.0),
)
ASSETS = {asset.name: asset for asset in _ASSETS}


def _pair(name: str, base: str, quote: str, *rest: Any) -> Pair:
    return Pair(name, ASSETS[base], ASSETS[quote], *rest)


_MARGIN = (2, 3, 4, 5)
_PAIRS = (
    _pair("XXBTZUSD", "XXBT", "ZUSD", 1, 5, "0.00005", "0.5", _MARGIN),
    _pair("XXBTZEUR", "XXBT", "ZEUR", 1, 5, "0.00005", "0.45", _MARGIN),
    _pair("XXBTZGBP", "XXBT", "ZGBP", 1, 5, "0.00005", "0.4", _MARGIN),
    _pair("XBTUSDT", "XXBT", "USDT", 1, 5, "0.00005", "0.5", _MARGIN),
    _pair("XBTUSDC", "XXBT", "USDC", 2, 5, "0.00005", "0.5", _MARGIN),
    _pair("XETHZUSD", "XETH", "ZUSD", 2, 5, "0.001", "0.5", _MARGIN),
    _pair("XETHZEUR", "XETH", "ZEUR", 2, 5, "0.001", "0.45", _MARGIN),
    _pair("XETHXXBT", "XETH", "XXBT", 5, 6, "0.001", "0.00002", _MARGIN),
    _pair("XXRPZUSD", "XXRP", "ZUSD", 5, 8, "2", "0.5", _MARGIN),
    _pair("XLTCZUSD", "XLTC", "ZUSD", 2, 5, "0.04", "0.5", (2, 3)),
    _pair("XDGUSD", "XXDG", "ZUSD", 7, 7, "13", "0.5", (2,)),
    _pair("SOLUSD", "SOL", "ZUSD", 2, 5, "0.02", "0.5", _MARGIN),
    _pair("ADAUSD", "ADA", "ZUSD", 6, 6, "4.4", "0.5", (2, 3)),
    _pair("DOTUSD", "DOT", "ZUSD", 4, 6, "0.6", "0.5"),
    _pair("USDTZUSD", "USDT", "ZUSD", 4, 4, "5", "0.5"),
    _pair("USDCUSD", "USDC", "ZUSD", 4, 4, "5", "0.5"),
)
PAIRS = {pair.name: pair for pair in _PAIRS}
_BY_ASSET_NAME = {name: asset for asset in _ASSETS for name in (asset.name, asset.altname)}
_BY_PAIR_NAME = {name: pair for pair in _PAIRS for name in (pair.name, pair.altname, pair.wsname)}


def asset(name: str) -> Asset | None:
    """By any of its names: XXBT, XBT, BTC."""
    return _BY_ASSET_NAME.get(name) or _BY_ASSET_NAME.get(_SPOKEN.get(name, ""))


def name_of(name: str) -> str:
    """Kraken's name of an asset; of one that the table does not have, the same."""
    known = asset(name)
    return name if known is None else known.name


def pair(name: str) -> Pair | None:
    """By any of its names: XXBTZUSD, XBTUSD, XBT/USD, BTC/USD."""
    found = _BY_PAIR_NAME.get(name)
    if found is None and "/" in name:
        base, _, quote = name.partition("/")
        found = _BY_PAIR_NAME.get(f"{_SPOKEN.get(base, base)}/{_SPOKEN.get(quote, quote)}")
    return found


def amount_text(name: str, amount: Decimal) -> str:
    """An amount of any asset, also of one that the table does not have, with its decimals."""
    known = asset(name)
    return known.text(amount) if known is not None else _cut(amount, _UNLISTED_DECIMALS)


def in_usd(name: str, amount: Decimal) -> Decimal:
    """What an amount is worth in dollars; of an unlisted asset: nothing."""
    known = asset(name)
    return amount * Decimal(known.usd) if known is not None else Decimal(0)


def fee_tiers(volume: Decimal) -> tuple[FeeTier, FeeTier]:
    """The taker's and the maker's tier after a 30-day volume in dollars. All pairs have the same schedule."""
    place = sum(volume >= start for start in _VOLUMES) - 1
    return _tier(_TAKER, place), _tier(_MAKER, place)


def _tier(fees: tuple[str, ...], place: int) -> FeeTier:
    is_last = place == len(_VOLUMES) - 1
    return FeeTier(
        fee=_cut(Decimal(fees[place]), 4),
        lowest=_cut(Decimal(fees[-1]), 4),
        highest=_cut(Decimal(fees[0]), 4),
        next_fee=None if is_last else _cut(Decimal(fees[place + 1]), 4),
        next_volume=None if is_last else _cut(Decimal(_VOLUMES[place + 1]), 4),
        volume=_cut(Decimal(_VOLUMES[place]), 4),
    )


def _cut(number: Decimal, decimals: int) -> str:
    return format(number.quantize(Decimal(1).scaleb(-decimals), ROUND_DOWN, _WIDE), "f")
