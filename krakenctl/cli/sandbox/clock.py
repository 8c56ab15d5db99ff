"""krakenctl sandbox clock: what time it is there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from krakenctl.cli.command import application, example
from krakenctl.cli.options import ColorOption, DirOption, OutputOption
from krakenctl.cli.sandbox.where import DbOption, existing, read, show
from krakenctl.cli.shell import Shell, TextOrJson

app = application()


@app.command(
    epilog=example(
        """
        krakenctl sandbox clock
        krakenctl sandbox clock --advance 90d
        krakenctl sandbox clock --freeze 2027-05-01T12:00:00Z
        krakenctl sandbox clock --offset -30s   # half a minute behind this computer's
        """
    )
)
def clock(
    ctx: typer.Context,
    advance: Annotated[
        str | None,
        typer.Option(
            "--advance",
            metavar="DURATION",
            envvar="KRAKENCTL_SANDBOX_CLOCK_ADVANCE",
            help="Move it forward, running or frozen, as 90d.",
        ),
    ] = None,
    freeze: Annotated[
        str | None,
        typer.Option(
            "--freeze",
            metavar="TIME",
            envvar="KRAKENCTL_SANDBOX_CLOCK_FREEZE",
            help="Stop it at a time; `now`: where it stands.",
        ),
    ] = None,
    offset: Annotated[
        str | None,
        typer.Option(
            "--offset",
            metavar="DURATION",
            envvar="KRAKENCTL_SANDBOX_CLOCK_OFFSET",
            help="Set it ahead of this computer's, or behind: 5m, -30s, 0.",
        ),
    ] = None,
    run: Annotated[
        bool, typer.Option("--run", envvar="KRAKENCTL_SANDBOX_CLOCK_RUN", help="Let a frozen clock run again.")
    ] = False,
    db: DbOption = None,
    directory: DirOption = None,
    output: OutputOption = TextOrJson.TEXT,
    no_color: ColorOption = False,
) -> None:
    """Show or move the sandbox's clock. Everybody who uses the sandbox's file sees the same time at once."""
    from krakenctl.errors import UsageError

    shell = Shell.of(ctx, directory, output, no_color=no_color)
    moves: dict[str, Callable[[Path], None]] = {}
    if advance is not None:
        moves["--advance"] = _advance(advance)
    if freeze is not None:
        moves["--freeze"] = _freeze(freeze)
    if offset is not None:
        moves["--offset"] = _offset(offset)
    if run:
        moves["--run"] = _run
    if len(moves) > 1:
        raise UsageError(f"{' and '.join(moves)} are two moves", hint="give one of them")
    path = existing(shell, db)
    for move in moves.values():
        move(path)
    _print(shell, path)


def _advance(text: str) -> Callable[[Path], None]:
    from krakenctl.model.time import parse_duration
    from krakenctl.sandbox import clock

    seconds = read(parse_duration, text, "--advance")
    return lambda path: clock.advance(path, seconds)


def _freeze(text: str) -> Callable[[Path], None]:
    from krakenctl.model.time import parse_time
    from krakenctl.sandbox import clock

    if text == "now":
        return lambda path: clock.freeze(path, clock.now(path))
    at = read(parse_time, text, "--freeze")
    return lambda path: clock.freeze(path, at)


def _offset(text: str) -> Callable[[Path], None]:
    from krakenctl.sandbox import clock

    seconds = read(clock.parse_offset, text, "--offset")
    return lambda path: clock.set_offset(path, seconds)


def _run(path: Path) -> None:
    from krakenctl.sandbox import clock

    clock.thaw(path)


def _print(shell: Shell, path: Path) -> None:
    from krakenctl.model.time import show_time
    from krakenctl.sandbox import clock

    state = clock.state(path)
    shown = show_time(int(state.now))
    manner = "frozen" if state.frozen else _manner(state.offset)
    document = {"time": shown, "now": state.now, "frozen": state.frozen, "offset": state.offset}
    show(shell, "clock", document, f"{shown} ({manner})\n")


def _manner(offset: float) -> str:
    if not offset:
        return "running with this computer's"
    days, seconds = divmod(abs(offset), 86400)
    apart = " ".join(part for part in (f"{days:g}d" if days else "", f"{seconds:g}s" if seconds else "") if part)
    return f"running, {apart} {'ahead of' if offset > 0 else 'behind'} this computer's"
