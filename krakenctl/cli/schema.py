"""krakenctl schema: the JSON Schemas that ship with krakenctl."""

from __future__ import annotations

from typing import Annotated

import typer

from krakenctl.cli.command import application, example

app = application()


@app.command(
    epilog=example("krakenctl schema ApiKey\nkrakenctl schema > krakenctl.schema.json   # all kinds, for editors")
)
def schema(
    kind: Annotated[
        str,
        typer.Argument(metavar="[KIND]", help="A kind of manifest, or plan, report, …; left out: all kinds in one."),
    ] = "krakenctl",
) -> None:
    """Print the JSON Schema of a kind of manifest, or of krakenctl's own output. They are of draft 2020-12."""
    from krakenctl import schema_files

    try:
        typer.echo(schema_files.text(kind), nl=False)
    except KeyError:
        known = ", ".join(schema_files.names())
        raise typer.BadParameter(f"there is no schema “{kind}”; there are {known}", param_hint="KIND") from None
