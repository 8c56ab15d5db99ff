"""The public calls: time, status, assets and pairs. No key, no account."""

from __future__ import annotations

import time as calendar
from typing import TYPE_CHECKING, TypeVar

from krakenctl.model.time import show_time
from krakenctl.sandbox.arguments import choice, names
from krakenctl.sandbox.envelope import Answer, Refusal, success
from krakenctl.sandbox.money import markets
from krakenctl.sandbox.money.terms import UNKNOWN_PAIR
from krakenctl.sandbox.request import arguments

if TYPE_CHECKING:
    from krakenctl.sandbox.context import Context
    from krakenctl.sandbox.request import Request

UNKNOWN_ASSET = "EQuery:Unknown asset"
_CLASSES = ("currency", "tokenized_asset")  # of which the sandbox has only the first
_MOST = 100  # names in one call; a design choice
_T = TypeVar("_T")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def server_time(_request: Request, context: Context) -> Answer:
    """`GET /0/public/Time`. Source: docs.kraken.com, Get Server Time."""
    at = calendar.gmtime(context.second)
    day, month = _DAYS[at.tm_wday], _MONTHS[at.tm_mon - 1]
    clock = f"{at.tm_hour:02d}:{at.tm_min:02d}:{at.tm_sec:02d}"
    rfc1123 = f"{day}, {at.tm_mday:02d} {month} {at.tm_year % 100:02d} {clock} +0000"
    return success({"unixtime": context.second, "rfc1123": rfc1123})


def system_status(_request: Request, context: Context) -> Answer:
    """`GET /0/public/SystemStatus`. Source: krakenfx/api-specs spot-rest."""
    return success({"status": "online", "timestamp": show_time(context.second)})


def assets(request: Request, _context: Context) -> Answer:
    """`GET /0/public/Assets`: all, or those in `asset`. Source: krakenfx/api-specs spot-rest."""
    given = arguments(request)
    asked = names(given, "asset", _MOST)
    found = [_known(markets.asset(name), UNKNOWN_ASSET) for name in asked] or list(markets.ASSETS.values())
    is_ours = choice(given, "aclass", _CLASSES, "currency") == "currency"
    return success({asset.name: asset.shown() for asset in found if is_ours})


def asset_pairs(request: Request, _context: Context) -> Answer:
    """`GET /0/public/AssetPairs`: all or those in `pair`; `info` picks a part. Source: krakenfx/api-specs spot-rest."""
    given = arguments(request)
    info = choice(given, "info", ("info", "leverage", "fees", "margin"), "info")
    asked = names(given, "pair", _MOST)
    found = [_known(markets.pair(name), UNKNOWN_PAIR) for name in asked] or list(markets.PAIRS.values())
    is_ours = choice(given, "aclass_base", _CLASSES, "currency") == "currency"
    return success({pair.name: pair.view(info) for pair in found if is_ours})


def _known(found: _T | None, refusal: str) -> _T:
    if found is None:
        raise Refusal(refusal)
    return found
