"""Which calls a fault is aimed at, and which of those it strikes. Pure."""

from __future__ import annotations

import random
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, NamedTuple

from krakenctl.errors import UsageError
from krakenctl.sandbox.faults.kinds import AIM, KINDS, Kind
from krakenctl.sandbox.faults.sorts import ALWAYS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_OWN = "/_sandbox/"


class Mark(NamedTuple):
    """A call, as far as an aim looks at it."""

    method: str
    path: str
    group: str  # of its route; empty: there is none
    username: str | None  # of the account that its key, token or browser names
    is_page: bool = False  # a person asks, and reads the answer


class Served(NamedTuple):
    """An endpoint that there is."""

    method: str
    path: str  # braces stand for one part
    is_page: bool


def meets(call: Mark, kind: Kind, given: Mapping[str, Any]) -> bool:
    """Whether a fault is aimed at the call. The sandbox's own endpoints are never hit."""
    if call.path.startswith(_OWN) or (kind.on_account and call.username is None):
        return False
    if given.get("account", call.username) != call.username or (kind.spares_pages and call.is_page):
        return False
    if kind.only and not any(_is_at(call, endpoint) for endpoint in kind.only):
        return False
    if "endpoint" in given:
        return _is_at(call, given["endpoint"])
    return call.group != "" and (bool(kind.only) or call.group != "website")


def strikes(given: Mapping[str, Any], number: int, struck: int) -> bool:
    """Whether the number-th call that is met is struck, after so many that were."""
    nth, times, probability, seed = (
        given.get(name, AIM[name].default) for name in ("nth", "times", "probability", "seed")
    )
    if number < nth + given.get("free", 0) or (times != ALWAYS and struck >= times):
        return False
    return bool(probability >= 1 or random.Random(f"{seed} {number}").random() < probability)  # noqa: S311 - no secret


def check(kind: str, endpoint: str, served: Iterable[Served]) -> None:
    """Raises UsageError where no call of that endpoint can ever be struck."""
    own = [one for one in served if not one.path.startswith(_OWN)]
    named = [one for one in own if _fits(one, endpoint)]
    if not named:
        raise UsageError(f"no endpoint is called “{endpoint}”", hint=_meant(endpoint, own))
    if not any(_can_strike(KINDS[kind], one) for one in named):
        raise UsageError(f"{kind} never strikes “{endpoint}”", hint=_struck(KINDS[kind]))


def _can_strike(kind: Kind, one: Served) -> bool:
    if kind.spares_pages and one.is_page:
        return False
    return not kind.only or any(_fits(one, endpoint) for endpoint in kind.only)


def _struck(kind: Kind) -> str:
    return f"it strikes {', '.join(kind.only)}" if kind.only else "it strikes no page, only what programs call"


def _meant(endpoint: str, served: Iterable[Served]) -> str:
    """What was misspelt, was in another case, or has another method."""
    wanted = endpoint.rpartition(" ")[2]
    ends = {_end(one, wanted).lower(): f"{one.method} {one.path}" for one in served}
    near = get_close_matches(wanted.lower(), ends, 1)
    meant = f"did you mean {ends[near[0]]}? " if near else ""
    return f"{meant}`krakenctl sandbox endpoints` lists them"


def _end(one: Served, wanted: str) -> str:
    """As much of the path as was written of another."""
    if wanted.startswith("/"):
        return one.path
    return "/".join(one.path.split("/")[-1 - wanted.count("/") :])


def _is_at(call: Mark, endpoint: str) -> bool:
    """`POST /path`, `/path`, or the end of a path."""
    method, path = _read(endpoint)
    return fnmatchcase(call.method, method) and fnmatchcase(call.path, path)


def _fits(one: Served, endpoint: str) -> bool:
    """Whether some call of what is served is at the endpoint. Only words between words stand for what is in braces."""
    method, path = _read(endpoint)
    at = fnmatchcase(one.path, path) or ("{" in one.path and _fills(one.path, path))
    return at and fnmatchcase(one.method, method)


def _fills(served: str, path: str) -> bool:
    wanted = path.removeprefix("*/").split("/")
    parts = served.split("/")[-len(wanted) :] if path.startswith("*/") else served.split("/")
    if len(parts) != len(wanted) or not any(part and part == word for part, word in zip(parts, wanted, strict=True)):
        return False
    return all(
        fnmatchcase(part, word) or (part.startswith("{") and word) for part, word in zip(parts, wanted, strict=True)
    )


def _read(endpoint: str) -> tuple[str, str]:
    """What method and path look like."""
    method, space, path = endpoint.rpartition(" ")
    return (method.strip().upper() if space else "*"), path if path.startswith("/") else f"*/{path}"
