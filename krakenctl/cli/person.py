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

Attending = AtTerminal | FromStdin


def at_hand(shell: Shell, *, stdin: bool = False, reason: str = "") -> Attending | None:
    """None: nobody is there. `reason`: for which what cannot be looked at is accepted. Raises CredentialError
    or UsageError."""
    if stdin:
        return FromStdin(read_answers(piped("--stdin")), reason)
    if shell.is_attended and not shell.json:
        return AtTerminal(shell, reason)
    return FromStdin({}, reason) if reason else None


@contextmanager
def heeding(person: Attending | None, interrupted: Callable[[], bool], *, resuming: bool = False) -> Iterator[None]:
    """Meanwhile Ctrl-C ends a prompt too. `resuming`: what they are asked for is left from an earlier run."""
    if person is not None:
        person.interrupted, person.resuming = interrupted, resuming
    yield
