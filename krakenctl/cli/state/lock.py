"""krakenctl state lock: who is changing this workspace right now."""

from __future__ import annotations

import typer

from krakenctl.cli.command import application, example
from krakenctl.cli.options import ColorOption, DirOption, OutputOption
from krakenctl.cli.shell import Shell, TextOrJson

app = application(
    help_text="See who is changing this workspace right now.", epilog=example("krakenctl state lock list")
)


@app.callback()
def group() -> None:
    """Holds the commands together: of one alone, typer would make the group itself."""


@app.command("list", epilog=example("krakenctl state lock list\nkrakenctl state lock list -o json"))
def list_(
    ctx: typer.Context,
    directory: DirOption = None,
    output: OutputOption = TextOrJson.TEXT,
    no_color: ColorOption = False,
) -> None:
    """Show who is changing this workspace, since when, and whether they are still alive."""
    from krakenctl.render import locks as view
    from krakenctl.tasks.remembered import holder

    shell = Shell.of(ctx, directory, output, no_color=no_color)
    held, dead = holder(shell.root())
    if shell.json:
        shell.print_json(view.to_json(held, dead=dead))
    else:
        shell.print(view.render(held, shell.paint(), dead=dead))
