"""Which calls a fault is aimed at, and which of those it strikes. Pure."""

from __future__ import annotations

import random
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, NamedTuple

from krakenctl.sandbox.faults.kinds import AIM, Kind
from krakenctl.sandbox.faults.sorts import ALWAYS

if TYPE_CHECKING:
    from collections.abc import Mapping

_SPARED = ("", "website")  # groups of routes that only a named endpoint can mean; "": there is no route


class Mark(NamedTuple):
    """A call, as far as an aim looks at it."""

    method: str
    path: str
    group: str  # of its route; empty: there is none
    username: str | None  # of the account that its key or token names


def meets(call: Mark, kind: Kind, given: Mapping[str, Any]) -> bool:
    """Whether a fault is aimed at the call. The sandbox's own endpoints are never hit."""
    if call.path.startswith("/_sandbox/") or (kind.on_account and call.username is None):
        return False
    if given.get("account", call.username) != call.username:
        return False
    if kind.only and not any(_is_at(call, endpoint) for endpoint in kind.only):
        return False
    return _is_at(call, given["endpoint"]) if "endpoint" in given else call.group not in _SPARED


def strikes(given: Mapping[str, Any], number: int, struck: int) -> bool:
    """Whether the number-th call that is met is struck, after so many that were."""
    nth, times, probability, seed = (
        given.get(name, AIM[name].default) for name in ("nth", "times", "probability", "seed")
    )
    if number < nth + given.get("free", 0) or (times != ALWAYS and struck >= times):
        return False
    return bool(probability >= 1 or random.Random(f"{seed} {number}").random() < probability)  # noqa: S311 - no secret


def _is_at(call: Mark, endpoint: str) -> bool:
    """`POST /path`, `/path`, or the end of a path."""
    method, space, path = endpoint.rpartition(" ")
    if space and not fnmatchcase(call.method, method.strip().upper()):
        return False
    return fnmatchcase(call.path, path if path.startswith("/") else f"*/{path}")
