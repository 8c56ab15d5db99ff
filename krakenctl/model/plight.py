"""What may have become of a key that Kraken refuses, as it is asked about itself: every plight that is left open. Pure.

Documented nowhere (unconfirmed): what Kraken says to an address that an allow-list leaves out or of a key past its end,
and whether it looks at address and end before the nonce or after it. So a refusal counts for what it proves by every
reading, and for no more. One table for all that tell of refusals: each says it in its own words, or in these.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from krakenctl.model.silence import FENCED, NO_KEY, NO_NONCE, NO_SIGNATURE, NOT_PERMITTED

_ACCOUNT = "EAuth:"  # disabled, unconfirmed: whatever the key may be


class Plight(StrEnum):
    """In words about a key that is managed."""

    AHEAD = (
        "it has seen a higher number than it was asked with, of its consumer or of krakenctl, or its consumer's clock"
        " is finer than consumer.nonce says"
    )
    DELETED = "it was deleted"
    ENDED = "its end has passed"
    SHUT_OUT = "its allow-list leaves this host out"
    MOVED = "this host has another address now"
    RESTRICTED = "somebody restricted it to other addresses, or to an earlier end"
    OTHER_PAIR = "the store keeps another secret"
    SECOND_FACTOR = "it has a second factor (2FA)"
    ACCOUNT = "that is about its account, and tells nothing of the key"


Plights = tuple[Plight, ...]  # the likeliest first; none: nobody knows
SILENT = (Plight.DELETED, Plight.RESTRICTED)  # of one that has answered, and that this host may use as last sent
_UNTOLD = frozenset({Plight.DELETED, Plight.ENDED, Plight.MOVED, Plight.ACCOUNT})  # which do not tell that it lives


@dataclass(frozen=True, slots=True, kw_only=True)
class Background:
    """Of the key, when it was refused."""

    listed: bool = False  # its account's list shows it
    shut: bool = False  # its allow-list, as last seen, may leave this host out
    answered: bool = False  # to this host, before


class _Row(NamedTuple):
    """None: whether or not."""

    said: str | tuple[str, ...]  # how Kraken's words begin
    plights: Plights
    listed: bool | None = None
    shut: bool | None = None
    answered: bool | None = None

    def fits(self, said: str, known: Background) -> bool:
        asked = ((self.listed, known.listed), (self.shut, known.shut), (self.answered, known.answered))
        return said.startswith(self.said) and all(wanted in (None, found) for wanted, found in asked)


_P = Plight
_TABLE = (  # the first row that fits
    _Row(NO_NONCE, (_P.AHEAD,)),
    _Row(FENCED, (_P.RESTRICTED,)),
    _Row(NO_SIGNATURE, (_P.OTHER_PAIR, _P.SECOND_FACTOR, _P.SHUT_OUT), shut=True),
    _Row(NO_SIGNATURE, (_P.OTHER_PAIR, _P.SECOND_FACTOR)),
    _Row(_ACCOUNT, (_P.ACCOUNT,)),
    _Row("", (_P.SHUT_OUT,), listed=True, shut=True),
    _Row(NOT_PERMITTED, (_P.SECOND_FACTOR, _P.ENDED, _P.SHUT_OUT), shut=True),
    _Row(NOT_PERMITTED, (_P.SECOND_FACTOR, _P.ENDED)),
    _Row(NO_KEY, (_P.DELETED, _P.MOVED), shut=True, answered=True),
    _Row(NO_KEY, (_P.OTHER_PAIR,), listed=True),
    _Row(NO_KEY, SILENT, shut=False, answered=True),
    _Row(NO_KEY, (_P.DELETED, _P.ENDED, _P.RESTRICTED), shut=False),
    _Row("", (_P.DELETED, _P.ENDED, _P.SHUT_OUT), shut=True),
    _Row("", ()),
)


def plights(said: str, known: Background) -> Plights:
    """`said`: Kraken's words, as `answers.said` has them."""
    return next(row.plights for row in _TABLE if row.fits(said, known))


def lives(left: Collection[Plight]) -> bool:
    """Whether it does by all that is left open."""
    return bool(left) and _UNTOLD.isdisjoint(left)


def told(left: Plights) -> str:
    """As part of a sentence about the key."""
    if not left:
        return "nobody knows what that means of a key that this host may use"
    return f"{'it lives: ' if lives(left) else ''}{', or '.join(left)}"
