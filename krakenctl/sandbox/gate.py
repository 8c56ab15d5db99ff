"""What a key must hold to be let through, written as people write it: `query-funds + withdraw-funds | query-ledger`.

`+` binds tighter than `|`. An empty gate lets any key through. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from krakenctl.model.permission import Permission

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet


@dataclass(frozen=True, slots=True)
class Gate:
    text: str
    ways: tuple[frozenset[Permission], ...]  # any one of these, held whole; none: open to any key

    def lets_through(self, held: AbstractSet[Permission]) -> bool:
        return not self.ways or any(way <= held for way in self.ways)


def gate(text: str) -> Gate:
    """Raises ValueError where the text names no permission of Kraken's."""
    ways = (way for way in text.split("|") if text)
    return Gate(text, tuple(frozenset(Permission(code.strip()) for code in way.split("+")) for way in ways))


ANY_KEY = gate("")
