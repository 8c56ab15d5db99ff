"""krakenctl log: what was done, by whom and when; and whether the log of it is whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from krakenctl.cli.command import application, example
from krakenctl.cli.options import ColorOption, DirOption, OutputOption, options_of
from krakenctl.cli.shell import Shell, TextOrJson

if TYPE_CHECKING:
    from krakenctl.model.address import Address

BROKEN = 3
CHUNK = 500  # lines printed at once

_option = options_of("LOG")
app = application(help_text="Show the audit log: who did what, and when.")

SinceOption = Annotated[
    str,
    _option("--since", "Only deeds of the last 2d, 12h, 30m, … or from a time on, as 2027-05-01.", metavar="AGE|TIME"),
]
AddressOption = Annotated[
    str,
    _option(
        "--address",
        "Only deeds about this key, as ApiKey/mm-desk/mm-btc, or on this account, as SubAccount/mm-desk.",
        metavar="ADDRESS",
    ),
]
HeadOption = Annotated[
    str,
    options_of("LOG_VERIFY")(
        "--head",
        "The log head that an earlier report ended with: every line up to it must still be there.",
        metavar="HASH",
    ),
]


@app.callback(
    invoke_without_command=True,
    no_args_is_help=False,
    epilog=example(
        """
        krakenctl log --since 2d
        krakenctl log --address ApiKey/mm-desk/mm-btc -o json     # the lines as they were written
        krakenctl log verify
        """
    ),
)
def log(
    ctx: typer.Context,
    since: SinceOption = "",
    address: AddressOption = "",
    directory: DirOption = None,
    output: OutputOption = TextOrJson.TEXT,
    no_color: ColorOption = False,
) -> None:
    """Show the audit log: one line per deed, the oldest first. Needs no lease and changes nothing.

    With -o json every line is written exactly as it is stored.
    """
    shell = Shell.of(ctx, directory, output, no_color=no_color)
    if ctx.invoked_subcommand is not None:
        return
    from krakenctl.render import log as view
    from krakenctl.tasks import remembered

    root, about = shell.root(), _address(address)
    start = _since(since, lambda: remembered.offline_now(root))
    paint = shell.paint()
    told = False
    with remembered.look(root) as state:
        lines = view.select(state.log.lines() if state else (), start, about)
        for chunk in _chunks(line if shell.json else view.render(line, paint) for line in lines):
            shell.print(chunk)
            told = True
    if not told:
        which = (f" about {about}" if about is not None else "") + (" in that time" if since else "")
        shell.note(f"There is no line{which}." if which else "The log is empty.")


@app.command(epilog=example("krakenctl log verify\nkrakenctl log verify --head 53f32bde4b30721f…"))
def verify(
    ctx: typer.Context,
    head: HeadOption = "",
    directory: DirOption = None,
    output: OutputOption = TextOrJson.TEXT,
    no_color: ColorOption = False,
) -> None:
    """Check that no line was changed, removed or reordered; exit code 3 says where the log breaks.

    Whoever can write the state can rewrite the whole chain: only a head kept elsewhere (--head) finds that.
    """
    from krakenctl.render import log as view
    from krakenctl.tasks import remembered

    shell = Shell.of(ctx, directory, output, no_color=no_color)
    verdict = remembered.verify_log(shell.root(), _head(head))
    if shell.json:
        shell.print_json(view.verdict_json(verdict))
    else:
        shell.print(view.verdict_text(verdict, shell.paint()))
    raise typer.Exit(BROKEN if verdict.broken else 0)


def _chunks(lines: Iterable[str]) -> Iterator[str]:
    """A log may have millions of lines: neither all in memory, nor each flushed by itself."""
    waiting: list[str] = []
    for line in lines:
        waiting.append(line + "\n")
        if len(waiting) == CHUNK:
            yield "".join(waiting)
            waiting.clear()
    if waiting:
        yield "".join(waiting)


def _since(text: str, now: Callable[[], int]) -> int | None:
    """Unix seconds. Raises UsageError."""
    from krakenctl.errors import UsageError
    from krakenctl.model.time import parse_duration, parse_time

    if not text:
        return None
    try:
        return now() - parse_duration(text) if text.isdecimal() or text[-1:] in "smhdw" else parse_time(text)
    except ValueError as problem:
        hint = "write --since 2d for the last two days, or --since 2027-05-01"
        raise UsageError(f"--since: {problem}", hint=hint) from None


def _address(text: str) -> Address | None:
    """Raises UsageError."""
    from krakenctl.errors import UsageError
    from krakenctl.model.address import Address

    try:
        return Address.parse(text) if text else None
    except ValueError as problem:
        raise UsageError(f"--address: {problem}", hint="`krakenctl state list` prints addresses") from None


def _head(text: str) -> str:
    """Raises UsageError."""
    from krakenctl.errors import UsageError

    head = text.strip().lower()
    if head and (len(head) != 64 or not set(head) <= set("0123456789abcdef")):
        raise UsageError(f"--head: “{text}” is not a log head", hint="it has 64 characters from 0 to 9 and a to f")
    return head
