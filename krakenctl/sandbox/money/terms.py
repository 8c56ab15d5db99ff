"""What an order asks for: read from AddOrder's arguments, checked, put into words. Nothing is stored or matched here.

Source of fields, values and words: krakenfx/api-specs spot-rest, Add Order and its examples. Balances and minimums are
not looked at. Which error a bad field gets is not documented: the field is named.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from krakenctl.sandbox.arguments import amount, choice, decimal, flag, names, number_text, whole
from krakenctl.sandbox.envelope import Refusal, invalid
from krakenctl.sandbox.money import markets

if TYPE_CHECKING:
    from collections.abc import Mapping

UNKNOWN_PAIR = "EQuery:Unknown asset pair"
TICK_SIZE = "EOrder:Tick size check failed"
DEADLINE = "EService:Deadline elapsed"

_SIDES = ("buy", "sell")
_AT_A_LIMIT = ("limit", "iceberg")
_TRIGGERED = ("stop-loss", "take-profit", "trailing-stop")
_TRIGGERED_LIMIT = ("stop-loss-limit", "take-profit-limit", "trailing-stop-limit")
_PRICED = (*_AT_A_LIMIT, *_TRIGGERED, *_TRIGGERED_LIMIT)
_TYPES = ("market", "settle-position", *_PRICED)
_OFLAGS = frozenset({"post", "fcib", "fciq", "nompp", "viqc"})
_PREVENTIONS = ("cancel-newest", "cancel-oldest", "cancel-both")
_RELATIVE = re.compile(r"[+\-#]([0-9.]+)%?|([0-9.]+)%", re.ASCII)
_CLIENT_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32}|[!-~]{1,18}", re.ASCII | re.IGNORECASE)
_TIME = re.compile(r"\+?[0-9]{1,11}", re.ASCII)
_LONGEST_DEADLINE = 60  # seconds from now
_LARGEST_USERREF = 2**31 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Close:
    """The order that would follow once this one is filled."""

    ordertype: str
    price: str
    price2: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Amounts are text with the pair's decimals; a price may be relative, as `+5%`; empty: there is none."""

    pair: str
    side: str
    ordertype: str
    volume: str
    price: str = ""
    price2: str = ""
    displayed: str = ""  # of an iceberg
    leverage: int = 0  # 0: none
    oflags: str = ""
    starts: int = 0  # 0: at once
    expires: int = 0  # 0: never
    trigger: str = ""
    userref: int | None = None
    cl_ord_id: str | None = None
    close: Close | None = None

    @property
    def market(self) -> markets.Pair:
        return markets.PAIRS[self.pair]

    @property
    def limit(self) -> str:
        """The price it would rest at; empty: it has none."""
        if self.ordertype in _AT_A_LIMIT:
            return self.price
        return self.price2 if self.ordertype in _TRIGGERED_LIMIT else ""

    @property
    def is_resting(self) -> bool:
        """Whether others see it in the book: at a plain limit, not waiting for a trigger."""
        return self.ordertype in _AT_A_LIMIT and decimal(self.price) is not None

    def words(self) -> str:
        """`buy 1.25000000 XBTUSD @ limit 27500.0 with 2:1 leverage`."""
        at = _price_words(self.ordertype, self.price, self.price2)
        lever = f" with {self.leverage}:1 leverage" if self.leverage else ""
        return f"{self.side} {self.volume} {self.market.altname} @ {at}{lever}"

    def close_words(self) -> str:
        if self.close is None:
            return ""
        return f"close position @ {_price_words(self.close.ordertype, self.close.price, self.close.price2)}"

    def described(self) -> dict[str, str]:
        """The `descr` of an answer to AddOrder."""
        words = {"order": self.words()}
        return words | {"close": self.close_words()} if self.close else words

    def stored(self) -> str:
        return json.dumps(asdict(self))


def restored(text: str) -> Terms:
    fields = json.loads(text)
    close = fields.pop("close")
    return Terms(**fields, close=None if close is None else Close(**close))


