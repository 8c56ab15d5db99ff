"""What every command that changes something has in common: lease, plan, question, apply, report, exit code."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from krakenctl.cli.recovering import exit_code, recover_first
from krakenctl.cli.shell import Shell
from krakenctl.errors import BeyondLimits, Contained, KrakenctlError, LeaseLost, OutputError, PlanStale, SafetyStop
from krakenctl.model.safety import AS_USUAL, Raised

if TYPE_CHECKING:
    from krakenctl.cli.person import Attending
    from krakenctl.model.outcome import Recovered, Report
    from krakenctl.model.plan import Plan
    from krakenctl.workflow import Desk

FAILED, PARTLY, WAITING, INTERRUPTED = 1, 4, 8, 130


def carry_out(
    shell: Shell,
    command: str,
    draw: Callable[[Desk], Plan | None],
    *,
    question: str,
    yes: bool,
    lock_timeout: int = 0,
    idle: str = "",
    raised: Raised = AS_USUAL,
    person: Attending | None = None,
    runbook: Path | None = None,
) -> int:
    """Plan with `draw`, show it, ask unless `yes`, and do it. Returns the exit code.

    Raises BeyondLimits for a plan that goes beyond a safety limit; before anybody is asked, and with the plan shown.
    A `draw` that returns None has said why there is nothing to do. `idle` says it for short in place of an empty plan.
    `person`: who does what no API does. `runbook`: where that is written down, instead of being done.
    """
    from krakenctl.actor import new_run
    from krakenctl.cli.person import reading, refuse_unknown
    from krakenctl.workflow import open_desk

    with (
        open_desk(
            shell.project(),
            parallelism=shell.parallelism,
            raised=raised,
            person=person,
            rotating=command == "rotate",
            say=shell.note,
        ) as desk,
        desk.lease(replace(new_run(command), reason=raised.reason), lock_timeout, shell.note),
        reading(person, desk),
    ):
        recovered, interrupted = _recover(shell, desk, person)
        if interrupted:
            return _over(shell, desk, recovered, INTERRUPTED)
        with _outranked(shell, recovered), _after(desk, recovered):
            drawn = draw(desk)
            if drawn is None:
                return _over(shell, desk, recovered, exit_code(recovered))
            if not shell.json:
                _show(shell, _in_question(drawn) if command == "rotate" else drawn, idle)
            _refuse_blocked(drawn, command)
            refuse_unknown(person, desk, drawn)
        with _after(desk, recovered):
            if runbook is not None and _write_runbook(shell, runbook, drawn, desk) and not yes:
                return _over(shell, desk, recovered, WAITING)
            if drawn.has_changes and not yes and not shell.confirm(question, "--yes"):
                shell.note("Nothing of it was done.")
                return _over(shell, desk, recovered, FAILED)
            return _run(shell, desk, drawn, recovered, person)


def _recover(shell: Shell, desk: Desk, person: Attending | None) -> tuple[tuple[Recovered, ...], bool]:
    """What became of what an earlier run had begun, and whether somebody pressed Ctrl-C meanwhile."""
    from krakenctl.cli.interrupt import Interrupt
    from krakenctl.cli.person import heed

    with Interrupt() as interrupt:
        heed(person, interrupt.seen, resuming=True)
        return recover_first(shell, desk, interrupt), interrupt.seen()


def _over(shell: Shell, desk: Desk, recovered: tuple[Recovered, ...], code: int) -> int:
    """Nothing but the recovery was done."""
    from krakenctl.model.outcome import Report

    if shell.json:
        from krakenctl.render import report_json

        shell.print_json(report_json.to_json(Report(outcomes=(), recovered=recovered, log_head=desk.log_head())))
    elif recovered:
        _print_head(shell, desk.log_head())
    return code


def _print_head(shell: Shell, head: str) -> None:
    from krakenctl.render.report_text import head_line

    if head:
        shell.print(head_line(head, shell.paint()) + "\n")


@contextmanager
def _after(desk: Desk, recovered: tuple[Recovered, ...]) -> Iterator[None]:
    """An error is told together with what was done before it."""
    try:
        yield
    except KrakenctlError as problem:
        if recovered:
            problem.recovered, problem.log_head = recovered, desk.log_head()
        raise


@contextmanager
def _outranked(shell: Shell, recovered: tuple[Recovered, ...]) -> Iterator[None]:
    """A plan that is refused is told as ever; but what is half done and could not be finished decides the exit code."""
    try:
        yield
    except KrakenctlError as problem:
        if exit_code(recovered) != PARTLY:
            raise
        shell.error(problem)
        raise typer.Exit(PARTLY) from None


def _refuse_blocked(plan: Plan, command: str) -> None:
    blocks = [block for block in plan.blocks if not block.allowed]
    if blocks:
        limits = ", ".join(block.limit.value for block in blocks)
        same = "`krakenctl apply`" if command == "tick" else "the same command"
        raise BeyondLimits(
            f"this plan goes beyond a safety limit ({limits}); nothing of it was done",
            blocks=blocks,
            hint=f"if that is meant, say so for one run: {same} with {plan.flags}",
        )


def _in_question(plan: Plan) -> Plan:
    """Without the overlaps of keys that nobody has asked for."""
    asked = {change.address for change in plan.changes}
    return replace(plan, overlaps=tuple(overlap for overlap in plan.overlaps if overlap.address in asked))


def _show(shell: Shell, plan: Plan, idle: str) -> None:
    from krakenctl.render import words

    if idle and _is_idle(plan):
        if not plan.changes:
            shell.print(f"{idle}\n")
        for finding, others in words.alike(plan.findings):
            shell.note(f"{finding.message}: {finding.hint}" if finding.hint else finding.message)
            if others:
                shell.note(words.more(others))
        return
    from krakenctl.cli.plan_output import print_plan

    print_plan(shell, plan, with_now=False)


def _is_idle(plan: Plan) -> bool:
    """Nothing to do, and nothing to say of any one key: a lost state is told once."""
    from krakenctl.model.plan import Cause

    return all(Cause.UNRECORDED in change.causes for change in plan.changes)


def _write_runbook(shell: Shell, target: Path, plan: Plan, desk: Desk) -> bool:
    from krakenctl.cli.runbook import write_runbook

    steps = write_runbook(target, plan, desk)
    said = f"{steps} step{'s' * (steps != 1)} for a person written to {target}." if steps else "No step needs a person."
    shell.note(said)
    return bool(steps)


def _run(shell: Shell, desk: Desk, plan: Plan, recovered: tuple[Recovered, ...], person: Attending | None) -> int:
    from krakenctl.cli.interrupt import Interrupt
    from krakenctl.cli.person import heed
    from krakenctl.cli.progress import progress

    with Interrupt() as interrupt:
        heed(person, interrupt.seen)
        with progress(shell, plan) as tell:
            done = desk.apply(plan, tell, shell.note, interrupt.seen)
        report = replace(done, recovered=recovered, findings=plan.findings)
        code = INTERRUPTED if interrupt.seen() else _exit_code(report)
        _print(shell, report, plan, code)
    return code


def _print(shell: Shell, report: Report, plan: Plan, code: int) -> None:
    """Where the report cannot be written, what became of the plan still decides the exit code, if it went wrong."""
    try:
        _print_report(shell, report, plan)
    except OutputError as problem:
        if code == 0:
            raise
        shell.note(problem.message)


def _print_report(shell: Shell, report: Report, plan: Plan) -> None:
    if shell.json:
        from krakenctl.render import report_json

        shell.print_json(report_json.to_json(report))
    elif not _is_idle(plan):
        from krakenctl.render import report_text

        shell.print("\n" + report_text.render(report, shell.paint()))
    elif report.recovered:
        _print_head(shell, report.log_head)


def _exit_code(report: Report) -> int:
    """Partly done outranks all; then stopped for safety, stale, failed, waiting."""
    from krakenctl.model.outcome import Result

    recovered = exit_code(_left(report))
    if recovered == PARTLY:
        return PARTLY
    if report.count(Result.FAILED) + report.count(Result.SKIPPED):
        if any(outcome.steps_done for outcome in report.outcomes):
            return PARTLY
        codes = {outcome.code for outcome in report.outcomes}
        if codes & {LeaseLost.code, Contained.code}:  # what others do of it is beyond this run
            return PARTLY
        return next((error.exit_code for error in (SafetyStop, PlanStale) if error.code in codes), FAILED)
    return WAITING if report.count(Result.BLOCKED) else recovered


def _left(report: Report) -> Iterator[Recovered]:
    """What recovery has not brought to an end, nor this run: a key that got a new secret is done with."""
    from krakenctl.model.outcome import Result

    renewed = {one.address for one in report.outcomes if one.result is Result.DONE and one.verdict}
    return (one for one in report.recovered if one.recovery.address not in renewed)
