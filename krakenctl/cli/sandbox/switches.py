"""krakenctl sandbox switches: what is open about Kraken, and how this sandbox takes it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from krakenctl.cli.command import application, example
from krakenctl.cli.options import ColorOption, DirOption, OutputOption
from krakenctl.cli.sandbox.where import DbOption, existing, pairs, place, show, table
from krakenctl.cli.shell import Shell, TextOrJson

app = application()


@app.command(
    epilog=example(
        """
        krakenctl sandbox switches
        krakenctl sandbox switches tier=starter put-semantics=patch
        krakenctl sandbox switches --reset
        """
    )
)
def switches(
    ctx: typer.Context,
    settings: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME=VALUE]...", help="What to set; left out: nothing.")
    ] = None,
    reset: Annotated[
        bool,
        typer.Option(
            "--reset", envvar="KRAKENCTL_SANDBOX_SWITCHES_RESET", help="First set every switch to its default."
        ),
    ] = False,
    db: DbOption = None,
    directory: DirOption = None,
    output: OutputOption = TextOrJson.TEXT,
    no_color: ColorOption = False,
) -> None:
    """List or set the switches: every fact about Kraken that is unconfirmed or disputed.

    Each has the documented default, and says what is known and who says so. All are listed; after setting some, only
    those that are not at their default (with -o json, all). Where there is no sandbox yet, the defaults are listed.
    """
    from krakenctl.sandbox import switches as all_switches

    shell = Shell.of(ctx, directory, output, no_color=no_color)
    wanted = pairs(settings or ())
    if wanted or reset or db is not None:
        path = existing(shell, db)
        all_switches.set_switches(path, wanted, afresh=reset)
    else:
        path = place(shell, None)
    found = list(_rows(path))
    told = [row for row in found if not wanted or row["value"] != row["default"]]
    show(shell, "switches", {"switches": found}, _text(told))


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    from krakenctl.sandbox.switches import DEFAULTS, SWITCHES, all_switches

    standing = all_switches(path) if path.exists() else DEFAULTS
    for name, switch in SWITCHES.items():
        yield {
            "name": name,
            "value": standing[name],
            "default": switch.default,
            "allowed": list(switch.allowed),
            "source": switch.source,
        }


def _text(found: list[dict[str, Any]]) -> str:
    """Two lines each: how it stands, with a star where that is not the default; and what is known."""
    rows = ((row["name"], _value(row), row["default"], " | ".join(row["allowed"])) for row in found)
    head, *lines = table(("SWITCH", "VALUE", "DEFAULT", "ALLOWED"), rows).splitlines()
    sources = (f"    {row['source']}" for row in found)
    return "\n".join([head, *(f"{line}\n{source}" for line, source in zip(lines, sources, strict=True))]) + "\n"


def _value(row: dict[str, Any]) -> str:
    return str(row["value"]) if row["value"] == row["default"] else f"{row['value']} *"
