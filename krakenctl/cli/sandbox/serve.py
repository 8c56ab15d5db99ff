"""krakenctl sandbox serve: the sandbox at a port."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from krakenctl.cli.command import application, example
from krakenctl.cli.options import DirOption
from krakenctl.cli.sandbox.where import DbOption, pairs, place
from krakenctl.cli.shell import Shell

if TYPE_CHECKING:
    from krakenctl.sandbox.server import Server

INTERRUPTED = 130
ENDS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

app = application()


@app.command(
    epilog=example(
        """
        krakenctl sandbox serve
        krakenctl sandbox serve --port 8080 --db /tmp/sandbox.db
        krakenctl sandbox serve --fault delay,seconds=2,times=always --switch tier=starter
        """
    )
)
def serve(
    ctx: typer.Context,
    host: Annotated[
        str,
        typer.Option("--host", metavar="HOST", envvar="KRAKENCTL_SANDBOX_HOST", help="The address to listen on."),
    ] = "127.0.0.1",
    port: Annotated[
        int,
        typer.Option("--port", metavar="PORT", envvar="KRAKENCTL_SANDBOX_PORT", help="0: any port that is free."),
    ] = 0,
    db: DbOption = None,
    allow_remote: Annotated[
        bool,
        typer.Option(
            "--allow-remote",
            envvar="KRAKENCTL_SANDBOX_ALLOW_REMOTE",
            help="Listen beyond this computer too: whoever reaches the port can log in to every account.",
        ),
    ] = False,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            "--fault",
            metavar="SPEC",
            envvar="KRAKENCTL_SANDBOX_FAULT",
            help="As `fault add` takes it; may be repeated. One that is there and not used up is not set again.",
        ),
    ] = None,
    switch: Annotated[
        list[str] | None,
        typer.Option(
            "--switch",
            metavar="NAME=VALUE",
            envvar="KRAKENCTL_SANDBOX_SWITCH",
            help="As `switches` takes it; may be repeated.",
        ),
    ] = None,
    directory: DirOption = None,
) -> None:
    """Serve the sandbox at a port of this computer, until Ctrl-C or SIGTERM.

    When it is ready, it prints one line of JSON: its URL, its file and its process id. Requests under way are answered
    before it ends. Any number of servers and of embedded users may share one file.
    """
    from krakenctl.sandbox.server import Server

    shell = Shell.of(ctx, directory, ctx.obj.output, no_color=False)
    path = place(shell, db).absolute()
    wanted, mischief = _switches(switch or ()), _mischief(fault or ())
    server = Server(path, host=host, port=port, allow_remote=allow_remote)
    try:
        _prepare(path, wanted, mischief)
    except BaseException:
        server.close()
        raise
    with _ended_by_signals(server.stop) as heard:
        _announce(shell, server, path)
        server.run()
    if signal.SIGINT in heard:
        shell.note("Interrupted.")
        raise typer.Exit(INTERRUPTED)


def _switches(texts: Sequence[str]) -> dict[str, str]:
    from krakenctl.sandbox.switches import check_switch

    wanted = pairs(texts)
    for name, value in wanted.items():
        check_switch(name, value)
    return wanted


def _mischief(specs: Sequence[str]) -> list[dict[str, Any]]:
    from krakenctl.sandbox import faults

    mischief = [faults.parse(spec) for spec in specs]
    for fault in mischief:
        faults.check_endpoint(fault)
    return mischief


def _prepare(path: Path, wanted: Mapping[str, str], mischief: Sequence[Mapping[str, Any]]) -> None:
    """What was set when it was served before is not set twice."""
    from krakenctl.sandbox import faults, switches

    switches.set_switches(path, wanted)
    faults.renew_all(path, mischief)


def _announce(shell: Shell, server: Server, path: Path) -> None:
    ready = {"format": "krakenctl.sandbox-ready/v1", "url": server.url, "db": str(path), "pid": os.getpid()}
    shell.print(json.dumps(ready) + "\n")
    if sys.stderr.isatty():
        shell.note(f"The sandbox {path} is served at {server.url}. Ctrl-C ends it.")


@contextmanager
def _ended_by_signals(stop: Callable[[], None]) -> Iterator[list[int]]:
    """The first signal ends the server in order; a second one does what it always does. Yields those that came.

    A signal that our caller ignores (nohup, a shell's &) stays ignored.
    """
    heard: list[int] = []
    before = {number: was for number in ENDS if (was := signal.getsignal(number)) is not signal.SIG_IGN}

    def end(number: int, _frame: FrameType | None) -> None:
        heard.append(number)
        _restore(before)
        stop()

    try:
        for number in before:
            signal.signal(number, end)
        yield heard
    finally:
        _restore(before)


def _restore(handlers: Mapping[signal.Signals, object]) -> None:
    for number, handler in handlers.items():
        signal.signal(number, handler)  # type: ignore[arg-type]  # what getsignal() gave
