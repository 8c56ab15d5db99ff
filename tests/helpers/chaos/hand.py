"""The person in the cells of accounts whose keys nobody but a person can make: a robot that does as it is told on the
sandbox's website. It is asked by whatever process runs; what it did there outlives that process, as on Kraken."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from krakenctl.cli import person
from krakenctl.cli.person import FromStdin, read_answers
from krakenctl.model.key import KeyPair
from krakenctl.sandbox.people import operate
from krakenctl.testing.person import Form, Robot

ANSWERS = ".krakenctl/credentials/answers.json"  # where secrets may be

Persons = Callable[[Path], "Hand | FromStdin"]  # from the workspace's folder


@dataclass
class Hand(Robot):
    """Whose window was closed before the private key was typed in has to make that key anew."""

    interrupted: Callable[[], bool] = lambda: False

    def _make(self, told: str, form: Form) -> KeyPair:
        if any(key["name"] == form.name for key in operate.keys_in(self.db, form.account)):
            operate.revoke_key(self.db, form.account, form.name)
        return Robot._make(self, told, form)


def hand(**what: object) -> Persons:
    return lambda root: Hand(root / ".krakenctl/sandbox.db", **what)  # type: ignore[arg-type]


def piped(root: Path) -> FromStdin:
    """Who has followed a runbook, and tells what came of it; again the same, if they are asked again."""
    with (root / ANSWERS).open("rb") as lines:
        return FromStdin(read_answers(lines))


@contextmanager
def at_hand(root: Path, first: Persons | None, then: Persons | None = None) -> Iterator[None]:
    """Meanwhile these are there for krakenctl to ask: for its first command, and for those after it."""
    real, turns = person.at_hand, iter([first])
    person.at_hand = lambda *_, **__: found(root) if (found := next(turns, then or first)) else None
    try:
        yield
    finally:
        person.at_hand = real
