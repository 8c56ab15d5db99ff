"""The flags that raise safety limits for one run. Whoever gives one says why, for the audit log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from krakenctl.cli.options import options_of
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


def _allow(command: str) -> Any:
    return options_of(command)("--allow", _HELP, parser=_opened_by_name, metavar="CLASS")


_option = options_of("APPLY")
_MOST = "Let this run revoke so many keys that get no successor. Needs --reason."

AllowOption = Annotated[list[Limit], _allow("APPLY")]
RotateAllowOption = Annotated[list[Limit], _allow("ROTATE")]
MaxRevokesOption = Annotated[int | None, _option("--max-revokes", _MOST, metavar="N", min=0)]
ReasonOption = Annotated[str, _option("--reason", "Why a limit is raised; kept in the audit log.", metavar="TEXT")]


def raised(allow: Sequence[Limit], max_revokes: int | None, reason: str) -> Raised:
    """Raises UsageError when something is raised and nobody says why."""
    if (allow or max_revokes is not None) and not reason.strip():
        raise UsageError("a safety limit is raised with a reason, and there is none", hint="add --reason TEXT")
    return Raised(max_revokes=max_revokes, allow=frozenset(allow), reason=reason.strip())
