"""The clock of keys' consumers, as far as two clocks tell it. Pure; nonces are made of it."""

from __future__ import annotations

from dataclasses import dataclass

_SECOND = 1_000_000_000  # nanoseconds


@dataclass(frozen=True, slots=True)
class Clocks:
    """One moment. What a wall clock does afterwards, or where its second turns over, does not matter."""

    told: int  # the exchange's, unix seconds
    ours: int  # nanoseconds since 1970
    then: float  # seconds, monotonic
    embedded: bool = False  # in this process: nobody else uses its keys, and its clock may be set anywhere

    @property
    def consumers(self) -> int:
        """Nanoseconds since 1970, by the slower of the two: a nonce of a fast clock locks a consumer out.

        A program with the faster clock is at worst quicker than we are: our call is refused, and nothing is spent. The
        exchange tells whole seconds, so a clock within the next one counts as right.
        """
        theirs = self.told * _SECOND
        if self.embedded:
            return self.ours if self.ours >= theirs else theirs + self.ours % _SECOND
        return self.ours if theirs <= self.ours < theirs + _SECOND else min(self.ours, theirs)
