"""Who does what no API does: a person at this terminal, one who has followed a runbook, or nobody."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from krakenctl.cli.answers import FromStdin, Key, read_answers
from krakenctl.cli.asking import piped
from krakenctl.cli.at_terminal import AtTerminal
from krakenctl.errors import NeedsPerson

if TYPE_CHECKING:
    from krakenctl.cli.shell import Shell
    from krakenctl.model.plan import Plan
    from krakenctl.model.recorded import Recorded
    from krakenctl.workflow import Desk

Attending = AtTerminal | FromStdin


def at_hand(shell: Shell, *, stdin: bool = False, reason: str = "") -> Attending | None:
    """None: nobody is there. Raises CredentialError or UsageError.

    `reason`: for which what cannot be looked at is accepted; with `stdin` only where a line tells of it.
    """
    if stdin:
        return FromStdin(read_answers(piped("--stdin")), reason)
    if shell.is_attended and not shell.json:
        return AtTerminal(shell, reason)
    return FromStdin((), reason, for_all=True) if reason else None


@contextmanager
def reading(person: Attending | None, desk: Desk) -> Iterator[None]:
    """For one run: what it has found out by itself needs no line any more. Before it, lines are refused that tell of no
    account of ours, or may tell of more than one. Raises CredentialError."""
    if not isinstance(person, FromStdin) or not person.answers:
        yield
        return
    recorded = desk.recorded
    person.refuse_elsewhere({*desk.project.desired.accounts, *recorded.accounts})
    person.refuse_unclear(_known(recorded))
    person.begin(_known(recorded), {trace.public_key for trace in recorded.traces})
    person.settle(_unsaid(recorded))
    yield
    person.settle(_unsaid(desk.recorded))


def refuse_unknown(person: Attending | None, desk: Desk, plan: Plan) -> None:
    """Before the plan is done: lines that no step of it can be about. Raises CredentialError."""
    if isinstance(person, FromStdin) and person.answers:
        recorded, steps = desk.recorded, {(step.account, step.name) for step in desk.human_steps(plan)}
        known, past = _known(recorded) | steps, _past(recorded, desk.project.workspace.tag, person)
        person.settle(_unsaid(recorded))
        person.refuse_unclear(known)
        person.refuse_unknown(known | past)
        person.expect(lambda answer: answer.is_one_of(steps if answer.pair else steps | past - known))


def _known(recorded: Recorded) -> set[Key]:
    from krakenctl.model.surface import is_by_person

    elsewhere = {name for name, account in recorded.accounts.items() if not is_by_person(account.surface)}
    return {(trace.account, trace.live_name) for trace in recorded.traces if trace.account not in elsewhere}


def _unsaid(recorded: Recorded) -> set[Key]:
    """Without those of which somebody has said that they are deleted."""
    return _known(recorded) - {(key.account, key.live_name) for key in recorded.ours if key.claimed_by}


def _past(recorded: Recorded, tag: str, person: FromStdin) -> set[Key]:
    """What the lines call keys that are over: the same lines may be given to a second run."""
    from krakenctl.plan.names import generation_of

    names = {answer.name for answer in person.answers}
    return {
        (address.path[0], name)
        for address, highest in recorded.generations.items()
        for name in names
        if 0 < generation_of(name, address.name, tag) <= highest
    }


def tell_unused(shell: Shell, person: Attending | None, code: int) -> int:
    """Lines that nothing asked for. Returns the exit code: what the plan had no use for is an error."""
    if not isinstance(person, FromStdin):
        return code
    for answer in person.unused:
        if answer.pair:
            told = "the pair that was given for it was not kept, and the key may live"
        else:
            told = f"line {answer.line} of standard input made no difference"
        shell.note(f"Nothing asked for {answer}: {told}.")
    return 1 if person.is_odd and code in (0, NeedsPerson.exit_code) else code


def heed(person: Attending | None, interrupted: Callable[[], bool], *, resuming: bool = False) -> None:
    """From now on Ctrl-C ends a prompt too. `resuming`: what they are asked for is left from an earlier run."""
    if isinstance(person, AtTerminal):
        person.interrupted, person.resuming = interrupted, resuming
