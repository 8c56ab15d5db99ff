"""Answers that a fault gives in place of the call, and what it makes of the answer to a call."""

from __future__ import annotations

import http
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from krakenctl.sandbox.checks import limits
from krakenctl.sandbox.envelope import HTML, LOCKOUT, RATE_LIMIT, Answer, Refusal, failure, warned

if TYPE_CHECKING:
    from collections.abc import Mapping

    from krakenctl.sandbox.context import Context
    from krakenctl.sandbox.faults.table import Fault
    from krakenctl.sandbox.request import Request

CUT = Answer(b"", lost=True)
_THROTTLED = "EService:Throttled"


def instead(request: Request, context: Context, account_id: int | None) -> Answer | None:
    """The answer to a call that is not done; None: it is done."""
    faults = context.faults
    if "cut" in faults:
        return CUT
    for kind, made in (("http-error", _of_proxy), ("error", _error)):
        if kind in faults and not _comes_after(faults[kind]):
            return made(context, faults[kind].settings)
    if "throttled" in faults:
        return _throttled(context, faults["throttled"].settings)
    if "rate-limit" in faults:
        return failure(Refusal(RATE_LIMIT), context.switches)
    return _locked(request, context, account_id) if "lockout" in faults else None


def spoiled(answer: Answer, context: Context) -> Answer:
    """What reaches the caller of the answer to a call that was done, or of the one in its place."""
    faults = context.faults
    for kind, made in (("http-error", _of_proxy), ("error", _error)):
        if kind in faults and _comes_after(faults[kind]):
            answer = _put_over(answer, made(context, faults[kind].settings), faults[kind], context)
    if "malformed" in faults:
        answer = replace(answer, body=answer.body[: len(answer.body) // 2], status=200)
    if "delay" in faults:
        answer = replace(answer, held=faults["delay"].settings["seconds"])
    return replace(answer, lost=True) if "answer-lost" in faults else answer


def _comes_after(fault: Fault) -> bool:
    return _is_warning(fault) or bool(fault.settings["after"])


def _is_warning(fault: Fault) -> bool:
    """Source: docs.kraken.com, Spot REST introduction: `E` an error, `W` a warning, which may come with a result."""
    return str(fault.settings.get("error", "")).startswith("W")


def _put_over(answer: Answer, other: Answer, fault: Fault, context: Context) -> Answer:
    """The other answer in place of the call's; a warning joins it."""
    if _is_warning(fault):
        return warned(answer, fault.settings["error"], context.switches)
    return replace(other, set_up=answer.set_up, lost=answer.lost)


def _of_proxy(context: Context, told: Mapping[str, Any]) -> Answer:
    """As a proxy in front of Kraken answers: clients report 403, 429, 5xx and Cloudflare's 520 to 525, with HTML."""
    status, wait = told["status"], told["retry-after"]
    headers = () if wait is None else (("Retry-After", str(wait)),)
    if told["body"] == "json":
        return failure(Refusal("EService:Unavailable", status=status, headers=headers), context.switches)
    html = told["body"] == "html"
    return Answer(_page(status).encode() if html else b"", status, headers, HTML if html else "text/plain")


def _page(status: int) -> str:
    phrases = {known.value: known.phrase for known in http.HTTPStatus}
    title = f"{status} {phrases.get(status, 'Web server is returning an unknown error')}"
    return (
        f"<!DOCTYPE html>\n<html><head><title>{title}</title></head>\n"
        f"<body><center><h1>{title}</h1></center><hr><center>proxy</center></body></html>\n"
    )


def _error(context: Context, told: Mapping[str, Any]) -> Answer:
    return failure(Refusal(told["error"]), context.switches)


def _throttled(context: Context, told: Mapping[str, Any]) -> Answer:
    """With a time, it is spelled as docs.kraken.com spells it: `EService: Throttled: [UNIX timestamp]`."""
    if told["seconds"] is None:
        return failure(Refusal(_THROTTLED), context.switches)
    until = context.second + told["seconds"]
    return failure(Refusal(f"EService: Throttled: {until}"), {**context.switches, "error-space": "none"})


def _locked(request: Request, context: Context, account_id: int | None) -> Answer:
    limits.lock_out(context, limits.subjects(request.address, account_id, context)[-1])
    return failure(Refusal(LOCKOUT), context.switches)
