"""krakenctl state copy: the state moves to another place, whole."""

from __future__ import annotations

from typing import Annotated

import typer

from krakenctl.cli.command import application, example
from krakenctl.cli.options import (
    NO_PATIENCE,
    ColorOption,
    DirOption,
    LockTimeoutOption,
    OutputOption,
    options_of,
    yes_option,
)
from krakenctl.cli.shell import Shell, TextOrJson

_option = options_of("STATE_COPY")
app = application()


@app.command(
    epilog=example(
        """
        # in krakenctl.yaml:  state: {type: postgres, dsn: env:KRAKENCTL_STATE_DSN}
        krakenctl state copy --from sqlite:.krakenctl/state.db

        # and back again:     state: {type: sqlite}
        krakenctl state copy --from postgres:env:KRAKENCTL_STATE_DSN
        """
    )
)
def copy(
    ctx: typer.Context,
    source: Annotated[
        str,
        _option(
            "--from",
            "Where the state was: sqlite:PATH, or postgres: and where its connection string is kept, as env:NAME"
            " or file:PATH.",
            metavar="STATE",
        ),
    ],
    schema: Annotated[
        str,
        _option(
            "--from-schema",
            "Its schema in PostgreSQL. Left out: the one that is named after the workspace.",
            metavar="NAME",
        ),
    ] = "",
    yes: Annotated[bool, yes_option("STATE_COPY")] = False,
    lock_timeout: LockTimeoutOption = NO_PATIENCE,
    directory: DirOption = None,
    output: OutputOption = TextOrJson.TEXT,
    no_color: ColorOption = False,
) -> None:
    """Copy everything from another state into the one that krakenctl.yaml names, and retire the other.

    Name the new state in krakenctl.yaml first. Keys, what is under way, what the kill switch did, burned numbers and
    the audit log with its chain go along, all or nothing. The new state must be empty. The old one stays for you to
    read its log, and no run can use it any more.
    """
    from krakenctl.actor import new_run
    from krakenctl.render import copied as view
    from krakenctl.tasks.relocation import Move

    shell = Shell.of(ctx, directory, output, no_color=no_color)
    move = Move(shell.root(), source, schema)
    found = move.look()
    if not yes:
        shell.note(view.before(found, *move.names, shell.paint(stderr=True)).rstrip("\n"))
        if not shell.confirm("Copy it?", "--yes"):
            shell.note("Nothing was done.")
            raise typer.Exit(1)
    copied = move.carry_out(new_run("state copy"), lock_timeout, shell.note)
    if shell.json:
        shell.print_json(view.to_json(copied))
    else:
        shell.print(view.after(copied, shell.paint()))
