"""What the plights that a refusal leaves open make of the verdict about a key. Pure."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from krakenctl.model.plight import SILENT, Background, Plight, lives, plights, told
from krakenctl.model.silence import is_unknown
from krakenctl.model.verification import Verdict

FORMER = "it has answered from this host before, and Kraken knows it no more"
ENDED_OR_FENCED = told(SILENT)
_NOT_AS_SENT = frozenset({Plight.DELETED, Plight.ENDED, Plight.RESTRICTED, Plight.OTHER_PAIR})


class Meaning(NamedTuple):
    verdict: Verdict
    why: str
    lives: bool = False  # what Kraken said proves that it is there


def meaning(said: str, known: Background) -> Meaning:
    """`said`: Kraken's words, as `answers.said` has them."""
    left = plights(said, known)
    former = f"{FORMER}: " if known.answered and is_unknown(said) and Plight.DELETED in left else ""
    unsure = "; whether this host may use it is not known" if left == (Plight.AHEAD,) and known.shut else ""
    why = f"Kraken says “{said}” to this host: {former}{told(left)}{unsure}"
    return Meaning(_verdict(left), why, lives(left))


def _verdict(left: Collection[Plight]) -> Verdict:
    """As it was declared and last sent, it may still be there behind any other plight."""
    if not left:
        return Verdict.UNKNOWN
    if set(left) == {Plight.SHUT_OUT}:
        return Verdict.BLOCKED_BY_IP
    return Verdict.DENIED if _NOT_AS_SENT.issuperset(left) else Verdict.UNKNOWN
