"""krakenctl show: a saved plan, again."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from krakenctl.cli.command import application, example
from krakenctl.cli.options import ColorOption, DirOption, PlanOutputOption
from krakenctl.cli.shell import PlanFormat, Shell
from krakenctl.errors import KrakenctlError

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
    from krakenctl.cli.plan_output import print_saved, read_plan

    shell = Shell.of(ctx, directory, output, no_color=no_color)
    print_saved(shell, read_plan(file), _now(shell))


def _now(shell: Shell) -> int:
    """A saved plan can be looked at anywhere; only its own workspace may have a clock of its own."""
    from krakenctl.tasks.remembered import offline_now

    try:
        return offline_now(shell.directory)
    except KrakenctlError:
        return int(time.time())
