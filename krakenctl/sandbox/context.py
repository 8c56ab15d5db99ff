"""What surrounds a call: the open transaction, the switches and the time. Read once a call; it decides nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from krakenctl.sandbox import clock, switches

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from krakenctl.sandbox.faults import Fault


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a handler may use besides the request."""

    connection: sqlite3.Connection
    switches: Mapping[str, str]
    now: float
    owned: bool  # somebody sets new sub-accounts up at once
    faults: Mapping[str, Fault] = field(default_factory=dict)  # those that strike this call, by kind

    @property
    def second(self) -> int:
        return int(self.now)


def read_context(
    connection: sqlite3.Connection, *, owned: bool = False, faults: Mapping[str, Fault] | None = None
) -> Context:
    settings = switches.stored(connection)
    return Context(
        connection=connection,
        switches={**switches.DEFAULTS, **settings},
        now=clock.reading(settings),
        owned=owned,
        faults=faults or {},
    )
