"""The flags that several commands have. Each is declared here once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from krakenctl.cli.shell import PlanFormat, TextOrJson

DIR_HELP = "The workspace's folder."
DirOption = Annotated[Path | None, typer.Option("-C", "--dir", metavar="DIR", envvar="KRAKENCTL_DIR", help=DIR_HELP)]
ColorOption = Annotated[
    bool, typer.Option("--no-color", envvar="KRAKENCTL_NO_COLOR", help="No colours, also on a terminal.")
]
OutputOption = Annotated[
    TextOrJson, typer.Option("-o", "--output", envvar="KRAKENCTL_OUTPUT", help="How the result is written.")
]


def span(text: str) -> int:
    """`0`, `0s` or `5m` → seconds."""
    from krakenctl.model.time import parse_duration

    try:
        return 0 if text in ("0", "0s") else parse_duration(text)
    except ValueError as problem:
        raise typer.BadParameter(str(problem)) from None


def duration(text: str) -> int:
    """`14d` → seconds."""
    from krakenctl.model.time import parse_duration

    try:
        return parse_duration(text)
    except ValueError as problem:
        raise typer.BadParameter(str(problem)) from None


LockTimeoutOption = Annotated[
    int,
    typer.Option(
        "--lock-timeout",
        parser=span,
        metavar="DURATION",
        envvar="KRAKENCTL_LOCK_TIMEOUT",
        help="How long to wait for another krakenctl that is changing this workspace, as 5m.",
    ),
]
ParallelismOption = Annotated[
    int | None,
    typer.Option(
        "--parallelism",
        min=1,
        max=64,
        metavar="N",
        envvar="KRAKENCTL_PARALLELISM",
        help="How many accounts are worked on at once. Left out: by cores, and one at a time on the embedded sandbox.",
    ),
]
NO_PATIENCE: Any = "0s"  # the option's default, as its parser reads it


def options_of(command: str) -> Callable[..., Any]:
    """Makes the flags that are one command's alone, `KRAKENCTL_<COMMAND>_<FLAG>` being the variable of each."""

    def option(flag: str, help_text: str, **more: Any) -> Any:
        variable = f"KRAKENCTL_{command}_{flag.strip('-').replace('-', '_').upper()}"
        return typer.Option(flag, envvar=variable, help=help_text, **more)

    return option


def format_option(command: str, help_text: str = "How the result is written.") -> Any:
    """Of a command that knows Markdown too. A variable for each: what is meant for it fits no other."""
    return typer.Option("-o", "--output", envvar=[f"KRAKENCTL_{command}_OUTPUT", "KRAKENCTL_OUTPUT"], help=help_text)


def under_option(command: str) -> Any:
    return options_of(command)("--under", "Only this account and those below it.", metavar="ACCOUNT")


def otp_env_option(command: str) -> Any:
    return options_of(command)("--otp-env", "The environment variable that holds the second factor.", metavar="NAME")


def yes_option(command: str) -> Any:
    """A variable for each command: what is meant for one is not meant for another."""
    return typer.Option("--yes", "-y", envvar=f"KRAKENCTL_{command}_YES", help="Do not ask.")


PlanOutputOption = Annotated[PlanFormat, format_option("PLAN", "How the plan is written.")]
