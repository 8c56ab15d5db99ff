"""krakenctl show: a saved plan, again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from krakenctl.cli.command import application, example
from krakenctl.cli.shell import ColorOption, DirOption, PlanFormat, PlanOutputOption, Shell

app = application()


@app.command(epilog=example("krakenctl plan --out tonight.plan\nkrakenctl show tonight.plan -o markdown"))
def show(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `plan --out` saved.")],
    directory: DirOption = None,
    output: PlanOutputOption = PlanFormat.TEXT,
    no_color: ColorOption = False,
) -> None:
    """Show a saved plan. Nothing is contacted."""
    from krakenctl.cli.plan_output import print_plan, read_plan

    shell = Shell.of(ctx, directory, output, no_color=no_color)
    print_plan(shell, read_plan(file), with_now=True)
