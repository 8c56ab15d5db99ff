"""krakenctl tree: the hierarchy and what every key may do."""

from __future__ import annotations

import typer

from krakenctl.cli.command import application, example
from krakenctl.cli.options import ColorOption, DirOption, OutputOption
from krakenctl.cli.shell import Shell, TextOrJson

app = application()


@app.command(epilog=example("krakenctl tree\nkrakenctl tree -o json"))
def tree(
    ctx: typer.Context,
    directory: DirOption = None,
    output: OutputOption = TextOrJson.TEXT,
    no_color: ColorOption = False,
) -> None:
    """Draw the accounts, their keys and what every key may do. Offline: it is what the manifests say."""
    from krakenctl.render import tree as drawing

    shell = Shell.of(ctx, directory, output, no_color=no_color)
    desired = shell.project().desired
    if shell.json:
        shell.print_json(drawing.to_json(desired))
    else:
        shell.print(drawing.render(desired, shell.paint()))
