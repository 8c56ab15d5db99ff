"""Pages of fifty, as Kraken's history calls give them. Source: krakenfx/api-specs spot-rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from krakenctl.sandbox.arguments import flag, whole

if TYPE_CHECKING:
    from krakenctl.sandbox.call import Call

_T = TypeVar("_T")
_PAGE = 50
_LARGEST_OFFSET = 2**31 - 1


def page(call: Call, rows: list[_T]) -> tuple[list[_T], dict[str, int]]:
    """The fifty from `ofs` on, and how many there are in all, unless the call does not want to know."""
    start = whole(call.given, "ofs", 0, most=_LARGEST_OFFSET)
    count = {} if flag(call.given, "without_count") else {"count": len(rows)}
    return rows[start : start + _PAGE], count
