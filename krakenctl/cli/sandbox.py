"""krakenctl sandbox: the embedded sandbox of this workspace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from krakenctl.cli.command import application, example
from krakenctl.cli.shell import ColorOption, DirOption, OutputOption, Shell, TextOrJson

if TYPE_CHECKING:
    from krakenctl.initialise import Made

app = application(
    help_text="Manage this workspace's embedded sandbox: a Kraken of your own, in one file.",
    epilog=example("krakenctl sandbox reset --yes"),
)


@app.callback()
def group() -> None:
    """Keeps `reset` a command of its own while it is the only one."""


@app.command(epilog=example("krakenctl sandbox reset --yes"))
def reset(
    ctx: typer.Context,
    yes: Annotated[bool, typer.Option("--yes", "-y", envvar="KRAKENCTL_SANDBOX_RESET_YES", help="Do not ask.")] = False,
    directory: DirOption = None,
    output: OutputOption = TextOrJson.TEXT,
    no_color: ColorOption = False,
) -> None:
    """Start the sandbox afresh: its accounts and keys, what was recorded of them, and their secrets go.

    The manifests, the identity and the recipients stay. Refused when the workspace means a real exchange, or names
    credentials outside .krakenctl/. With -o json it prints what init prints: what was made anew, as krakenctl.init/v1.
    """
    from krakenctl.reset import reset as start_afresh

    shell = Shell.of(ctx, directory, output, no_color=no_color)
    project = shell.project()
    if not yes and not shell.confirm("Delete everything in this sandbox?", "--yes"):
        shell.note("Nothing was done.")
        raise typer.Exit(1)
    _print(shell, start_afresh(project))


def _print(shell: Shell, made: list[Made]) -> None:
    if shell.json:
        shell.print_json({"format": "krakenctl.init/v1", "made": [{"path": m.path, "what": m.what} for m in made]})
    else:
        shell.print("The sandbox is empty again, and its accounts are signed up.\n")
