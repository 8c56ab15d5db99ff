"""A call in a sandbox where faults are set: what strikes it, in which order, and the answer that is left of it.

Order: the clock jumps; people act; an answer in place of the call, or the call is put off, or done; people act; the
answer is spoiled.
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
from krakenctl.sandbox.switches import stored

if TYPE_CHECKING:
    from collections.abc import Callable

    from krakenctl.sandbox.context import Context
    from krakenctl.sandbox.dispatch import Found
    from krakenctl.sandbox.request import Request

    Serve = Callable[[Found | None, Request, Context], Answer]


def answered(found: Found | None, request: Request, context: Context, serve: Serve) -> Answer:
    """The answer to a call; `serve` gives it where nothing strikes."""
    account_id, username = account_of(request, context.connection) or (None, None)
    group = found[0].group if found is not None else ""
    striking = faults.striking(context.connection, Mark(request.method, request.path, group, username))
    if not striking:
        return serve(found, request, context)
    context = _jumped(replace(context, faults=striking))
    _act(context, account_id, after=False)
    answer = answers.instead(request, context, account_id) or _done(found, request, context, serve)
    _act(context, account_id, after=True)
    return answers.spoiled(answer, context)


def _jumped(context: Context) -> Context:
    if "clock-jump" not in context.faults:
        return context
    clock.jump_in(context.connection, context.faults["clock-jump"].settings["seconds"])
    return replace(context, now=clock.reading(stored(context.connection)))


def _act(context: Context, account_id: int | None, *, after: bool) -> None:
    if account_id is not None:
        people.act(context, account_id, after=after)


def _done(found: Found | None, request: Request, context: Context, serve: Serve) -> Answer:
    if "late-deed" not in context.faults:
        return serve(found, request, context)
    with suppress(Refusal):  # then nothing will happen, and the caller cannot know
        late.put_off(found, request, context)
    return answers.CUT
