"""A call in a sandbox where faults are set: what strikes it, in which order, and the answer that is left of it.

Order: the clock jumps; people act; an answer in place of the call, or the call is put off (the connection is cut, or
the answer comes first), or done; people act; the answer is spoiled.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from krakenctl.sandbox import clock, faults
from krakenctl.sandbox.envelope import Answer, Refusal
from krakenctl.sandbox.faults import answers, late, people
from krakenctl.sandbox.faults.aim import Mark
from krakenctl.sandbox.faults.callers import account_of
from krakenctl.sandbox.guards import Page
from krakenctl.sandbox.switches import stored

if TYPE_CHECKING:
    from collections.abc import Callable

    from krakenctl.sandbox.context import Context
    from krakenctl.sandbox.dispatch import Found
    from krakenctl.sandbox.request import Request

    Serve = Callable[[Found | None, Request, Context], Answer]


def answered(found: Found | None, request: Request, context: Context, serve: Serve) -> Answer:
    """The answer to a call; `serve` gives it where nothing strikes."""
    account_id, username = account_of(request, context) or (None, None)
    striking = faults.striking(context.connection, _mark(found, request, username))
    if not striking:
        return serve(found, request, context)
    context = _jumped(replace(context, faults=striking))
    _act(context, account_id, after=False)
    answer = answers.instead(request, context, account_id) or _done(found, request, context, serve)
    _act(context, account_id, after=True)
    return answers.spoiled(answer, context)


def _mark(found: Found | None, request: Request, username: str | None) -> Mark:
    if found is None:
        return Mark(request.method, request.path, "", username)
    route = found[0]
    return Mark(request.method, request.path, route.group, username, isinstance(route.guard, Page))


def _jumped(context: Context) -> Context:
    if "clock-jump" not in context.faults:
        return context
    clock.jump_in(context.connection, context.faults["clock-jump"].settings["seconds"])
    return replace(context, now=clock.reading(stored(context.connection)))


def _act(context: Context, account_id: int | None, *, after: bool) -> None:
    if account_id is not None:
        people.act(context, account_id, after=after)


def _done(found: Found | None, request: Request, context: Context, serve: Serve) -> Answer:
    if "late-deed" in context.faults:
        with suppress(Refusal):  # then nothing will happen, and the caller cannot know
            late.put_off(found, request, context, context.faults["late-deed"])
        return answers.CUT
    if "slow-update" in context.faults:
        with suppress(Refusal):  # then there is nothing to put off
            answer = late.foreseen(found, request, context)
            late.put_off(found, request, context, context.faults["slow-update"])
            return answer
    return serve(found, request, context)
