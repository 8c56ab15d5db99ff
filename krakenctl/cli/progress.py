"""Progress of apply: a moving bar on a terminal, a plain line per finished step elsewhere. Always on stderr."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from krakenctl.model.plan import Verb
from krakenctl.render import report_text

if TYPE_CHECKING:
    from krakenctl.cli.shell import Shell
    from krakenctl.model.address import Address
    from krakenctl.model.outcome import Event
    from krakenctl.model.plan import Plan

Tell = Callable[["Event"], None]


@contextmanager
def progress(shell: Shell, plan: Plan) -> Iterator[Tell]:
    """What to tell each event to."""
    if shell.paint(stderr=True).colour and not _asks(plan):
        with _bar(shell, plan) as tell:
            yield tell
    else:
        by_hand = {account.name for account in plan.accounts if account.by_person}
        yield lambda event: _line(shell, event, by_hand)


def _asks(plan: Plan) -> bool:
    """A moving bar would write over the questions."""
    return any(account.by_person for account in plan.accounts)


def _line(shell: Shell, event: Event, by_hand: Container[str]) -> None:
    """An edit `by_hand` is not looked at yet."""
    if event.result is not None:
        is_said = event.step.verb is Verb.UPDATE and event.address.path[0] in by_hand
        shell.tell(report_text.event(event, shell.paint(stderr=True), is_said=is_said), indent=4)


def _description(under_way: dict[Address, str]) -> str:
    if not under_way:
        return ""
    address, verb = list(under_way.items())[-1]
    others = len(under_way) - 1
    return f"{address}: {verb}" + (f", and {others} more" if others else "")


@contextmanager
def _bar(shell: Shell, plan: Plan) -> Iterator[Tell]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn
    from rich.text import Text

    paint = shell.paint(stderr=True)
    total = sum(len(change.steps) for change in plan.changes)
    columns = (SpinnerColumn(), BarColumn(bar_width=24), MofNCompleteColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=total)

        under_way: dict[Address, str] = {}  # of accounts at the same time, the one that began last is shown

        def tell(event: Event) -> None:
            under_way.pop(event.address, None)
            if event.result is None:
                under_way[event.address] = event.step.verb
            bar.update(task, description=_description(under_way))
            if event.result is not None:
                bar.console.print(Text.from_ansi(report_text.event(event, paint)), soft_wrap=True)
                bar.advance(task)

        yield tell
