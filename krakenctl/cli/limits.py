"""The flags that raise safety limits for one run. Whoever gives one says why, for the audit log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import click
import typer

from krakenctl.errors import UsageError
from krakenctl.model.safety import Limit, Raised

OPENED_BY_NAME = [limit.value for limit in Limit if limit is not Limit.REVOKES]
_CLASSES = click.Choice(OPENED_BY_NAME)
_HELP = f"A danger that is meant, for this run: {', '.join(OPENED_BY_NAME)}. May be repeated; needs --reason."

# An environment variable for each command: what is meant for one is not meant for another.
AllowOption = Annotated[
    list[str],
    typer.Option("--allow", click_type=_CLASSES, metavar="CLASS", envvar="KRAKENCTL_APPLY_ALLOW", help=_HELP),
]
RotateAllowOption = Annotated[
    list[str],
    typer.Option("--allow", click_type=_CLASSES, metavar="CLASS", envvar="KRAKENCTL_ROTATE_ALLOW", help=_HELP),
]
MaxRevokesOption = Annotated[
    int | None,
    typer.Option(
        "--max-revokes",
        metavar="N",
        min=0,
        envvar="KRAKENCTL_APPLY_MAX_REVOKES",
        help="Let this run revoke so many keys that get no successor. Needs --reason.",
    ),
]
ReasonOption = Annotated[
    str,
    typer.Option(
        "--reason",
        metavar="TEXT",
        envvar="KRAKENCTL_APPLY_REASON",
        help="Why a limit is raised; kept in the audit log.",
    ),
]


def raised(allow: Sequence[str], max_revokes: int | None, reason: str) -> Raised:
    """Raises UsageError when something is raised and nobody says why."""
    if (allow or max_revokes is not None) and not reason.strip():
        raise UsageError("a safety limit is raised with a reason, and there is none", hint="add --reason TEXT")
    return Raised(max_revokes=max_revokes, allow=frozenset(map(Limit, allow)), reason=reason.strip())