def read_terms(given: Mapping[str, Any], now: float) -> Terms:
    """What AddOrder's arguments ask for. Raises Refusal."""
    pair = read_pair(given)
    side, ordertype = choice(given, "type", _SIDES), choice(given, "ordertype", _TYPES)
    leverage = _leverage(given, pair)
    userref, cl_ord_id = _own_ids(given)
    price, price2 = _prices(given, ordertype, pair)
    volume = _volume(given, pair, may_be_zero=ordertype == "settle-position" or leverage > 0)
    _check_the_rest(given, now)
    return Terms(
        pair=pair.name,
        side=side,
        ordertype=ordertype,
        volume=volume,
        price=price,
        price2=price2,
        displayed=_displayed(given, ordertype, pair),
        leverage=leverage,
        oflags=_oflags(given, ordertype, side),
        starts=_time(given, "starttm", now),
        expires=_expiry(given, now),
        trigger=_trigger(given, ordertype),
        userref=userref,
        cl_ord_id=cl_ord_id,
        close=_close(given, pair),
    )


def read_pair(given: Mapping[str, Any]) -> markets.Pair:
    name = given.get("pair")
    if not isinstance(name, str):
        raise invalid("pair")
    found = markets.pair(name)
    if found is None:
        raise Refusal(UNKNOWN_PAIR)
    return found


def check_deadline(given: Mapping[str, Any], now: float) -> None:
    """An RFC 3339 time at most a minute ahead, that has not passed."""
    value = given.get("deadline")
    if value is None:
        return
    try:
        moment = datetime.fromisoformat(value)
        until = moment.timestamp()
    except (ValueError, TypeError, OverflowError):
        raise invalid("deadline") from None
    if moment.tzinfo is None or until > now + _LONGEST_DEADLINE:
        raise invalid("deadline")
    if until < now:
        raise Refusal(DEADLINE)


def amended(terms: Terms, given: Mapping[str, Any]) -> Terms:
    """The order with what AmendOrder's arguments change. Raises Refusal."""
    pair = terms.market
    changed: dict[str, str] = {}
    if "order_qty" in given:
        changed["volume"] = _volume(given, pair, "order_qty")
    if "display_qty" in given:
        changed["displayed"] = _displayed(given, terms.ordertype, pair, "display_qty")
    if "limit_price" in given:
        field = "price" if terms.ordertype in _AT_A_LIMIT else "price2"
        if field == "price2" and terms.ordertype not in _TRIGGERED_LIMIT:
            raise invalid("limit_price")
        changed[field] = _price(given, "limit_price", pair)
    if "trigger_price" in given:
        if terms.ordertype not in (*_TRIGGERED, *_TRIGGERED_LIMIT):
            raise invalid("trigger_price")
        changed["price"] = _price(given, "trigger_price", pair)
    if not changed:
        raise invalid("order_qty")
    return replace(terms, **changed)  # type: ignore[arg-type] # only texts are changed


def edited(terms: Terms, given: Mapping[str, Any]) -> Terms:
    """The order that EditOrder's arguments put in the place of another: all flags stay but `post`. Raises Refusal."""
    pair = terms.market
    flags = [name for name in terms.oflags.split(",") if name != "post"]
    asked = _oflags(given, terms.ordertype, terms.side).split(",")
    merged = {"volume": terms.volume, "price": terms.price, "price2": terms.price2, **given}
    price, price2 = _prices(merged, terms.ordertype, pair)
    return replace(
        terms,
        volume=_volume(merged, pair),
        price=price,
        price2=price2,
        displayed=_displayed(given, terms.ordertype, pair) or terms.displayed,
        oflags=",".join(["post", *flags] if "post" in asked else flags),
        userref=read_userref(given),
        cl_ord_id=None,
    )


def _price_words(ordertype: str, price: str, price2: str) -> str:
    said = ordertype.removesuffix("-limit").replace("-", " ") if ordertype in _TRIGGERED_LIMIT else ordertype
    first = f"{said.replace('-', ' ')} {price}".strip()
    return f"{first} -> limit {price2}" if ordertype in _TRIGGERED_LIMIT else first


def _volume(given: Mapping[str, Any], pair: markets.Pair, field: str = "volume", *, may_be_zero: bool = False) -> str:
    text = pair.volume_text(decimal(given.get(field)) or Decimal(0))
    if decimal(given.get(field)) is None or (not Decimal(text) and not may_be_zero):
        raise invalid(field)
    return text


def _prices(given: Mapping[str, Any], ordertype: str, pair: markets.Pair, prefix: str = "{}") -> tuple[str, str]:
    """The first and the second price, each where the type of order has one."""
    first, second = prefix.format("price"), prefix.format("price2")
    price = _price(given, first, pair) if ordertype in _PRICED else ""
    if ordertype.startswith("trailing-stop") and not price.startswith("+"):
        raise invalid(first)
    return price, _price(given, second, pair) if ordertype in _TRIGGERED_LIMIT else ""


