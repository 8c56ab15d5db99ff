"""What every command that changes something has in common: lease, plan, question, apply, report, exit code."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from krakenctl.cli.shell import Shell
from krakenctl.errors import OutputError, PlanStale, SafetyStop

if TYPE_CHECKING:
    from krakenctl.model.outcome import Report
    from krakenctl.model.plan import Plan
    from krakenctl.workflow import Desk

FAILED, PARTLY, WAITING, INTERRUPTED = 1, 4, 8, 130


def carry_out(shell: Shell, command: str, draw: Callable[[Desk], Plan], *, question: str, yes: bool) -> int:
    """Plan with `draw`, show it, ask unless `yes`, and do it. Returns the exit code."""
    from krakenctl.workflow import new_run, open_desk

    with open_desk(shell.project()) as desk, desk.lease(new_run(command)):
        drawn = draw(desk)
        if not shell.json:
            _show(shell, drawn)
        if drawn.has_changes and not yes and not shell.confirm(question, "--yes"):
            shell.note("Nothing was done.")
            return FAILED
        return _run(shell, desk, drawn)


def _show(shell: Shell, plan: Plan) -> None:
    from krakenctl.cli.plan_output import print_plan

    print_plan(shell, plan, with_now=False)


def _run(shell: Shell, desk: Desk, plan: Plan) -> int:
    from krakenctl.cli.interrupt import Interrupt
    from krakenctl.cli.progress import progress

    with Interrupt() as interrupt:
        with progress(shell, plan) as tell:
            report = desk.apply(plan, tell, shell.note, interrupt.seen)
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
    elif plan.changes:
        from krakenctl.render import report_text

        shell.print("\n" + report_text.render(report, shell.paint()))


def _exit_code(report: Report) -> int:
    """Partly done outranks all; then stopped for safety, stale, failed, waiting."""
    from krakenctl.model.outcome import Result

    if report.count(Result.FAILED) + report.count(Result.SKIPPED):
        if any(outcome.steps_done for outcome in report.outcomes):
            return PARTLY
        codes = {outcome.code for outcome in report.outcomes}
        return next((error.exit_code for error in (SafetyStop, PlanStale) if error.code in codes), FAILED)
    return WAITING if report.count(Result.BLOCKED) else 0
