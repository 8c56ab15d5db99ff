"""What an earlier run has left, and what is done about it: for a terminal and for machines. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from krakenctl.model.outcome import Recovered, Result
from krakenctl.model.recovery import Move, Recovery, recovery_json
from krakenctl.model.run import Lease
from krakenctl.render.paint import Paint, visible
from krakenctl.render.report_text import head_line

FORMAT = "krakenctl.recovery/v1"  # schemas/recovery.schema.json

_TO_DO = {
    Move.PROMOTE: "finish with",
    Move.ISSUE: "issue the next",
    Move.CLOSE: "finish with",
    Move.RECORD: "remember as done",
    Move.REVOKE: "revoke",
    Move.DROP: "end",
    Move.WATCH: "give up, and look out for",
    Move.SHOW: "ask again for",
    Move.UNKNOWN: "leave alone",
    Move.WAIT: "wait with",
    Move.ASK: "ask a person about",
}
_DONE = {
    Move.PROMOTE: "finished with",
    Move.ISSUE: "issued the next",
    Move.CLOSE: "finished with",
    Move.RECORD: "remembered as done",
    Move.REVOKE: "revoked",
    Move.DROP: "ended",
    Move.WATCH: "given up, and looked out for",
    Move.SHOW: "to be asked for again:",
    Move.UNKNOWN: "left alone",
}
_SIGNS = {Result.DONE: ("✓", "green"), Result.BLOCKED: ("!", "yellow")}


def to_do(recovery: Recovery) -> str:
    """`revoke bot.a7.g2: its secret is in no slot, so nobody can use it`."""
    return f"{_TO_DO[recovery.move]} {visible(recovery.name)}: {visible(recovery.why)}"


def plan_lines(recoveries: Iterable[Recovery], paint: Paint) -> Iterator[str]:
    """The part of a plan that comes first; nothing when there is nothing to recover."""
    for number, recovery in enumerate(recoveries):
        if number == 0:
            yield ""
            yield paint("  Left by an earlier run, and seen to first:", "bold")
        head = (f"  {'!' if recovery.move.stays else '↺'} {visible(str(recovery.address))}", "yellow")
        yield paint.beside(head, (to_do(recovery),), indent=6)


def done_lines(told: Iterable[Recovered], paint: Paint) -> Iterator[str]:
    for one in told:
        sign, colour = _SIGNS.get(one.result, ("✗", "red"))
        done = one.result is Result.DONE
        words = _DONE[one.recovery.move] if done else _TO_DO[one.recovery.move]
        why = one.recovery.why if done else one.message or one.recovery.why
        text = f"{visible(str(one.recovery.address))}  {words} {visible(one.recovery.name)}: {visible(why)}"
        yield f"{paint(sign, colour)} {paint.wrapped(text, indent=4, first=2)}"
        if one.hint:
            yield "    " + paint.wrapped(f"→ {visible(one.hint)}", indent=4)


def left_text(recoveries: Iterable[Recovery], paint: Paint) -> str:
    lines = list(plan_lines(recoveries, paint))
    return "\n".join(lines[1:] or [paint("Nothing is left to be recovered.", "green")]) + "\n"


def done_text(told: Iterable[Recovered], paint: Paint, log_head: str) -> str:
    lines = list(done_lines(told, paint)) or [paint("Nothing was left to be recovered.", "green")]
    return "\n".join([*lines, *([head_line(log_head, paint)] if log_head else [])]) + "\n"


def recovered_json(one: Recovered) -> dict[str, Any]:
    told = {"message": one.message, "hint": one.hint, "code": one.code}
    spoken = {name: text for name, text in told.items() if text}
    return {**recovery_json(one.recovery), "result": one.result.value, **spoken}


def left_json(recoveries: Iterable[Recovery], running: Lease | None = None) -> dict[str, Any]:
    who = {"running": running.sentence()} if running is not None else {}
    return {"format": FORMAT, "dryRun": True, "recovery": [recovery_json(one) for one in recoveries], **who}


def done_json(told: Iterable[Recovered], log_head: str) -> dict[str, Any]:
    head = {"logHead": log_head} if log_head else {}
    return {"format": FORMAT, "dryRun": False, "recovered": [recovered_json(one) for one in told], **head}
