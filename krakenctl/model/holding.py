"""A key of ours together with its secret, if it can be read here: what may be asked with it, and what not."""

from __future__ import annotations

from dataclasses import dataclass

from krakenctl.model.description import NonceScale
from krakenctl.model.key import KeyPair
from krakenctl.model.recorded import RecordedKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """`pair` is of this very key, or None; then `problem` says why."""

    record: RecordedKey
    scale: NonceScale  # of its own program, never a finer one: see `plan.clocks`
    finer: NonceScale = NonceScale.UNKNOWN  # what its manifest says instead, and nothing has shown yet
    pair: KeyPair | None = None
    problem: str = ""
    fresh: bool = False  # it has just been made, and nobody uses it yet: small nonces are not in anybody's way

    @property
    def is_ending(self) -> bool:
        """Whether its silence proves its end."""
        return self.record.is_ending
