"""krakenctl sandbox fault: mischief, set and cleared."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from krakenctl.cli.command import application, example
from krakenctl.cli.options import ColorOption, DirOption, OutputOption
from krakenctl.cli.sandbox.where import DbOption, existing, show, table
from krakenctl.cli.shell import Shell, TextOrJson

if TYPE_CHECKING:
    from krakenctl.sandbox.faults import Kind, Setting

_SPELLING = "Write KIND,name=value,name=value; where a value is a list, + stands between its words."

app = application(
    help_text="Set, list and clear faults: lost answers, cut connections, delays and other mischief.",
    epilog=example(
        """
        krakenctl sandbox fault add answer-lost,endpoint=AddOrder
        krakenctl sandbox fault list
        krakenctl sandbox fault clear
        """
    ),
)


@app.command(
    epilog=example(
        """
        krakenctl sandbox fault add answer-lost,endpoint=/oauth/fast-api-key,nth=2
        krakenctl sandbox fault add delay,seconds=2,times=always
        krakenctl sandbox fault add http-error,status=502,times=always,probability=0.1,seed=7
        krakenctl sandbox fault kinds
        """
    )
)
def add(
    ctx: typer.Context,
    specs: Annotated[
        list[str], typer.Argument(metavar="SPEC...", help="KIND[,name=value]… – `fault kinds` lists what there is.")
    ],
    db: DbOption = None,
    directory: DirOption = None,
    output: OutputOption = TextOrJson.TEXT,
    no_color: ColorOption = False,
) -> None:
    """Set faults, and list all that are set. One mistake, and none is set.

    Each may be aimed: endpoint, account, nth (the first call to strike), times (how often, or always), probability with
    a seed. Left out, times is 1: one call is struck, whatever the probability. Lists take + between their words, as
    permissions=query-funds+add-funds.
    """
    from krakenctl.sandbox import faults

    shell = Shell.of(ctx, directory, output, no_color=no_color)
    path, wanted = existing(shell, db), [faults.parse(spec) for spec in specs]
    faults.add_all(path, wanted)
    _print_all(shell, path)


@app.command("list", epilog=example("krakenctl sandbox fault list -o json"))
def list_(
    ctx: typer.Context,
    db: DbOption = None,
    directory: DirOption = None,
    output: OutputOption = TextOrJson.TEXT,
    no_color: ColorOption = False,
) -> None:
    """List the faults that are set, with how often each was aimed at a call and how often it struck."""
    shell = Shell.of(ctx, directory, output, no_color=no_color)
    _print_all(shell, existing(shell, db))


@app.command(
    epilog=example(
        """
        krakenctl sandbox fault clear 3
        krakenctl sandbox fault clear   # all
        """
    )
)
def clear(
    ctx: typer.Context,
    number: Annotated[
        int | None, typer.Argument(metavar="[ID]", help="As `fault list` prints it; left out: all.")
    ] = None,
    db: DbOption = None,
    directory: DirOption = None,
    output: OutputOption = TextOrJson.TEXT,
    no_color: ColorOption = False,
) -> None:
    """Clear one fault or all, and list those that are left."""
    from krakenctl.sandbox import faults

    shell = Shell.of(ctx, directory, output, no_color=no_color)
    path = existing(shell, db)
    faults.clear(path, number)
    _print_all(shell, path)


@app.command(epilog=example("krakenctl sandbox fault kinds"))
def kinds(
    ctx: typer.Context,
    output: OutputOption = TextOrJson.TEXT,
    no_color: ColorOption = False,
) -> None:
    """List the kinds of fault there are, what each may be told, and how any of them is aimed."""
    from krakenctl.sandbox.faults import AIM, KINDS

    shell = Shell.of(ctx, None, output, no_color=no_color)
    kinds = {name: _kind(kind) for name, kind in KINDS.items()}
    lines = [line for name, kind in KINDS.items() for line in (f"{name}: {kind.summary}", *_told(kind))]
    aimed = ["", "Each may be aimed:", *_settings(AIM), "", _SPELLING]
    show(shell, "fault-kinds", {"aim": _meanings(AIM), "kinds": kinds}, "\n".join([*lines, *aimed]) + "\n")


def _kind(kind: Kind) -> dict[str, Any]:
    return {"summary": kind.summary, "strikes": kind.strikes, "settings": _meanings(kind.settings)}


def _meanings(settings: Mapping[str, Setting]) -> dict[str, dict[str, Any]]:
    return {name: {"meaning": s.meaning, "canBe": s.sort.can_be, "default": s.default} for name, s in settings.items()}


def _told(kind: Kind) -> list[str]:
    strikes = [f"    strikes {kind.strikes}"] if kind.only or kind.spares_pages else []
    return [*strikes, *_settings(kind.settings)]


def _settings(settings: Mapping[str, Setting]) -> list[str]:
    return [f"    {name}: {setting.meaning} ({setting.limits})" for name, setting in settings.items()]


def _print_all(shell: Shell, path: Path) -> None:
    from krakenctl.sandbox import faults

    found = faults.listing(path)
    text = table(("ID", "FAULT", "SEEN", "STRUCK"), map(_row, found)) if found else "No fault is set.\n"
    show(shell, "faults", {"faults": found}, text)


def _row(fault: dict[str, Any]) -> tuple[str, ...]:
    """As `add` takes it."""
    given = (f",{name}={_word(value)}" for name, value in fault.items() if name not in ("id", "kind", "seen", "struck"))
    return (str(fault["id"]), fault["kind"] + "".join(given), str(fault["seen"]), str(fault["struck"]))


def _word(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "+".join(map(str, value)) if isinstance(value, list) else str(value)
