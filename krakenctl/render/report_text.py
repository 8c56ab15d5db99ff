"""What became of a plan, for a terminal. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from krakenctl.model.outcome import Event, Outcome, Report, Result
from krakenctl.model.plan import Action
from krakenctl.render.paint import Paint, count, visible

_SIGNS = {Result.DONE: "✓", Result.FAILED: "✗", Result.BLOCKED: "!", Result.SKIPPED: "·"}
_COLOURS = {Result.DONE: "green", Result.FAILED: "red", Result.BLOCKED: "yellow", Result.SKIPPED: "yellow"}


def render(report: Report, paint: Paint) -> str:
    return "\n".join(_lines(report, paint)) + "\n"


def event(happened: Event, paint: Paint, *, is_said: bool = False) -> str:
    """One line of progress for a step that has ended. What blocks it is told by the report, right after.

    `is_said`: if it is done, somebody says so, and the next step looks.
    """
    result = happened.result or Result.DONE
    message = "" if result is Result.BLOCKED else visible(happened.message)
    sign = paint(_SIGNS[result], _COLOURS[result])
    if is_said and result is Result.DONE:
        sign, message = paint("?", "yellow"), "said to be done"
    line = f"{sign} {visible(str(happened.address))}  {happened.step.verb} {visible(happened.step.name)}"
    return line + (f": {message}" if message else "")


def _lines(report: Report, paint: Paint) -> Iterator[str]:
    for outcome in report.outcomes:
        if outcome.result is not Result.DONE:
            yield from _trouble(outcome, paint)
    yield paint(paint.wrapped(_summary(report), indent=2, first=0), "bold")
    if report.log_head:
        yield head_line(report.log_head, paint)


def head_line(head: str, paint: Paint) -> str:
    """What every report ends with: kept elsewhere, it proves later that no line of the log is gone."""
    return paint(f"Log head: {head}", "dim")


def _trouble(outcome: Outcome, paint: Paint) -> Iterator[str]:
    """What the plan has said is blocked, it has given the reason for."""
    sign = (f"{_SIGNS[outcome.result]} {outcome.result}", _COLOURS[outcome.result], "bold")
    doing = ", as said above" if outcome.action is Action.BLOCKED else f" ({outcome.action.value})"
    yield paint.beside(sign, (visible(str(outcome.address)) + doing,), indent=4, between=" ")
    if outcome.action is Action.BLOCKED:
        return
    if outcome.message:
        yield "    " + paint.wrapped(visible(outcome.message), indent=4)
    if outcome.steps_done:
        done = ", ".join(f"{step.verb.value} {visible(step.name)}" for step in outcome.steps_done)
        yield "    " + paint.wrapped(f"done before that: {done}", indent=4)
    if outcome.hint:
        yield "    " + paint.wrapped(f"→ {visible(outcome.hint)}", indent=4)


def _summary(report: Report) -> str:
    """`23 done (21 created, 1 replaced, …), 1 failed`."""
    done = [outcome.action for outcome in report.outcomes if outcome.result is Result.DONE]
    kinds = ", ".join(f"{done.count(action)} {word}" for action, word in _PAST.items() if action in done)
    parts = [f"{count(len(done), 'change')} done" + (f" ({kinds})" if kinds else "")]
    rest = (Result.FAILED, Result.BLOCKED, Result.SKIPPED)
    parts += [f"{report.count(result)} {result}" for result in rest if report.count(result)]
    return ", ".join(parts) + "."


_PAST = {
    Action.CREATE: "created",
    Action.REPLACE: "replaced",
    Action.ROTATE: "rotated",
    Action.UPDATE: "updated",
    Action.REVOKE: "revoked",
    Action.FORGET: "forgotten",
}
