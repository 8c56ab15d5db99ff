"""Pages of fifty, as Kraken's history calls give them. Source: krakenfx/api-specs spot-rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from krakenctl.sandbox.arguments import flag, whole

if TYPE_CHECKING:
    from typing import Any

    from krakenctl.sandbox.call import Call
    from krakenctl.sandbox.money.books import Selection

_T = TypeVar("_T")
_PAGE = 50
_LARGEST_OFFSET = 2**31 - 1


def page(call: Call, rows: list[_T]) -> tuple[list[_T], dict[str, int]]:
    """The fifty from `ofs` on, and how many there are in all, unless the call does not want to know."""
    start = _start(call)
    count = {} if flag(call.given, "without_count") else {"count": len(rows)}
    return rows[start : start + _PAGE], count


def page_of(call: Call, rows: Selection) -> tuple[dict[str, dict[str, Any]], dict[str, int]]:
    """As `page`, of rows that are not read yet."""
    start = _start(call)
    count = {} if flag(call.given, "without_count") else {"count": rows.count()}
    return rows.page(start, _PAGE), count


def _start(call: Call) -> int:
    return whole(call.given, "ofs", 0, most=_LARGEST_OFFSET)
