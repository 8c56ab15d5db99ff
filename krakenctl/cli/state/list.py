"""krakenctl state list: every key and account that is recorded."""

from __future__ import annotations

import typer

from krakenctl.cli.command import application, example
from krakenctl.cli.options import ColorOption, DirOption, OutputOption
from krakenctl.cli.shell import Shell, TextOrJson

app = application()


@app.command("list", epilog=example("krakenctl state list\nkrakenctl state list -o json"))
def list_(
    ctx: typer.Context,
    directory: DirOption = None,
    output: OutputOption = TextOrJson.TEXT,
    no_color: ColorOption = False,
) -> None:
    """List every key and account that is recorded."""
    from krakenctl.render import state as view
    from krakenctl.tasks.remembered import recorded

    shell = Shell.of(ctx, directory, output, no_color=no_color)
    found = recorded(shell.root())
    if shell.json:
        shell.print_json(view.to_json(found))
    else:
        shell.print(view.render(found, shell.paint()))
