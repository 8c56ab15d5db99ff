"""What it means that Kraken refuses to let a key describe itself. Pure.

Documented nowhere (unconfirmed): what Kraken says to an address that an allow-list leaves out or of a key past its end,
and whether it looks at address and end before the nonce or after it. So a refusal counts for what it proves by every
reading, and for no more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from krakenctl.model.silence import FENCED, NO_KEY, NO_NONCE, NO_SIGNATURE
from krakenctl.model.verification import Verdict

_ACCOUNT = "EAuth:"  # disabled, unconfirmed: whatever the key may be

BUSY = "it lives; its consumer was using it at the same moments, or sends a finer clock than consumer.nonce says"
FORMER = "it has answered from this host before, and Kraken knows it no more"
ENDED_OR_FENCED = "revoked, or restricted to other addresses by somebody"
_SHUT_OUT = "it lives, and this host may use it no more: its allow-list or its end is not what was last sent"
_HERE = "whether this host may use it is not known"


class Meaning(NamedTuple):
    verdict: Verdict
    why: str
    lives: bool = False  # what Kraken said proves that it is there


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Of the key, when it was refused."""

    listed: bool  # its account's list shows it
    shut: bool  # its allow-list, as last seen, may leave this host out
    answered: bool  # to this host, before


def meaning(said: str, known: Known) -> Meaning:
    """`said`: Kraken's words, as `answers.said` has them."""
    if said.startswith(NO_NONCE):
        return Meaning(Verdict.UNKNOWN, f"{BUSY}; {_HERE}" if known.shut else BUSY, lives=True)
    found = Meaning(Verdict.BLOCKED_BY_IP, _SHUT_OUT, lives=True) if said == FENCED else None
    found = found or _barred(said, known) or _plain(said, known)
    return found._replace(why=f"Kraken says “{said}” to this host: {found.why}")


def _barred(said: str, known: Known) -> Meaning | None:
    """Where the words are not about whether there is such a key; None: they are."""
    if said.startswith(NO_SIGNATURE):
        beside = ", or its allow-list leaves this host out" if known.shut else ""
        return Meaning(
            Verdict.UNKNOWN, f"the store keeps another secret, or it has a second factor (2FA){beside}", lives=True
        )
    if said.startswith(_ACCOUNT):
        return Meaning(Verdict.UNKNOWN, "that is about its account, and tells nothing of the key")
    if known.shut and known.listed:
        return Meaning(
            Verdict.BLOCKED_BY_IP, "it lives, and its allow-list leaves this host out, most likely", lives=True
        )
    if known.shut and known.answered and said.startswith(NO_KEY):
        return Meaning(Verdict.UNKNOWN, f"{FORMER}: it is gone, or this host has another address now")
    if known.shut:
        return Meaning(Verdict.UNKNOWN, "revoked, expired, or its allow-list leaves this host out")
    return None


def _plain(said: str, known: Known) -> Meaning:
    """Of a key that this host may use, as last sent."""
    if not said.startswith(NO_KEY):
        return Meaning(Verdict.UNKNOWN, "nobody knows what that means of a key that this host may use")
    if known.listed:
        return Meaning(Verdict.DENIED, "its account lists it, and what the store keeps of it does not work", lives=True)
    if known.answered:
        return Meaning(Verdict.DENIED, f"{FORMER}: {ENDED_OR_FENCED}")
    return Meaning(Verdict.DENIED, "revoked, expired, or changed by a person: as last sent, this host may use it")
