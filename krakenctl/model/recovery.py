"""What is done about a change that an earlier run has begun and not ended: plain data, for plans and reports."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from krakenctl.model.address import Address

JOURNAL_SLACK = 120  # seconds between our clock and Kraken's: a key made by an intent is not older than it by more


class Move(StrEnum):
    PROMOTE = "promote"  # the key is there and its secret is kept: check it, promote it, then see to the old one
    ISSUE = "issue"  # the old key is gone already: the next one is issued, there is no way back
    CLOSE = "close"  # the new key is in use: the old one is retired or revoked
    RECORD = "record"  # it was done: only our memory of it is missing
    REVOKE = "revoke"  # the key that was issued is taken back
    DROP = "drop"  # nothing is to be undone; the plan decides anew
    WATCH = "watch"  # the key is not there: its name is burned, and looked for on every later run
    SHOW = "show"  # a person was told to make it, and nobody has its pair: it is asked for again, under that name
    UNKNOWN = "unknown"  # a key of that name is there that is not provably ours: reported, never touched
    WAIT = "wait"  # not now: something cannot be seen or read
    ASK = "ask"  # only a person can find out

    @property
    def stays(self) -> bool:
        """Whether the change is still under way afterwards, so that nothing else may be begun in its place."""
        return self in (Move.WAIT, Move.ASK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """One change that is under way, and what recovery would do about it."""

    address: Address
    account: str
    name: str  # the key's live name, or the sub-account's user name
    move: Move
    why: str


def recovery_json(recovery: Recovery) -> dict[str, Any]:
    return {
        "address": str(recovery.address),
        "account": recovery.account,
        "name": recovery.name,
        "move": recovery.move.value,
        "why": recovery.why,
    }
