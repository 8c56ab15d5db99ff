"""krakenctl sandbox reset: everything in the sandbox goes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from krakenctl.cli.command import application, example
from krakenctl.cli.options import ColorOption, DirOption, OutputOption, yes_option
from krakenctl.cli.sandbox.where import existing
from krakenctl.cli.shell import Shell, TextOrJson

if TYPE_CHECKING:
    from krakenctl.tasks.initialise import Made

app = application()


@app.command(
    epilog=example(
        """
        krakenctl sandbox reset --yes
        krakenctl sandbox reset --db /tmp/sandbox.db
        """
    )
)
def reset(
    ctx: typer.Context,
    yes: Annotated[bool, yes_option("SANDBOX_RESET")] = False,
    db: Annotated[
        Path | None,
        typer.Option("--db", metavar="FILE", help="Only delete this sandbox's file; no workspace is touched."),
    ] = None,
    directory: DirOption = None,
    output: OutputOption = TextOrJson.TEXT,
    no_color: ColorOption = False,
) -> None:
    """Start the sandbox afresh: its accounts and keys, what was recorded of them, and their secrets go.

    The manifests, the identity and the recipients stay. Refused when the workspace means a real exchange, or names
    credentials outside .krakenctl/. With -o json it prints what init prints: what was made anew, as krakenctl.init/v1.
    With --db it deletes that file; a server that uses it goes on with a new one.
    """
    shell = Shell.of(ctx, directory, output, no_color=no_color)
    if db is not None:
        _delete(shell, existing(shell, db), yes=yes)
    else:
        _reset_workspace(shell, yes=yes)


def _reset_workspace(shell: Shell, *, yes: bool) -> None:
    from krakenctl.tasks.reset import reset as start_afresh

    project = shell.project()
    _confirm(shell, "Delete everything in this sandbox?", yes=yes)
    _print(shell, start_afresh(project), "The sandbox is empty again, and its accounts are signed up.\n")


def _delete(shell: Shell, path: Path, *, yes: bool) -> None:
    """Only a file that is a sandbox: whatever else was named by mistake stays."""
    from krakenctl.sandbox import open_sandbox
    from krakenctl.sandbox.people import seed

    open_sandbox(path).close()
    _confirm(shell, f"Delete the sandbox {path}?", yes=yes)
    seed.reset(path)
    _print(shell, [], f"The sandbox {path} is deleted.\n")


def _confirm(shell: Shell, question: str, *, yes: bool) -> None:
    if not yes and not shell.confirm(question, "--yes"):
        shell.note("Nothing was done.")
        raise typer.Exit(1)


def _print(shell: Shell, made: list[Made], text: str) -> None:
    if shell.json:
        shell.print_json({"format": "krakenctl.init/v1", "made": [{"path": m.path, "what": m.what} for m in made]})
    else:
        shell.print(text)
