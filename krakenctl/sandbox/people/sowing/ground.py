"""Where a seed falls: the open transaction, and every mistake that was found so far. It puts nothing into the file."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from krakenctl.errors import UsageError
from krakenctl.model.time import parse_time
from krakenctl.sandbox.envelope import Refusal
from krakenctl.sandbox.money import markets

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Mapping

    from krakenctl.model.origin import Path
    from krakenctl.sandbox.context import Context
    from krakenctl.sandbox.database import Database

    Spec = Mapping[str, Any]


class Mistake(NamedTuple):
    """Something that cannot be put into the sandbox."""

    path: Path  # in the seed's document
    message: str
    hint: str = ""


class Unsown(UsageError):
    """Nothing of the seed was put into the sandbox."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        super().__init__("; ".join(mistake.message for mistake in mistakes))
        self.mistakes = tuple(mistakes)


class Wrong(UsageError):
    """One field of what is being put in is at fault."""

    def __init__(self, message: str, *path: str | int) -> None:
        super().__init__(message)
        self.path = path


@dataclass(frozen=True, slots=True)
class SeedGround:
    database: Database  # in a transaction of this thread
    context: Context
    mistakes: list[Mistake] = field(default_factory=list)
    _met: set[tuple[object, ...]] = field(default_factory=set)

    @property
    def connection(self) -> sqlite3.Connection:
        return self.context.connection

    @contextmanager
    def at(self, *path: str | int) -> Iterator[None]:
        """What goes wrong in the block is noted with its place, and the rest of the seed is still looked at."""
        try:
            yield
        except Refusal as refusal:
            field = refusal.error.partition("Invalid arguments:")[2]
            where = (*path, field) if field else path
            self.mistakes.append(Mistake(where, f"Kraken would refuse this: {refusal.error}"))
        except UsageError as error:
            self.mistakes.append(Mistake((*path, *getattr(error, "path", ())), error.message, error.hint))

    def once(self, what: str, *name: object) -> None:
        """Raises UsageError where the seed has the same thing twice."""
        if (what, *name) in self._met:
            raise UsageError(f"the {what} “{name[-1]}” is in this file twice")
        self._met.add((what, *name))

    def compare(self, path: Path, there: Spec, here: Spec) -> None:
        """Note every field of `here` that is something else in the sandbox."""
        for name, wanted in here.items():
            if there[name] != wanted:
                message = f"{name} is {_shown(there[name])} in the sandbox and {_shown(wanted)} here"
                self.mistakes.append(Mistake((*path, name), message, _CHANGE))

    def time(self, spec: Spec, name: str, otherwise: int = 0) -> int:
        """Unix seconds. Raises UsageError for a day or an hour that does not exist."""
        if name not in spec:
            return otherwise
        try:
            seconds = parse_time(spec[name])
        except (ValueError, OverflowError):
            raise Wrong(f"“{spec[name]}” is no day or no hour that exists", name) from None
        if seconds <= 0:
            raise Wrong(f"“{spec[name]}” lies before 1970", name)
        return seconds


def known_asset(name: str, *path: str) -> str:
    """An asset in Kraken's name. Raises UsageError for one that the sandbox does not have."""
    asset = markets.asset(name)
    if asset is None:
        raise Wrong(f"the sandbox has no asset “{name}”; there are: {', '.join(markets.ASSETS)}", *path)
    return asset.name


_CHANGE = "what is there is kept: change it there, or seed an empty sandbox"


def _shown(value: object) -> str:
    if isinstance(value, (list, tuple)):
        return "“" + ", ".join(map(str, value)) + "”" if value else "empty"
    return "not set" if value in (None, "") else f"“{value}”"
