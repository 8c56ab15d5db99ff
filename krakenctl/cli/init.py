"""krakenctl init: make a workspace, or what is missing in one."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from krakenctl.cli.command import application, example
from krakenctl.cli.options import ColorOption, DirOption, OutputOption, options_of
from krakenctl.cli.shell import Shell, TextOrJson

_option = options_of("INIT")
app = application()


@app.command(epilog=example("krakenctl init\nkrakenctl -C my-desk init --name my-desk --tag d1"))
def init(
    ctx: typer.Context,
    name: Annotated[str, _option("--name", "Of the workspace and its first account.", metavar="NAME")] = "main",
    tag: Annotated[str, _option("--tag", "Two characters a-z 0-9, part of every key's name.", metavar="TAG")] = "",
    endpoint: Annotated[
        str,
        _option("--endpoint", "sandbox, or the base URL of a Kraken: https://api.kraken.com.", metavar="URL|sandbox"),
    ] = "sandbox",
    directory: DirOption = None,
    output: OutputOption = TextOrJson.TEXT,
    no_color: ColorOption = False,
) -> None:
    """Make a workspace, or what is missing in one.

    In an empty folder: a workspace with two keys on the sandbox. In a workspace: its identity, recipients and
    sandbox accounts, where they are missing. What is there already is kept.
    """
    from krakenctl.tasks.initialise import Wish, initialise

    _check(name, tag)
    shell = Shell.of(ctx, directory, output, no_color=no_color)
    if (shell.directory / "krakenctl.yaml").exists() and (name, tag, endpoint) != ("main", "", "sandbox"):
        shell.note(
            "There is a krakenctl.yaml already: --name, --tag and --endpoint are for a new one, and change nothing."
        )
    made = initialise(shell.directory, Wish(name, tag, endpoint))
    if shell.json:
        shell.print_json({"format": "krakenctl.init/v1", "made": [{"path": m.path, "what": m.what} for m in made]})
        return
    width = max((len(m.path) for m in made), default=0)
    for one in made:
        shell.print(f"  {one.path:<{width}}  {one.what}\n")
    shell.print("Ready. Next: `krakenctl plan`, then `krakenctl apply`.\n" if made else "Nothing was missing.\n")


def _check(name: str, tag: str) -> None:
    if re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?", name) is None:
        raise typer.BadParameter("use a-z, 0-9 and - inside, at most 22 characters", param_hint="--name")
    if tag and re.fullmatch(r"[a-z0-9]{2}", tag) is None:
        raise typer.BadParameter("a tag is two characters of a-z and 0-9", param_hint="--tag")
