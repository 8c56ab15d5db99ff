"""krakenctl plan: show what apply would change."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from krakenctl.cli.command import application, example
from krakenctl.cli.options import ColorOption, DirOption, ParallelismOption, PlanOutputOption, duration, options_of
from krakenctl.cli.shell import PlanFormat, Shell

if TYPE_CHECKING:
    from krakenctl.model.plan import Plan

CHANGES_PRESENT = 2
DAY: Any = "24h"  # as the option's parser reads it

_option = options_of("PLAN")
app = application()


@app.command(
    epilog=example(
        """
        krakenctl plan
        krakenctl plan --out tonight.plan && krakenctl apply tonight.plan
        krakenctl plan --out review.plan --expires 72h
        krakenctl plan -o markdown > comment.md
        krakenctl plan --detailed-exitcode   # in CI: 0 in order, 2 changes present
        krakenctl plan --as-of 2027-06-01    # what will be due then
        """
    )
)
def plan(
    ctx: typer.Context,
    out: Annotated[Path | None, _option("--out", "Save the plan, to be applied later.", metavar="FILE")] = None,
    expires: Annotated[
        int,
        _option(
            "--expires",
            "How long the saved plan may wait for its apply to start, as 24h.",
            parser=duration,
            metavar="DURATION",
        ),
    ] = DAY,
    as_of: Annotated[
        str | None, _option("--as-of", "Plan as if it were then: 2027-05-01 or 2027-05-01T12:00:00Z.", metavar="TIME")
    ] = None,
    detailed_exitcode: Annotated[
        bool, _option("--detailed-exitcode", "Exit 2 when there are changes, also blocked ones.")
    ] = False,
    parallelism: ParallelismOption = None,
    directory: DirOption = None,
    output: PlanOutputOption = PlanFormat.TEXT,
    no_color: ColorOption = False,
) -> None:
    """Show what apply would change, and change nothing."""
    from krakenctl.cli.plan_output import print_plan, print_seal, refuse_target, write_plan
    from krakenctl.model.time import show_time
    from krakenctl.workflow import open_desk

    shell = Shell.of(ctx, directory, output, no_color=no_color, parallelism=parallelism)
    moment = _moment(as_of)
    if out is not None:
        refuse_target(out)
    with open_desk(shell.project(), parallelism=shell.parallelism, say=shell.note) as desk:
        drawn = desk.plan(moment)
        end = desk.now() + expires
    print_plan(shell, drawn, with_now=moment is not None)
    if out is not None:
        saved = write_plan(out, drawn, end)
        print_seal(shell, saved, end - expires)
        shell.note(f"Saved to {out}. Apply it with `{_command(drawn, out)}` before {show_time(saved.expires)}.")
    elif drawn.has_changes and not shell.json:
        shell.note(f"Apply with `{_command(drawn)}`.")
    if detailed_exitcode and (drawn.changes or drawn.recovery):
        raise typer.Exit(CHANGES_PRESENT)


def _command(plan: Plan, file: Path | None = None) -> str:
    return " ".join(["krakenctl apply", *([str(file)] if file else []), *([plan.flags] if plan.flags else [])])


def _moment(text: str | None) -> int | None:
    from krakenctl.model.time import parse_time

    if text is None:
        return None
    try:
        return parse_time(text)
    except ValueError as problem:
        raise typer.BadParameter(str(problem), param_hint="--as-of") from None
