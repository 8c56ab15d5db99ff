"""What a call requires of its key: `a + b` is both, `a | b` is either, nothing is any valid key. Pure."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from krakenctl.model.permission import Permission, in_order


@dataclass(frozen=True, slots=True)
class Needs:
    """Each way is enough alone, and all of a way is needed. One empty way: any key will do."""

    ways: tuple[frozenset[Permission], ...]

    @classmethod
    def parse(cls, text: str) -> Needs:
        """Raises ValueError for what is no permission."""
        return cls(tuple(frozenset(map(Permission, way.replace("+", " ").split())) for way in text.split("|")))

    @classmethod
    def one(cls, permission: Permission) -> Needs:
        return cls((frozenset({permission}),))

    @property
    def any_key(self) -> bool:
        return frozenset() in self.ways

    @property
    def named(self) -> frozenset[Permission]:
        """Every permission that plays a part."""
        return frozenset[Permission]().union(*self.ways)

    def met_by(self, held: AbstractSet[Permission]) -> bool:
        return any(way <= held for way in self.ways)

    def __str__(self) -> str:
        if self.any_key:
            return "any valid key"
        return " or ".join(" and ".join(in_order(way)) for way in self.ways)
