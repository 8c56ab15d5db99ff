"""Which file the commands mean, and how their results are printed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from krakenctl.cli.shell import Shell
from krakenctl.errors import UsageError, WorkspaceError

T = TypeVar("T")

DEFAULT = "sandbox.db"
DbOption = Annotated[
    Path | None,
    typer.Option(
        "--db",
        metavar="FILE",
        envvar="KRAKENCTL_SANDBOX_DB",
        help="The sandbox's file. Left out: the workspace's own, or ./sandbox.db where there is no workspace.",
    ),
]
AccountOption = Annotated[
    str,
    typer.Option("--account", metavar="NAME", envvar="KRAKENCTL_SANDBOX_ACCOUNT", help="As `account list` prints it."),
]


def place(shell: Shell, db: Path | None) -> Path:
    """Where the sandbox is, or will be. Raises WorkspaceError in a workspace of a real exchange, or without folder."""
    if db is None:
        return _usual(shell.root())
    if not db.parent.is_dir():
        raise WorkspaceError(f"there is no folder {db.parent}", hint="make it first, or name another file with --db")
    return db


def existing(shell: Shell, db: Path | None) -> Path:
    """Where the sandbox is. Raises WorkspaceError where there is none: a mistyped name would make another one."""
    path = place(shell, db)
    if not path.exists():
        raise WorkspaceError(
            f"there is no sandbox {path}",
            hint="`krakenctl sandbox account create` makes one, so do `sandbox seed` and `sandbox serve`; or name the"
            " file that you mean with --db FILE",
        )
    return path


def show(shell: Shell, sort: str, document: dict[str, Any], text: str) -> None:
    """A result: JSON where it was asked for, with its format; else the text."""
    if shell.json:
        shell.print_json({"format": f"krakenctl.sandbox-{sort}/v1", **document})
    else:
        shell.print(text)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Columns as wide as they need to be; the last one is not padded."""
    lines = [tuple(heads), *map(tuple, rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)][:-1]
    padded = (("  ".join([*map(str.ljust, line, widths), line[-1]])).rstrip() for line in lines)
    return "\n".join(padded) + "\n"


def pairs(settings: Iterable[str]) -> dict[str, str]:
    """`NAME=VALUE`, each. Raises UsageError."""
    found = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals:
            raise UsageError(f"“{setting}” sets nothing", hint="write NAME=VALUE, as tier=starter")
        found[name] = value
    return found


def read(reader: Callable[[str], T], text: str, flag: str) -> T:
    """A flag's text as what it means. Raises UsageError with the sentence of the reader's ValueError."""
    try:
        return reader(text)
    except ValueError as wrong:
        raise UsageError(f"{flag}: {wrong}") from None


def _usual(root: Path) -> Path:
    from krakenctl.model.workspace import SANDBOX
    from krakenctl.project import WORKSPACE_FILE, read_workspace
    from krakenctl.wiring.embedded import DATABASE

    if not (root / WORKSPACE_FILE).is_file():
        return root / DEFAULT
    endpoint = read_workspace(root).endpoint
    if endpoint != SANDBOX:
        raise WorkspaceError(
            f"this workspace's endpoint is {endpoint}, not the sandbox; nothing was done",
            hint="name the sandbox's file with --db FILE",
        )
    return root / DATABASE
