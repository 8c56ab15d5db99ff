"""What our SQL needs of a database: two sorts of transaction, and question marks for values."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any, Protocol, TypeVar

from krakenctl.errors import StateError

T = TypeVar("T")

Rows = list[tuple[Any, ...]]
Execute = Callable[..., Rows]  # (statement, *values) → rows


class Database(Protocol):
    """One open database. Threads may share it. Every method raises StateError.

    A deed may be run more than once, when a connection is lost in the middle: it must be safe to repeat.
    """

    def read(self, deed: Callable[[Execute], T]) -> T:
        """All that the deed reads is of one moment."""
        ...

    def write(self, deed: Callable[[Execute], T]) -> T:
        """All or nothing, durable when it returns, one writer at a time. Counts the serial up."""
        ...

    def now(self) -> float:
        """Unix seconds, on the clock that all who share this database go by. Inside of a deed or not."""
        ...

    def another(self) -> Database:
        """The same database over a connection of its own, for a thread that must not wait its turn."""
        ...

    def copy(self, label: str) -> str:
        """Everything as it is, beside this database and named after it and the label. Returns the name.

        Never over an older copy: where the name is taken, a number makes it a new one. All of it, or nothing.
        """
        ...

    def close(self) -> None: ...


def labels(label: str) -> Iterator[str]:
    """What a copy may be called, the first that is free: label, label_2, label_3, …"""
    yield label
    for number in count(2):
        yield f"{label}_{number}"


@contextmanager
def as_damage(home: str, hint: str) -> Iterator[None]:
    """Raises StateError for rows that read as nothing that was ever written. `home`: what the state is called."""
    try:
        yield
    except (ValueError, KeyError, TypeError, IndexError) as problem:
        raise StateError(f"{home} is damaged", hint=hint) from problem
