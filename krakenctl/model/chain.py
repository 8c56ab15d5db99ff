"""The audit log's lines: how a deed is written, how each is hashed over the one before, and where a chain breaks. Pure.

A line is one JSON object in ASCII, so that a terminal, a pipe and a file all hold its very bytes; its last field,
`prev`, is the SHA-256 of the line before, without the newline.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass

from krakenctl.model.run import Deed


def line_of(seq: int, before: str, deed: Deed) -> str:
    """The line of a deed; `before`: the hash of the line before it, empty for the first."""
    who = {"who": deed.run.who, "host": deed.run.host, "run": deed.run.id, "command": deed.run.command}
    what = {"verb": deed.verb, "address": str(deed.address or ""), "account": deed.account, "name": deed.name}
    how = {"outcome": deed.outcome, "message": deed.message, "request": deed.request, "plan": deed.run.plan}
    told = {**who, **what, **how, "reason": deed.run.reason}
    line = {"seq": seq, "at": deed.at, **{name: value for name, value in told.items() if value}, "prev": before}
    return json.dumps(line, separators=(",", ":"))


def hash_of(line: str) -> str:
    return hashlib.sha256(line.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Walked:
    """What became of a walk along the chain."""

    lines: int  # sound ones, from the first
    head: str  # the hash of the last sound line; empty: there is none
    broken: str = ""  # a sentence: where it breaks and how; empty: it is whole
    stateless: bool = False  # there is no state, and so no log


def walk(lines: Iterable[str], *, stored: str, told: str = "") -> Walked:
    """Follow the chain from its first line, holding one line at a time.

    `stored` is the head that was kept beside the lines before they were read: lines may have been added since. `told`
    is one that a report printed: everything up to it must still be there; empty: none was told.
    """
    seq, head, missing = 0, "", {stored, told} - {""}
    for line in lines:
        if wrong := _wrong(line, seq + 1, head):
            return Walked(seq, head, wrong)
        seq, head = seq + 1, hash_of(line)
        missing.discard(head)
    if stored in missing:
        return Walked(seq, head, _changed_end(seq))
    if missing:
        return Walked(seq, head, f"no line has the head {told}: lines at the end were removed or rewritten")
    return Walked(seq, head)


def _wrong(line: str, seq: int, before: str) -> str:
    """Why this line cannot follow; empty when it can."""
    try:
        told = json.loads(line)
        found, prev = int(told["seq"]), str(told["prev"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return f"line {seq} is no line of this log"
    if found > seq:
        return f"line {seq} is missing: line {found} follows line {seq - 1}" if seq > 1 else "line 1 is missing"
    if found < seq:
        return f"line {found} stands where line {seq} belongs"
    if prev != before:
        return f"line {seq} does not follow line {seq - 1}: one of the two was changed" if seq > 1 else _first(prev)
    return ""


def _first(prev: str) -> str:
    return f"line 1 follows another line ({prev[:12]}…): the beginning was removed"


def _changed_end(seq: int) -> str:
    if not seq:
        return "all lines were removed"
    return f"line {seq}, the last, is not the one that was written: it was changed, or lines after it were removed"
