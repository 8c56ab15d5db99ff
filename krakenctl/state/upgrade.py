"""Files of the formats before this one, and after it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from krakenctl.errors import StateError
from krakenctl.state import tables


def upgraded(connection: sqlite3.Connection, path: Path) -> sqlite3.Connection:
    """A file of an older format is read as it would be after its upgrade, in memory; the file stays as it is."""
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    refuse_newer(version, path)
    if version == tables.VERSION:
        return connection
    copy = sqlite3.connect(":memory:", isolation_level=None)
    connection.backup(copy)
    connection.close()
    upgrade(copy, path)
    return copy


def upgrade(connection: sqlite3.Connection, path: Path) -> None:
    """Format 1 kept too little of what was under way to finish it here; everything else stays as it is."""
    if connection.execute("SELECT count(*) FROM intent").fetchone()[0]:
        raise StateError(
            f"{path} was written by an older krakenctl, and an apply of its has not ended",
            hint="run `krakenctl apply` once more with the krakenctl that wrote it",
        )
    connection.execute("DROP TABLE intent")
    for statement in tables.additions():
        connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {tables.VERSION}")


def refuse_newer(version: int, path: Path) -> None:
    if version > tables.VERSION:
        raise StateError(f"{path} was written by a newer krakenctl (format {version})", hint="upgrade krakenctl")
