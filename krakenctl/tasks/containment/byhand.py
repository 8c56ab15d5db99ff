"""One account under the kill switch whose keys only a person can delete: each is asked for, and the proof is told."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

from krakenctl.errors import ExchangeError, NeedsPerson
from krakenctl.model.containment import Doomed, Fate, KeyFate
from krakenctl.model.human import Revocation
from krakenctl.model.key import LiveKey
from krakenctl.model.page import in_words
from krakenctl.surfaces.base import Surface
from krakenctl.tasks.containment.remedy import passes, remedy


@dataclass(slots=True, kw_only=True)
class HandSweep:
    """As `sweep.Sweep`: but nobody is asked twice."""

    account: str
    surface: Surface
    targets: dict[str, Doomed]  # by live name
    page: str  # where a person deletes them
    ended: float = 0.0  # our monotonic clock when it was known how it stands
    seen: tuple[LiveKey, ...] | None = None  # no list tells anything new

    def run(self) -> list[KeyFate]:
        """What became of each. Never raises ExchangeError, nor NeedsPerson."""
        fates = list(self._fates())
        self.ended = time.monotonic()
        return fates

    def _fates(self) -> Iterator[KeyFate]:
        for name, doomed in self.targets.items():
            by_hand = f"delete {name} at {in_words(self.page)}"
            try:
                revocation = self.surface.revoke(name)
            except NeedsPerson as problem:
                yield self._fate(doomed, Fate.FAILED, problem.message, by_hand)
            except ExchangeError as problem:
                helps = f"{by_hand}; {remedy(problem, self.page)}"
                yield self._fate(doomed, Fate.FAILED, problem.message, helps, is_passing=passes(problem))
            else:
                if revocation is Revocation.PROVED:
                    yield self._fate(doomed, Fate.REVOKED)
                else:
                    told = "it is said to be deleted, and nothing that can be seen from here proves it"
                    helps = "look at the page again, and at what uses the key"
                    claim = self._fate(doomed, Fate.CLAIMED, told, helps)
                    yield replace(claim, unheard=revocation is Revocation.UNHEARD)

    def _fate(
        self, doomed: Doomed, fate: Fate, message: str = "", helps: str = "", *, is_passing: bool = False
    ) -> KeyFate:
        return KeyFate(
            account=self.account,
            name=doomed.name,
            address=doomed.address,
            fate=fate,
            message=message,
            helps=helps,
            passes=is_passing,
        )
