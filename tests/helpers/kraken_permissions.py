"""Kraken's permissions and call costs as a person copied them from its reference; the sandbox's own table is not asked.

`+` is both, `|` is either, nothing is any valid key; `unless` is when nothing is required after all; `guide` is what
Kraken's guides on API keys and sub-accounts say where they differ, and they know no `unless`.
The last five rows are Kraken's wallet app, which documents nothing: there the requirement is our reading of the name.
"""

from __future__ import annotations

import csv
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from running import ROOT


@dataclass(frozen=True, slots=True)
class Row:
    method: str
    path: str
    requirement: str
    unless: str
    guide: str  # empty: the guide says the same, or nothing
    cost: int
    low: int
    high: int

    @property
    def endpoint(self) -> str:
        return f"{self.method} {self.path}"


def read() -> list[Row]:
    with (ROOT / "tests/contracts/kraken_permissions.csv").open(encoding="utf-8", newline="") as file:
        return [
            Row(*words, *map(int, costs)) for *words, a, b, c in list(csv.reader(file))[1:] for costs in [(a, b, c)]
        ]


def ways(requirement: str) -> set[frozenset[str]]:
    """The sets of codes any one of which is enough."""
    return {frozenset(way.replace("+", " ").split()) for way in requirement.split("|")}


def suffices(held: AbstractSet[str], requirement: str) -> bool:
    return any(way <= held for way in ways(requirement))
