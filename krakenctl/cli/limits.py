"""The flags that raise safety limits for one run. Whoever gives one says why, for the audit log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from krakenctl.errors import UsageError
from krakenctl.model.safety import Limit, Raised

OPENED_BY_NAME = [limit.value for limit in Limit if limit is not Limit.REVOKES]
_HELP = f"A danger that is meant, for this run: {', '.join(OPENED_BY_NAME)}. May be repeated; needs --reason."


def _opened_by_name(text: str) -> Limit:
    if text == Limit.REVOKES:
        raise typer.BadParameter("how many keys may be revoked is said with --max-revokes N")
    if text not in OPENED_BY_NAME:
        several = " (for several, repeat --allow)" if "," in text else ""
        raise typer.BadParameter(f"“{text}” is none of {', '.join(OPENED_BY_NAME)}{several}")
    return Limit(text)


# An environment variable for each command: what is meant for one is not meant for another.
AllowOption = Annotated[
    list[Limit],
    typer.Option("--allow", parser=_opened_by_name, metavar="CLASS", envvar="KRAKENCTL_APPLY_ALLOW", help=_HELP),
]
RotateAllowOption = Annotated[
    list[Limit],
    typer.Option("--allow", parser=_opened_by_name, metavar="CLASS", envvar="KRAKENCTL_ROTATE_ALLOW", help=_HELP),
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


def raised(allow: Sequence[Limit], max_revokes: int | None, reason: str) -> Raised:
    """Raises UsageError when something is raised and nobody says why."""
    if (allow or max_revokes is not None) and not reason.strip():
        raise UsageError("a safety limit is raised with a reason, and there is none", hint="add --reason TEXT")
    return Raised(max_revokes=max_revokes, allow=frozenset(allow), reason=reason.strip())
