"""Answers against their shapes, as Kraken's reference prints them.

A shape says of each field what it may be; a field in no shape is a mistake, and one with `?` may be missing. A list
holds at least one item, or nothing was looked at; `AnyNumber` marks the lists that may be empty.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

NUMBER, WHOLE, TEXT, TRUTH, NULL = (int, float), int, str, bool, type(None)
MONEY = re.compile(r"-?\d+(\.\d+)?")
SECONDS = re.compile(r"\d+")
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


@dataclass(frozen=True)
class AnyNumber:
    """A list that the sandbox has nothing for: its items are looked at where there are any."""

    of: Any


def check(value: Any, shape: Any, where: str = "result") -> None:
    """An answer against its shape: a type, a pattern of a text, a tuple of either, one item of a list, a dict."""
    match shape:
        case dict() if "*" in shape:
            _check_each(value, shape["*"], where)
        case dict():
            _check_fields(value, shape, where)
        case [item]:
            assert value, f"{where}: nothing to look at"
            _check_items(value, item, where)
        case AnyNumber():
            _check_items(value, shape.of, where)
        case re.Pattern():
            assert isinstance(value, str), where
            assert shape.fullmatch(value), f"{where}: {value!r}"
        case tuple():
            assert any(fits(value, one) for one in shape), f"{where}: {value!r}"
        case _:
            assert isinstance(value, shape), f"{where}: {value!r}"
            assert isinstance(value, bool) == (shape is bool), f"{where}: {value!r}"


def fits(value: Any, shape: Any) -> bool:
    try:
        check(value, shape)
    except AssertionError:
        return False
    return True


def _check_each(value: Any, inner: Any, where: str) -> None:
    assert isinstance(value, dict), where
    assert value, f"{where}: nothing to look at"
    for name, found in value.items():
        check(found, inner, f"{where}.{name}")


def _check_fields(value: Any, shape: dict[str, Any], where: str) -> None:
    assert isinstance(value, dict), where
    known = {name.rstrip("?"): inner for name, inner in shape.items()}
    assert {name for name in shape if not name.endswith("?")} <= value.keys() <= known.keys(), where
    for name, inner in value.items():
        check(inner, known[name], f"{where}.{name}")


def _check_items(value: Any, item: Any, where: str) -> None:
    assert isinstance(value, list), where
    for found in value:
        check(found, item, f"{where}[]")
