"""What every command that changes something does first: finish or undo what an earlier run has begun, and say so."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from krakenctl.cli.shell import Shell
from krakenctl.errors import NeedsPerson
from krakenctl.model.outcome import Recovered, Result
from krakenctl.model.recovery import Move

if TYPE_CHECKING:
    from krakenctl.cli.interrupt import Interrupt
    from krakenctl.model.outcome import Event
    from krakenctl.workflow import Desk

UNFINISHED, WAITING = 4, 8


def recover_first(shell: Shell, desk: Desk, interrupt: Interrupt) -> tuple[Recovered, ...]:
    """While the lease is held. Told on standard error, step by step and then as a whole."""
    from krakenctl.render.recovery import done_lines

    told = desk.recover(progress(shell), shell.note, interrupt.seen)
    for line in done_lines(told, shell.paint(stderr=True)):
        shell.note(line)
    return told


def progress(shell: Shell) -> Callable[[Event], None]:
    """A line per step."""
    from krakenctl.render import report_text

    def tell(event: Event) -> None:
        if event.result is not None:
            shell.tell(report_text.event(event, shell.paint(stderr=True)), indent=4)

    return tell


def exit_code(told: Iterable[Recovered]) -> int:
    """0 when nothing is left under way that anybody has to see to."""
    left = [one for one in told if one.result is not Result.DONE]
    if any(one.recovery.move is not Move.ASK and one.code != NeedsPerson.code for one in left):
        return UNFINISHED
    return WAITING if left else 0