def _price(given: Mapping[str, Any], field: str, pair: markets.Pair) -> str:
    """A plain price with the pair's decimals, or a relative one as it was sent."""
    text = number_text(given.get(field))
    relative = _RELATIVE.fullmatch(text)
    if relative is not None and decimal(relative[1] or relative[2]) is not None:
        return text
    price = amount(given, field)
    if Decimal(pair.price_text(price)) != price:
        raise Refusal(TICK_SIZE)
    return pair.price_text(price)


def _displayed(given: Mapping[str, Any], ordertype: str, pair: markets.Pair, field: str = "displayvol") -> str:
    if given.get(field) is None:
        return ""
    if ordertype != "iceberg":
        raise invalid(field)
    return pair.volume_text(amount(given, field))


def _leverage(given: Mapping[str, Any], pair: markets.Pair) -> int:
    text = number_text(given.get("leverage")).removesuffix(":1")
    if given.get("leverage") is None or text in {"none", "", "0", "1"}:
        return 0
    if text not in map(str, pair.leverages):
        raise invalid("leverage")
    return int(text)


def _oflags(given: Mapping[str, Any], ordertype: str, side: str) -> str:
    """The flags, and the fee's currency where none was named: quote when buying, base when selling."""
    flags = [name for name in names(given, "oflags", len(_OFLAGS)) if name]
    both = {"fcib", "fciq"} <= set(flags)
    if not set(flags) <= _OFLAGS or both or ("post" in flags and ordertype not in _AT_A_LIMIT):
        raise invalid("oflags")
    if not {"fcib", "fciq"} & set(flags):
        flags.append("fciq" if side == "buy" else "fcib")
    return ",".join(flags)


def _own_ids(given: Mapping[str, Any]) -> tuple[int | None, str | None]:
    """The client's own id: a number that may repeat, or a text that may not; never both."""
    userref, cl_ord_id = read_userref(given), given.get("cl_ord_id")
    if cl_ord_id is None:
        return userref, None
    if not isinstance(cl_ord_id, str) or userref is not None or _CLIENT_ID.fullmatch(cl_ord_id) is None:
        raise invalid("cl_ord_id")
    return None, cl_ord_id


def read_userref(given: Mapping[str, Any]) -> int | None:
    """The client's own number, of 32 bits; None: there is none."""
    if given.get("userref") is None:
        return None
    return whole(given, "userref", least=-_LARGEST_USERREF - 1, most=_LARGEST_USERREF)


def _trigger(given: Mapping[str, Any], ordertype: str) -> str:
    trigger = choice(given, "trigger", ("last", "index"), "last")
    return trigger if ordertype in (*_TRIGGERED, *_TRIGGERED_LIMIT) else ""


def _check_the_rest(given: Mapping[str, Any], now: float) -> None:
    """What changes nothing here, because nothing is matched; it must still make sense."""
    flag(given, "reduce_only")
    choice(given, "stptype", _PREVENTIONS, _PREVENTIONS[0])
    check_deadline(given, now)


def _expiry(given: Mapping[str, Any], now: float) -> int:
    force = choice(given, "timeinforce", ("GTC", "IOC", "GTD", "FOK"), "GTC")
    expires = _time(given, "expiretm", now)
    if (force == "GTD" and not expires) or 0 < expires <= now:
        raise invalid("expiretm")
    return expires


def _time(given: Mapping[str, Any], field: str, now: float) -> int:
    """Unix seconds, or `+n` from now; 0: not set."""
    text = number_text(given.get(field, 0))
    if _TIME.fullmatch(text) is None:
        raise invalid(field)
    return int(now) + int(text) if text.startswith("+") else int(text)


def _close(given: Mapping[str, Any], pair: markets.Pair) -> Close | None:
    """`close[ordertype]` and so on in a form, an object `close` in JSON."""
    nested = given.get("close", {})
    if not isinstance(nested, dict):
        raise invalid("close")
    fields = {**{f"close[{name}]": value for name, value in nested.items()}, **given}
    if fields.get("close[ordertype]") is None:
        return None
    ordertype = choice(fields, "close[ordertype]", _PRICED)
    price, price2 = _prices(fields, ordertype, pair, "close[{}]")
    return Close(ordertype=ordertype, price=price, price2=price2)
