"""The audit log, for people; machines read its lines as they are. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from krakenctl.model.address import Address
from krakenctl.model.chain import Walked
from krakenctl.model.time import show_time
from krakenctl.render.paint import Paint, count, visible

FORMAT = "krakenctl.log-verify/v1"
NO_LOG = "There is no log here: this workspace has no state yet."
EMPTY_LOG = "The log is empty: nothing was done in this workspace yet."
_COLOURS = {"done": "green", "found": "green", "failed": "red"}


def select(lines: Iterable[str], since: int | None, address: Address | None) -> Iterator[str]:
    """Those from `since` on and about `address`; of an account: all that happened on it.

    A line that nobody can read is always among them: it is no proof of anything that it is of another day.
    """
    for line in lines:
        deed = _read(line)
        if not deed or (_recent(deed, since) and _about(deed, address)):
            yield line


def render(line: str, paint: Paint) -> str:
    """One deed, with what was said about it indented below."""
    deed = _read(line)
    if not deed:
        return paint("a line that is no line of this log: run `krakenctl log verify`", "red")
    return "\n".join((_deed(deed, paint), *_more(deed, paint)))


def verdict_text(verdict: Walked, paint: Paint) -> str:
    if verdict.broken:
        wrong = f"The log is broken: {visible(verdict.broken)}."
        sound = f"Sound up to there: {count(verdict.lines, 'line')}, head {verdict.head or 'none'}"
        return f"{paint(paint.wrapped(wrong, indent=2, first=0), 'red', 'bold')}\n{sound}\n"
    if not verdict.lines:
        return f"{NO_LOG if verdict.stateless else EMPTY_LOG}\n"
    return f"The log is whole: {count(verdict.lines, 'line')}.\nLog head: {verdict.head}\n"


def verdict_json(verdict: Walked) -> dict[str, Any]:
    raw = {"format": FORMAT, "whole": not verdict.broken, "lines": verdict.lines, "head": verdict.head}
    return {**raw, **({"broken": verdict.broken} if verdict.broken else {})}


def _read(line: str) -> dict[str, Any]:
    """Empty, if it was never written by us."""
    try:
        deed = json.loads(line)
        return deed if isinstance(deed, dict) and isinstance(deed["at"], int) else {}
    except (ValueError, KeyError, RecursionError):
        return {}


def _recent(deed: dict[str, Any], since: int | None) -> bool:
    return since is None or bool(deed["at"] >= since)


def _about(deed: dict[str, Any], address: Address | None) -> bool:
    if address is None or deed.get("address") == str(address):
        return True
    return address.kind in ("Account", "SubAccount") and deed.get("account") == address.name


def _deed(deed: dict[str, Any], paint: Paint) -> str:
    def told(name: str) -> str:
        return visible(str(deed.get(name, "")))

    outcome = paint(told("outcome"), _COLOURS.get(told("outcome"), "yellow"))
    doer = f"{told('who')}@{told('host')} ({told('command')})"
    doing = " ".join(filter(None, (told("verb"), told("name"))))
    words = (paint(show_time(deed["at"]), "dim"), doer, told("address"), f"{doing}:" if doing else "", outcome)
    return "  ".join(filter(None, words[:3])) + f"  {words[3]} {words[4]}".rstrip()


def _more(deed: dict[str, Any], paint: Paint) -> Iterator[str]:
    for name, before in (("message", ""), ("reason", "reason: ")):
        if text := visible(str(deed.get(name, ""))):
            yield "    " + paint.wrapped(before + text, indent=4)
