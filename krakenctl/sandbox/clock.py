"""The sandbox's own time: the computer's, moved or frozen. No other file here asks what time it is."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from krakenctl.errors import UsageError
from krakenctl.model.time import parse_duration
from krakenctl.sandbox.database import opened
from krakenctl.sandbox.switches import stored

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from krakenctl.sandbox.database import Where

_OFFSET, _FROZEN = "clock-offset", "clock-frozen"
_END = 253_402_300_799  # 9999-12-31T23:59:59Z, the last time that has a date


@dataclass(frozen=True, slots=True)
class State:
    """How the clock stands."""

    now: float
    frozen: bool
    offset: float  # of the running clock against the computer's, also while it is frozen


def state(db: Where) -> State:
    with opened(db) as database:
        return shown(stored(database.connection()))


def shown(settings: Mapping[str, str]) -> State:
    """The clock's state under stored settings."""
    return State(reading(settings), _FROZEN in settings, float(settings.get(_OFFSET, 0)))


def now(db: Where) -> float:
    """Unix seconds on the sandbox's clock."""
    with opened(db) as database:
        return reading(stored(database.connection()))


def freeze(db: Where, at: float) -> None:
    """Stop the clock at a time; `advance` still moves it."""
    with opened(db) as database, database.write() as connection:
        freeze_in(connection, at)


def thaw(db: Where) -> None:
    """Let the clock run again, with the offset it had before it was frozen."""
    with opened(db) as database, database.write() as connection:
        thaw_in(connection)


def advance(db: Where, seconds: float) -> None:
    """Move a running or a frozen clock forward."""
    with opened(db) as database, database.write() as connection:
        advance_in(connection, seconds)


def set_offset(db: Where, seconds: float) -> None:
    """Say how far the running clock is ahead of the computer's (negative: behind)."""
    with opened(db) as database, database.write() as connection:
        set_offset_in(connection, seconds)


def freeze_in(connection: sqlite3.Connection, at: float) -> None:
    """`freeze`, inside a transaction; the same with the other three."""
    _put(connection, _FROZEN, _possible(at))


def thaw_in(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM setting WHERE name = ?", (_FROZEN,))


def advance_in(connection: sqlite3.Connection, seconds: float) -> None:
    if not seconds >= 0:
        raise UsageError("the sandbox's clock only advances", hint="an offset, or freezing it, can turn it back")
    _possible(reading(stored(connection)) + seconds)
    jump_in(connection, seconds)


def set_offset_in(connection: sqlite3.Connection, seconds: float) -> None:
    _possible(time.time() + seconds)
    _put(connection, _OFFSET, seconds)


def jump_in(connection: sqlite3.Connection, seconds: float) -> None:
    """Move the clock either way, but not out of the calendar: there it stops."""
    settings = stored(connection)
    moment = reading(settings)
    name = _FROZEN if _FROZEN in settings else _OFFSET
    _put(connection, name, float(settings.get(name, 0)) + min(max(seconds, -moment), _END - moment))


def reading(settings: Mapping[str, str]) -> float:
    """What the clock shows under stored settings."""
    frozen = settings.get(_FROZEN)
    return time.time() + float(settings.get(_OFFSET, 0)) if frozen is None else float(frozen)


def parse_offset(text: str) -> int:
    """`5m`, `-30s` or `0` as seconds. Raises ValueError."""
    size = text[1:] if text[:1] in ("+", "-") else text
    seconds = 0 if size == "0" else parse_duration(size)
    return -seconds if text.startswith("-") else seconds


def _put(connection: sqlite3.Connection, name: str, value: float) -> None:
    connection.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", (name, repr(value)))


def _possible(moment: float) -> float:
    if not (math.isfinite(moment) and 0 <= moment <= _END):
        raise UsageError("the sandbox's clock shows times from 1970 to 9999")
    return moment
