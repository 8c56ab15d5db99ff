"""What became of a state that moved to another place."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """One moment of one state: any write raises its serial, any line of its log changes the head."""

    lineage: str
    serial: int
    head: str  # of the audit log; empty: it has no line


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What a state holds, counted."""

    stamp: Stamp
    accounts: int = 0
    keys: int = 0  # current and retired ones
    intents: int = 0
    lines: int = 0  # of the audit log
    moved: bool = False  # it went elsewhere already, as it was at `stamp`


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """`contents` are what was copied; the target's log has one line more, about that."""

    source: str
    target: str
    contents: Contents
    head: str  # of the target's log
    again: bool = False  # it was there already; a run before this one had copied it
