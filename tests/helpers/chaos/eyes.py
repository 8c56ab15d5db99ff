"""Eyes on a workspace and its exchange, behind every curtain: rows, slots, secrets. They judge nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from desk import Desk
from krakenctl import plugins
from krakenctl.credentials import Credentials
from krakenctl.model.recorded import Recorded
from krakenctl.project import read_workspace
from krakenctl.state.base import StateHome
from krakenctl.stores.base import Entry, Slot

_COLUMNS = (
    "username, name, public_key, secret, client, permissions, ip_allowlist, nonce_window, query_from, query_to,"
    " valid_until, key.created"
)
_LIVE = f"SELECT {_COLUMNS} FROM key JOIN account ON account.id = account_id WHERE signs_until IS NULL ORDER BY key.id"


def state_home(desk: Desk) -> StateHome:
    """Wherever the workspace keeps its state."""
    return plugins.state(read_workspace(desk.root).state, desk.root, Credentials(desk.root, {}))


def recorded(desk: Desk) -> Recorded:
    return state_home(desk).read()


@dataclass(frozen=True)
class Row:
    """A live key in the exchange's table, secret included; without what every use of it changes."""

    account: str
    name: str
    public_key: str
    secret: str
    client: str
    permissions: str
    terms: tuple[object, ...]


@dataclass
class Eyes:
    """On one workspace, for as long as the process lives: cheap enough to look at every boundary."""

    root: Path
    _opened: dict[tuple[int, int], Entry] = field(default_factory=dict)

    def __post_init__(self) -> None:
        settings = read_workspace(self.root).stores["main"]
        self._store = plugins.store(settings, self.root, Credentials(self.root, {}))
        self._exchange = sqlite3.connect(
            f"file:{self.root}/.krakenctl/sandbox.db?mode=ro", uri=True, check_same_thread=False
        )

    def close(self) -> None:
        self._exchange.close()

    def rows(self) -> dict[str, Row]:
        """By public key, in the order in which they were made."""
        found = (Row(*row[:6], tuple(row[6:])) for row in self._exchange.execute(_LIVE))
        return {row.public_key: row for row in found}

    def slow(self) -> set[str]:
        """Keys that the list did not show at once."""
        return {
            public for (public,) in self._exchange.execute("SELECT public_key FROM key WHERE listed_from > created")
        }

    def secrets(self) -> list[str]:
        """Of every key that there ever was, also of those that are gone."""
        return [secret for (secret,) in self._exchange.execute("SELECT secret FROM ever")]

    def deeds(self) -> list[tuple[str, str, str]]:
        """Verb, name and public key of all that was done in our client's name since the scenario began."""
        return self._exchange.execute("SELECT verb, name, public_key FROM deed ORDER BY rowid").fetchall()

    def paths(self) -> list[str]:
        """Of every key whose consumer finds something."""
        folder = self.root / "secrets"
        return sorted(str(file.parent.relative_to(folder)) for file in folder.rglob("current.age"))

    def entry(self, path: str, slot: Slot) -> Entry | None:
        file = self.root / "secrets" / path / f"{slot}.age"
        try:
            seen = file.stat()
        except OSError:
            return None
        key = (seen.st_ino, seen.st_mtime_ns)
        if key not in self._opened:
            entry = self._store.get(path, slot)
            assert entry is not None
            self._opened[key] = entry
        return self._opened[key]

    def entries(self) -> Iterator[tuple[str, Slot, Entry]]:
        for folder in sorted({file.parent for file in (self.root / "secrets").rglob("[cp]*.age")}):
            path = str(folder.relative_to(self.root / "secrets"))
            for slot in Slot:
                if (entry := self.entry(path, slot)) is not None:
                    yield path, slot, entry
