"""How a workspace and its exchange stand: all that the next run can depend on, in one text."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import fields, is_dataclass, replace
from typing import Any

from chaos.eyes import Eyes, recorded, state_home
from chaos.scenarios import PLAN
from chaos.witness import told
from desk import Desk

_EXCHANGE = (
    "SELECT account_id, name, public_key, client, permissions, ip_allowlist, nonce_window, query_from, query_to,"
    " valid_until, created, signs_from, listed_from, signs_until, listed_until FROM key ORDER BY id",
    "SELECT username, iiban IS NULL FROM account ORDER BY id",
    "SELECT due, method, path FROM late_deed ORDER BY id",
    "SELECT * FROM setting ORDER BY name",  # the clock is one of them: equal texts are of one moment
    "SELECT * FROM failure ORDER BY subject",
)


def standing(desk: Desk) -> str:
    """Two workspaces of one template that stand alike come to the same end.

    What is random (public keys, digests of plans, a new account's IIBAN) is replaced by the order in which it came,
    before anything is sorted by it. Left out are who held the lease and the log: the next run takes over from either,
    and the log's chain is always walked.
    """
    words = {word: f"#{number}" for number, word in enumerate(_random_words(desk))}
    state = _plain(_recorded(desk), words)
    return _named(repr([*_exchange(desk), state, _marks(desk), _held(desk), _credentials(desk), _told(desk)]), words)


def _named(text: str, words: Mapping[str, str]) -> str:
    for word, name in words.items():
        text = text.replace(word, name)
    return text


def _recorded(desk: Desk) -> object:
    state = recorded(desk)
    intents = tuple(replace(intent, run="") for intent in state.intents)
    return replace(state, serial=0, lease=None, intents=intents)


def _told(desk: Desk) -> object:
    """What the next run may still owe the log."""
    return sorted((line["verb"], line["name"], line["outcome"]) for line in told(desk))


def _exchange(desk: Desk) -> list[object]:
    with closing(sqlite3.connect(desk.db)) as exchange:
        return [exchange.execute(query).fetchall() for query in _EXCHANGE]


def _marks(desk: Desk) -> list[object]:
    with state_home(desk).look() as state:
        if state is None or not (desk.root / PLAN).exists():  # only a saved plan is looked for under its digest
            return []
        return list(state.marks(json.loads((desk.root / PLAN).read_text())["digest"]))


def _held(desk: Desk) -> list[object]:
    with closing(Eyes(desk.root)) as eyes:
        rows = eyes.rows()
        return [
            (path, slot, entry.live_name, entry.public_key, _true(entry, rows)) for path, slot, entry in eyes.entries()
        ]


def _true(entry: Any, rows: Mapping[str, Any]) -> bool:
    row = rows.get(entry.public_key)
    return row is not None and row.secret == entry.secret.reveal()


def _credentials(desk: Desk) -> list[str]:
    return sorted(file.name for file in (desk.root / ".krakenctl/credentials").iterdir())


def _random_words(desk: Desk) -> Iterator[str]:
    with closing(sqlite3.connect(desk.db)) as exchange:
        yield from (word for (word,) in exchange.execute("SELECT public_key FROM key ORDER BY id"))
        yield from (word for (word,) in exchange.execute("SELECT iiban FROM account ORDER BY id") if word)
    state = recorded(desk)
    if state.lineage:
        yield state.lineage
    yield from (trace.public_key for trace in state.traces if trace.public_key)  # also of keys that are gone
    yield from (intent.plan for intent in state.intents if intent.plan)
    with closing(Eyes(desk.root)) as eyes:
        yield from (entry.public_key for _, _, entry in eyes.entries())


def _plain(value: object, words: Mapping[str, str]) -> object:
    """In an order that depends on nothing but the value."""
    if is_dataclass(value):
        return [(field.name, _plain(getattr(value, field.name), words)) for field in fields(value)]
    if isinstance(value, Mapping):
        return sorted((_named(str(name), words), _plain(held, words)) for name, held in value.items())
    if isinstance(value, (set, frozenset)):
        return sorted(_named(str(each), words) for each in value)
    return [_plain(held, words) for held in value] if isinstance(value, (tuple, list)) else value
