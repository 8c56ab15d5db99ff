"""The sandbox's own endpoints, for whoever runs it: faults, clock, switches, endpoints. From loopback only.

A web page must not reach them through the browser of whoever runs the sandbox. So the Host header is to be a name of
loopback (a page of another name may point that name here), and a body is to be labelled as JSON (which a form of
another site cannot do).
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import asdict
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from krakenctl.errors import UsageError
from krakenctl.sandbox import clock as clocks
from krakenctl.sandbox.envelope import BAD_REQUEST, INVALID_ARGUMENTS, PERMISSION_DENIED, Answer, Refusal, success
from krakenctl.sandbox.faults import table
from krakenctl.sandbox.faults.sorts import number
from krakenctl.sandbox.request import json_object
from krakenctl.sandbox.switches import DEFAULTS, SWITCHES, check_switch, put_switch, stored

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator

    from krakenctl.sandbox.context import Context
    from krakenctl.sandbox.request import Request

_SECONDS = number(-1e12, 1e12)  # the clock itself knows what it can show


def faults(request: Request, context: Context) -> Answer:
    """`GET /_sandbox/faults`: each as it was set, with its number and how often it has met and struck a call."""
    _check_host(request)
    return success(table.rows(context.connection))


def add_fault(request: Request, context: Context) -> Answer:
    """`POST /_sandbox/faults`: one fault, as `{"kind": "answer-lost", "nth": 2}`."""
    given = _given(request)
    with _as_refusals():
        return success({"id": table.insert(context.connection, given)})


def clear_faults(request: Request, context: Context) -> Answer:
    """`DELETE /_sandbox/faults`: `{"id": 1}`, or no body for all."""
    _check_host(request)
    given = _given(request) if request.body else {}
    with _as_refusals():
        table.delete(context.connection, _number_of_fault(given))
    return success(table.rows(context.connection))


def clock(request: Request, context: Context) -> Answer:
    """`GET /_sandbox/clock`."""
    _check_host(request)
    return _clock(context)


def set_clock(request: Request, context: Context) -> Answer:
    """`POST /_sandbox/clock`: one of `advance`, `freeze` and `offset` with seconds, or `{"run": true}`."""
    given = _given(request)
    if len(given) != 1 or not given.keys() <= {*_HANDS, "run"}:
        raise _refused(f"give one of {', '.join(_HANDS)}, run")
    with _as_refusals():
        _turn(context.connection, *given.popitem())
    return _clock(context)


def switches(request: Request, context: Context) -> Answer:
    """`GET /_sandbox/switches`: every switch and how it stands."""
    _check_host(request)
    return _switches(context)


def set_switches(request: Request, context: Context) -> Answer:
    """`POST /_sandbox/switches`: names and values; all of them are turned, or none."""
    given = _given(request)
    with _as_refusals():
        turned = [(name, str(value) if isinstance(value, (int, str)) else "") for name, value in given.items()]
        for name, value in turned:
            check_switch(name, value)
    for name, value in turned:
        put_switch(context.connection, name, value)
    return _switches(context)


def endpoints(request: Request, _context: Context) -> Answer:
    """`GET /_sandbox/endpoints`: what is served, and who is let in."""
    from krakenctl.sandbox.coverage import coverage  # it reads the table of routes, which names this function

    _check_host(request)
    return success(coverage())


_HANDS: dict[str, Callable[[sqlite3.Connection, float], None]] = {
    "advance": clocks.advance_in,
    "freeze": clocks.freeze_in,
    "offset": clocks.set_offset_in,
}


def _turn(connection: sqlite3.Connection, hand: str, value: Any) -> None:
    if hand == "run":
        if value is not True:
            raise UsageError("run can only be true")
        clocks.thaw_in(connection)
        return
    try:
        seconds = _SECONDS.read(value)
    except (ValueError, TypeError, OverflowError):
        raise UsageError(f"{hand} must be seconds") from None
    _HANDS[hand](connection, seconds)


def _number_of_fault(given: dict[str, Any]) -> int | None:
    if not given:
        return None
    number = given.get("id")
    if given.keys() != {"id"} or isinstance(number, bool) or not isinstance(number, int) or not 0 < number < 2**63:
        raise UsageError("give the id of a fault, or no body to clear all")
    return number


def _clock(context: Context) -> Answer:
    return success(asdict(clocks.shown(stored(context.connection))))


def _switches(context: Context) -> Answer:
    standing = {**DEFAULTS, **stored(context.connection)}
    return success({name: standing[name] for name in SWITCHES})


def _given(request: Request) -> dict[str, Any]:
    _check_host(request)
    if request.content_type != "application/json":
        raise Refusal(f"{BAD_REQUEST}: send JSON, with Content-Type: application/json", status=415)
    return json_object(request.body)


def _check_host(request: Request) -> None:
    host = request.header("HTTP_HOST")
    if host and not _is_loopback(host):
        raise Refusal(f"{PERMISSION_DENIED}: the Host header must name this computer", status=403)


def _is_loopback(host: str) -> bool:
    name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    if name.lower() == "localhost" or name.lower().endswith(".localhost"):  # RFC 6761
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


@contextmanager
def _as_refusals() -> Iterator[None]:
    try:
        yield
    except UsageError as error:
        raise _refused(f"{error.message}; {error.hint}" if error.hint else error.message) from None


def _refused(why: str) -> Refusal:
    return Refusal(f"{INVALID_ARGUMENTS}: {why}", status=400)
