"""The query window of a key: which times its history calls may reach. It reads nothing but the call.

Observed in 2020 (rotki): a history query that reaches outside the key's dates gets `EGeneral:Invalid arguments`, which
is the default of the switch `query-window-error`. A start or end that is left out is cut to the window, or refused: the
switch `query-window-open-end`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from krakenctl.sandbox.arguments import decimal, number_text
from krakenctl.sandbox.envelope import Refusal, invalid

if TYPE_CHECKING:
    from collections.abc import Callable

    from krakenctl.sandbox.call import Call

    Lookup = Callable[[str], float | None]  # an id → the time of its row; None: there is no such row


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time. Source: krakenfx/api-specs spot-rest: `start` is exclusive, `end` inclusive."""

    after: float
    until: float

    def holds(self, at: float) -> bool:
        return self.after < at <= self.until


def span(call: Call, lookup: Lookup, start: str = "start", end: str = "end") -> Span:
    """What the call asks for, inside its key's window. Raises Refusal."""
    return _inside(call, _moment(call, start, lookup), _moment(call, end, lookup))


def closed_span(call: Call) -> Span:
    """As `span`, of whole seconds of which the first counts too, and no row stands for one.

    Source: krakenfx/api-specs spot-rest, Get Status of Recent Deposits: what is strictly before the start is left out.
    """
    found = span(call, lambda _: None)
    return found if call.given.get("start") in (None, "") else Span(math.nextafter(found.after, -1), found.until)


def key_span(call: Call) -> Span:
    """Its key's window whole, for a call that cannot name times. Raises Refusal."""
    return _inside(call, None, None)


def require(call: Call, *moments: float) -> None:
    """Refuse what has none of its moments inside the window of the call's key."""
    key = call.key
    if all(at < key.query_from or 0 < key.query_to < at for at in moments):
        raise Refusal(call.context.switches["query-window-error"])


def _inside(call: Call, first: float | None, last: float | None) -> Span:
    if call.context.switches["query-window-open-end"] == "refuse":
        first, last = (0.0 if first is None else first), (call.context.now if last is None else last)
    for asked in (first, last):
        if asked is not None:
            require(call, asked)
    return Span(_earliest(call) if first is None else first, _latest(call) if last is None else last)


def _earliest(call: Call) -> float:
    """Just before the window, because a start is exclusive and the window is not."""
    return math.nextafter(call.key.query_from, -1) if call.key.query_from else -math.inf


def _latest(call: Call) -> float:
    return float(call.key.query_to) if call.key.query_to else math.inf


def _moment(call: Call, field: str, lookup: Lookup) -> float | None:
    """Unix seconds, whole or not, or the id of a row; None: left out."""
    value: Any = call.given.get(field)
    if value is None or value == "":
        return None
    seconds = decimal(value)
    if seconds is not None:
        return float(seconds)
    at = lookup(number_text(value))
    if at is None:
        raise invalid(field)
    return at
