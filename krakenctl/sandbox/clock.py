"""The sandbox's own time: the computer's, moved or frozen. No other file here asks what time it is."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from krakenctl.errors import UsageError
from krakenctl.sandbox.database import opened
from krakenctl.sandbox.switches import stored

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from krakenctl.sandbox.database import Where

_OFFSET, _FROZEN = "clock-offset", "clock-frozen"
_END = 253_402_300_799  # 9999-12-31T23:59:59Z, the last time that has a date


def now(db: Where) -> float:
    """Unix seconds on the sandbox's clock."""
    with opened(db) as database:
        return reading(stored(database.connection()))


def freeze(db: Where, at: float) -> None:
    """Stop the clock at a time; `advance` still moves it."""
    with opened(db) as database, database.write() as connection:
        _put(connection, _FROZEN, _possible(at))


def thaw(db: Where) -> None:
    """Let the clock run again, with the offset it had before it was frozen."""
    with opened(db) as database, database.write() as connection:
        connection.execute("DELETE FROM setting WHERE name = ?", (_FROZEN,))


def advance(db: Where, seconds: float) -> None:
    """Move a running or a frozen clock forward."""
    if not seconds >= 0:
        raise UsageError("the sandbox's clock only advances", hint="set_offset and freeze can turn it back")
    with opened(db) as database, database.write() as connection:
        settings = stored(connection)
        _possible(reading(settings) + seconds)
        name = _FROZEN if _FROZEN in settings else _OFFSET
        _put(connection, name, float(settings.get(name, 0)) + seconds)


def set_offset(db: Where, seconds: float) -> None:
    """Say how far the running clock is ahead of the computer's (negative: behind)."""
    _possible(time.time() + seconds)
    with opened(db) as database, database.write() as connection:
        _put(connection, _OFFSET, seconds)


def reading(settings: Mapping[str, str]) -> float:
    """What the clock shows under stored settings."""
    frozen = settings.get(_FROZEN)
    return time.time() + float(settings.get(_OFFSET, 0)) if frozen is None else float(frozen)


def _put(connection: sqlite3.Connection, name: str, value: float) -> None:
    connection.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", (name, repr(value)))


def _possible(moment: float) -> float:
    if not (math.isfinite(moment) and 0 <= moment <= _END):
        raise UsageError("the sandbox's clock shows times from 1970 to 9999")
    return moment
