"""krakenctl apply: make the exchange what the manifests say."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from krakenctl.cli.command import application, example
from krakenctl.cli.shell import ColorOption, DirOption, OutputOption, Shell, TextOrJson

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
    from krakenctl.cli.carry_out import carry_out
    from krakenctl.cli.plan_output import read_plan

    shell = Shell.of(ctx, directory, output, no_color=no_color)
    saved = read_plan(plan) if plan else None
    code = carry_out(
        shell,
        "apply",
        lambda desk: desk.plan() if saved is None else desk.refresh(saved),
        question="Apply this plan?",
        yes=yes,
    )
    raise typer.Exit(code)
