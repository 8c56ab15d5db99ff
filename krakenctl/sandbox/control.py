"""The sandbox's own endpoints, for whoever runs it: faults, clock, switches, endpoints. From loopback only.

A web page must not reach them through the browser of whoever runs the sandbox. So the Host header is to be a name of
loopback (a page of another name may point that name here), which is checked before a handler is called, and a body is
to be labelled as JSON (which a form of another site cannot do).
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from krakenctl.errors import UsageError
from krakenctl.model.time import parse_duration, parse_time
from krakenctl.sandbox import clock as clocks
from krakenctl.sandbox.envelope import BAD_REQUEST, INVALID_ARGUMENTS, Answer, Refusal, success
from krakenctl.sandbox.faults import table
from krakenctl.sandbox.faults.sorts import number
from krakenctl.sandbox.request import json_object, query_fields
from krakenctl.sandbox.switches import DEFAULTS, SWITCHES, check_switch, put_switch, stored

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator

    from krakenctl.sandbox.context import Context
    from krakenctl.sandbox.request import Request

_DIGITS = re.compile("[0-9]{1,18}")
_SECONDS = number(-1e12, 1e12)  # the clock itself knows what it can show


def faults(request: Request, context: Context) -> Answer:
    """`GET /_sandbox/faults`: each as it was set, with its number and how often it has met and struck a call."""
    _refuse_query(request)
    return success(table.rows(context.connection))


def add_fault(request: Request, context: Context) -> Answer:
    """`POST /_sandbox/faults`: one fault, as `{"kind": "answer-lost", "nth": 2}`."""
    given = _given(request)
    with _as_refusals():
        return success({"id": table.insert(context.connection, given)})


def clear_faults(request: Request, context: Context) -> Answer:
    """`DELETE /_sandbox/faults`: `{"id": 1}` or `?id=1`; neither of them for all."""
    given = _given(request) if request.body else _of_query(request)
    with _as_refusals():
        table.delete(context.connection, _number_of_fault(given))
    return success(table.rows(context.connection))


def clock(request: Request, context: Context) -> Answer:
    """`GET /_sandbox/clock`."""
    _refuse_query(request)
    return _clock(context)


def set_clock(request: Request, context: Context) -> Answer:
    """`POST /_sandbox/clock`: one of `advance`, `freeze` and `offset`, or `{"run": true}`.

    Seconds, or as the command takes them: `90d`, `2027-01-15T08:00:00Z` or `now`, `-30s`.
    """
    given = _given(request)
    if len(given) != 1 or not given.keys() <= {*_HANDS, "run"}:
        raise _refused(f"give one of {', '.join(_HANDS)}, run")
    with _as_refusals():
        _turn(context.connection, *given.popitem())
    return _clock(context)


def switches(request: Request, context: Context) -> Answer:
    """`GET /_sandbox/switches`: every switch and how it stands."""
    _refuse_query(request)
    return _switches(context)


def set_switches(request: Request, context: Context) -> Answer:
    """`POST /_sandbox/switches`: names and values; all of them are turned, or none."""
    given = _given(request)
    with _as_refusals():
        for name, value in given.items():
            check_switch(name, value)
    for name, value in given.items():
        put_switch(context.connection, name, value)
    return _switches(context)


def endpoints(request: Request, _context: Context) -> Answer:
    """`GET /_sandbox/endpoints`: what is served, and who is let in."""
    from krakenctl.sandbox.coverage import coverage  # it reads the table of routes, which names this function

    _refuse_query(request)
    return success(coverage())


_HANDS: dict[str, Callable[[sqlite3.Connection, float], None]] = {
    "advance": clocks.advance_in,
    "freeze": clocks.freeze_in,
    "offset": clocks.set_offset_in,
}

_TEXTS: dict[str, Callable[[str], float]] = {
    "advance": parse_duration,
    "freeze": parse_time,
    "offset": clocks.parse_offset,
}
_EXAMPLES = {"advance": "text as 90d", "freeze": "now, or text as 2027-01-15T08:00:00Z", "offset": "text as 5m or -30s"}


def _turn(connection: sqlite3.Connection, hand: str, value: Any) -> None:
    if hand == "run":
        if value is not True:
            raise UsageError("run can only be true")
        clocks.thaw_in(connection)
        return
    _HANDS[hand](connection, _seconds(connection, hand, value))


def _seconds(connection: sqlite3.Connection, hand: str, value: Any) -> float:
    """What to hand to a hand. Raises UsageError."""
    if value == "now" and hand == "freeze":
        return clocks.reading(stored(connection))
    try:
        return _TEXTS[hand](value) if isinstance(value, str) else _SECONDS.read(value)
    except (ValueError, TypeError, OverflowError):
        raise UsageError(f"{hand} cannot be {value!a:.80}", hint=f"it can be: seconds, or {_EXAMPLES[hand]}") from None


def _number_of_fault(given: dict[str, Any]) -> int | None:
    if not given:
        return None
    number = given.get("id")
    if given.keys() != {"id"} or isinstance(number, bool) or not isinstance(number, int) or not 0 < number < 2**63:
        raise UsageError("give the id of a fault and nothing else, or nothing at all to clear all")
    return number


def _clock(context: Context) -> Answer:
    return success(asdict(clocks.shown(stored(context.connection))))


def _switches(context: Context) -> Answer:
    standing = {**DEFAULTS, **stored(context.connection)}
    return success({name: standing[name] for name in SWITCHES})


def _given(request: Request) -> dict[str, Any]:
    if request.content_type != "application/json":
        raise Refusal(f"{BAD_REQUEST}: send JSON, with Content-Type: application/json", status=415)
    _refuse_query(request)
    try:
        return json_object(request.body)
    except Refusal:
        raise Refusal(f"{BAD_REQUEST}: the body must be one JSON object, no name in it twice", status=400) from None


def _of_query(request: Request) -> dict[str, Any]:
    """What is digits is a number."""
    try:
        fields = query_fields(request)
    except Refusal:
        raise Refusal(f"{BAD_REQUEST}: the query string cannot be read", status=400) from None
    return {name: int(text) if _DIGITS.fullmatch(text) else text for name, text in fields.items()}


def _refuse_query(request: Request) -> None:
    if request.query:
        raise Refusal(f"{BAD_REQUEST}: this call takes no query string", status=400)


@contextmanager
def _as_refusals() -> Iterator[None]:
    try:
        yield
    except UsageError as error:
        raise _refused(f"{error.message}; {error.hint}" if error.hint else error.message) from None


def _refused(why: str) -> Refusal:
    return Refusal(f"{INVALID_ARGUMENTS}: {why}", status=400)
