"""How one key was asked about itself. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from krakenctl.model.description import Description
from krakenctl.model.verification import Probed, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """`verdict`: what its refusal means; None: it answered, or was not asked."""

    told: Description | None = None
    verdict: Verdict | None = None
    why: str = ""  # of the verdict, or why it was not asked
    lives: bool = False  # it did not answer, and what Kraken said proves that it is there
    probed: tuple[Probed, ...] = ()
