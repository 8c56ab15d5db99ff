"""krakenctl apply: make the exchange what the manifests say."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from krakenctl.cli.command import application, example
from krakenctl.cli.shell import ColorOption, DirOption, OutputOption, Shell, TextOrJson
from krakenctl.errors import OutputError, PlanStale, SafetyStop

if TYPE_CHECKING:
    from krakenctl.model.outcome import Report
    from krakenctl.model.plan import Plan
    from krakenctl.workflow import Desk

FAILED, PARTLY, WAITING, INTERRUPTED = 1, 4, 8, 130

app = application()


@app.command(
    epilog=example(
        """
        krakenctl apply                                  # plans, asks, applies
        krakenctl apply --yes                            # does not ask
        krakenctl plan --out tonight.plan && krakenctl apply tonight.plan --yes
        """
    )
)
def apply(
    ctx: typer.Context,
    plan: Annotated[
        Path | None, typer.Argument(metavar="[PLAN]", help="What `plan --out` saved; left out: plan now.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", envvar="KRAKENCTL_APPLY_YES", help="Do not ask.")] = False,
    directory: DirOption = None,
    output: OutputOption = TextOrJson.TEXT,
    no_color: ColorOption = False,
) -> None:
    """Make the exchange what the manifests say.

    A saved plan is planned again first, and refused with exit code 5 when anything moved.
    """
    from krakenctl.cli.plan_output import read_plan
    from krakenctl.workflow import open_desk

    shell = Shell.of(ctx, directory, output, no_color=no_color)
    saved = read_plan(plan) if plan else None
    with open_desk(shell.project()) as desk, desk.alone():
        drawn = desk.plan() if saved is None else desk.refresh(saved)
        if not shell.json:
            _show(shell, drawn)
        if drawn.has_changes and not yes and not shell.confirm("Apply this plan?", "--yes"):
            shell.note("Nothing was done.")
            raise typer.Exit(FAILED)
        raise typer.Exit(_run(shell, desk, drawn))


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
