"""Is the file of a SQLite state whole? It is only read."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from krakenctl.errors import StateError
from krakenctl.state import tables
from krakenctl.state.sqlite import BUSY_SECONDS, with_journals

_MOST = 5  # sentences of SQLite's about damage: one is enough to act upon


@dataclass(frozen=True, slots=True)
class FileHealth:
    size: int  # bytes, with what SQLite keeps beside it
    mode: int  # its permission bits
    older: bool  # of an earlier format, which the next run brings up to date
    damage: tuple[str, ...]  # in SQLite's words; empty: it is whole


def health(path: Path) -> FileHealth:
    """Of an existing file. Raises StateError when it cannot be read at all."""
    try:
        size = sum(file.stat().st_size for file in with_journals(path) if file.exists())
        mode = path.stat().st_mode & 0o777
        uri = f"{path.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None)) as connection:
            [[version]] = connection.execute("PRAGMA user_version").fetchall()
            told = [line for (line,) in connection.execute(f"PRAGMA integrity_check({_MOST})")]
    except (sqlite3.Error, OSError) as problem:
        raise StateError(f"the state {path} cannot be read: {problem}") from problem
    return FileHealth(size, mode, 0 < version < tables.VERSION, () if told == ["ok"] else tuple(told))
