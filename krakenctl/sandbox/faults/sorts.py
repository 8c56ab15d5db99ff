"""The sorts of value that a fault's settings take: from JSON as from a flag's text. Pure."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from krakenctl.model.permission import Permission, in_order
from krakenctl.sandbox.checks import allowlist

if TYPE_CHECKING:
    from collections.abc import Callable

ALWAYS = "always"
_ERROR_STRING = re.compile(r"[EW][A-Za-z]+:[ -~]{1,120}")


@dataclass(frozen=True, slots=True)
class Sort:
    can_be: str  # for people
    read: Callable[[Any], Any]  # raises ValueError or TypeError where it cannot be


def number(low: float, high: float) -> Sort:
    def read(value: Any) -> float:
        found = float(_not_bool(value))
        if not (math.isfinite(found) and low <= found <= high):
            raise ValueError
        return found

    return Sort(f"a number from {low:.12g} to {high:.12g}", read)


def share() -> Sort:
    """Of all calls, but not of none: what never strikes is a mistake."""

    def read(value: Any) -> float:
        found = float(_not_bool(value))
        if not 0 < found <= 1:
            raise ValueError
        return found

    return Sort("a number above 0, up to 1", read)


def whole(low: int, high: int = 2**53) -> Sort:
    return Sort(f"a whole number from {low} to {high}", lambda value: _whole(value, low, high))


def choice(*allowed: str) -> Sort:
    def read(value: Any) -> str:
        return allowed[allowed.index(value)]

    return Sort(f"one of {', '.join(allowed)}", read)


def _whole(value: Any, low: int, high: int) -> int:
    found = int(_not_bool(value))
    if found != float(value) or not low <= found <= high:
        raise ValueError
    return found


def _not_bool(value: Any) -> Any:
    """JSON's true is no number, though Python thinks so."""
    if isinstance(value, bool):
        raise TypeError
    return value


def _yes(value: Any) -> bool:
    return {True: True, False: False, "yes": True, "no": False}[value]


def _text(value: Any) -> str:
    """Text that a column can hold."""
    if not isinstance(value, str) or not 0 < len(value.encode()) <= 255:  # surrogates raise here
        raise ValueError
    return value


def _key_name(value: Any) -> str:
    if len(_text(value)) > 32:  # as krakenfx/api-specs oauth/openapi_v3.yaml has it
        raise ValueError
    return str(value)


def _error(value: Any) -> str:
    if _ERROR_STRING.fullmatch(value) is None:
        raise ValueError
    return str(value)


def _codes(value: Any) -> str:
    return "+".join(in_order(frozenset(map(Permission, _several(value)))))


def _networks(value: Any) -> str:
    if value == "any":
        return "any"
    entries = allowlist.entries(_several(value), {"allowlist-host-bits": "accept", "allowlist-echo": "as-sent"})
    if not entries:
        raise ValueError
    return "+".join(entries)


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else value.split("+")


def _times(value: Any) -> int | str:
    return ALWAYS if value == ALWAYS else _whole(value, 1, 2**53)


YES_NO = Sort("yes or no", _yes)
TEXT = Sort("text of up to 255 bytes", _text)
KEY_NAME = Sort("text of up to 32 characters", _key_name)
ERROR = Sort("an error string, as EService:Unavailable", _error)
CODES = Sort("permission codes, with + between", _codes)
NETWORKS = Sort("addresses and blocks, with + between, or any", _networks)
TIMES = Sort(f"a whole number from 1 up, or {ALWAYS}", _times)
