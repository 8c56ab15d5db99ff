"""krakenctl version: what is installed here."""

from __future__ import annotations

import typer

from krakenctl.cli.command import application, example
from krakenctl.cli.options import ColorOption, DirOption, OutputOption
from krakenctl.cli.shell import Shell, TextOrJson

app = application()


@app.command(epilog=example("krakenctl version -o json"))
def version(
    ctx: typer.Context,
    directory: DirOption = None,
    output: OutputOption = TextOrJson.TEXT,
    no_color: ColorOption = False,
) -> None:
    """Print the version."""
    import platform

    from krakenctl import __version__

    shell = Shell.of(ctx, directory, output, no_color=no_color)
    if shell.json:
        shell.print_json(
            {
                "format": "krakenctl.version/v1",
                "krakenctl": __version__,
                "python": platform.python_version(),
                "platform": platform.platform(),
            }
        )
    else:
        shell.print(f"krakenctl {__version__}\n")
