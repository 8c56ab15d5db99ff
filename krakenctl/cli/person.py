"""Who does what no API does: a person at this terminal, one who has followed a runbook, or nobody."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from krakenctl.cli.answers import FromStdin, read_answers
from krakenctl.cli.asking import piped
from krakenctl.cli.at_terminal import AtTerminal

if TYPE_CHECKING:
    from krakenctl.cli.shell import Shell
    from krakenctl.model.plan import Plan
    from krakenctl.workflow import Desk

Attending = AtTerminal | FromStdin


def at_hand(shell: Shell, *, stdin: bool = False, reason: str = "") -> Attending | None:
    """None: nobody is there. `reason`: for which what cannot be looked at is accepted. Raises CredentialError
    or UsageError."""
    if stdin:
        return FromStdin(read_answers(piped("--stdin")), reason)
    if shell.is_attended and not shell.json:
        return AtTerminal(shell, reason)
    return FromStdin((), reason) if reason else None


def refuse_unclear(person: Attending | None, desk: Desk, plan: Plan | None = None) -> None:
    """Before a line is taken for another account's key of the same name. Raises CredentialError. `plan`: to be done."""
    if not isinstance(person, FromStdin) or not person.answers:
        return
    from krakenctl.model.surface import is_by_person

    recorded = desk.holding[0].read()
    elsewhere = {name for name, account in recorded.accounts.items() if not is_by_person(account.surface)}
    known = {(trace.account, trace.live_name) for trace in recorded.traces if trace.account not in elsewhere}
    person.refuse_unclear(known | {(step.account, step.name) for step in (desk.human_steps(plan) if plan else ())})


@contextmanager
def heeding(person: Attending | None, interrupted: Callable[[], bool], *, resuming: bool = False) -> Iterator[None]:
    """Meanwhile Ctrl-C ends a prompt too. `resuming`: what they are asked for is left from an earlier run."""
    if person is not None:
        person.interrupted, person.resuming = interrupted, resuming
    yield
