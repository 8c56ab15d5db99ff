"""Reads the arguments of a call, whatever was sent: a value, or the refusal that names the field.

Kraken takes forms and JSON, so a number may be text and a list may be text with commas.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from krakenctl.sandbox.envelope import invalid

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_DECIMAL = re.compile(r"[0-9]{1,15}(?:\.[0-9]{0,12})?|\.[0-9]{1,12}", re.ASCII)
_WHOLE = re.compile(r"-?[0-9]{1,15}", re.ASCII)
_TRUTH = {"true": True, "1": True, "false": False, "0": False, "": False}


def number_text(value: object) -> str:
    """Text, or a number of JSON as text; anything else is empty."""
    if isinstance(value, bool):
        return ""
    if isinstance(value, float):
        return format(Decimal(repr(value)), "f")
    return str(value) if isinstance(value, (str, int)) else ""


def decimal(value: object) -> Decimal | None:
    """A decimal that is not negative and of a size that money has; else None."""
    text = number_text(value)
    return Decimal(text) if _DECIMAL.fullmatch(text) else None


def amount(given: Mapping[str, Any], field: str) -> Decimal:
    """An amount above zero."""
    number = decimal(given.get(field))
    if not number:
        raise invalid(field)
    return number


def whole(given: Mapping[str, Any], field: str, default: int | None = None, *, least: int = 0, most: int) -> int:
    """A whole number between two others; without a default it must be there."""
    value = given.get(field)
    if value is None and default is not None:
        return default
    text = number_text(value)
    if _WHOLE.fullmatch(text) is None or not least <= int(text) <= most:
        raise invalid(field)
    return int(text)


def flag(given: Mapping[str, Any], field: str) -> bool:
    """True or false; left out: false. (Clients send true, "true", "True" and 1.)"""
    value = given.get(field)
    if value is None or isinstance(value, bool):
        return bool(value)
    truth = _TRUTH.get(str(value).lower()) if isinstance(value, (str, int)) else None
    if truth is None:
        raise invalid(field)
    return truth


def choice(given: Mapping[str, Any], field: str, allowed: Collection[str], default: str | None = None) -> str:
    value = given.get(field, default)
    if not isinstance(value, str) or value not in allowed:
        raise invalid(field)
    return value


def names(given: Mapping[str, Any], field: str, most: int) -> tuple[str, ...]:
    """Several names: text with commas between, or a list of JSON; left out: none."""
    value = given.get(field)
    if value is None:
        return ()
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
        raise invalid(field)
    read = tuple(dict.fromkeys(part.strip() for part in parts))
    if not 1 <= len(read) <= most or not all(map(is_storable, read)):
        raise invalid(field)
    return read


def is_storable(text: str) -> bool:
    """Whether the file can hold it: JSON can spell a lone surrogate, UTF-8 cannot."""
    return not any("\ud800" <= character <= "\udfff" for character in text)
