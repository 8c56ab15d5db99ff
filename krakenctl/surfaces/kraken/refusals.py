"""What it can mean when a key is refused as it is asked about itself: one sentence, and what to do. Pure.

GetApiKeyInfo needs no permission, so a refusal is about the key, the caller or the moment. What Kraken says to a key
used from an address that its allow-list leaves out, and to one that has expired, is documented nowhere (unconfirmed):
every refusal that could be that says so. Source: docs.kraken.com, errors guide; support.kraken.com 360000714526.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from krakenctl.errors import (
    AnswerLost,
    KrakenctlError,
    LockedOut,
    NonceRefused,
    RateLimited,
    Refused,
    Unavailable,
    Unreachable,
)
from krakenctl.model.description import NonceScale
from krakenctl.model.plight import Background, Plight, Plights, plights
from krakenctl.model.silence import is_unknown
from krakenctl.model.workspace import SANDBOX
from krakenctl.surfaces.kraken.answers import bare

KRAKEN = "https://api.kraken.com"
_THERE = "if it may be used only from other addresses, run this there"
_GENTLY = "failed calls add up to a lockout of the whole account: change something before trying again"
_NOTHING_KNOWN = Background(shut=True)
_UNKNOWN = "what Kraken says to a key used from elsewhere, or after its end, is unknown"
_ELSEWHERE = "its allow-list may leave this machine out, or its end has passed; what Kraken says to either is unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """Under which a key was asked. Empty: nobody knows."""

    otp: bool = False  # one was sent
    asked: NonceScale | int | None = None  # the clock or the number; None: all clocks that may be guessed at
    where: str = ""  # the endpoint, or `sandbox`: a key that is unknown there may be known elsewhere
    known: str = ""  # why a refusal was likely from the outset, as a clause
    ours: bool = False  # it is a key of the workspace: no other exchange than its own knows it
    told_where: bool = False  # whoever asks says where it may be used

    @property
    def elsewhere(self) -> str:
        return f"most likely this was to be expected: {self.known}; {_UNKNOWN}" if self.known else _ELSEWHERE


def explained(problem: KrakenctlError, where: Circumstances) -> KrakenctlError:
    """The same error in words about the key."""
    message, hint = _told(problem, where) or (problem.message, problem.hint)
    whereabouts = "" if isinstance(problem, Unreachable) else _whereabouts(where)
    hint = "; ".join(part for part in (hint, whereabouts) if part)
    if isinstance(problem, RateLimited):
        return type(problem)(message, errors=problem.errors, hint=hint, wait=problem.wait, until=problem.until)
    if isinstance(problem, Refused):
        return type(problem)(message, errors=problem.errors, hint=hint)
    return type(problem)(message, hint=hint)


def _whereabouts(of: Circumstances) -> str:
    if of.where == SANDBOX:
        instead = "" if of.ours else f": `--endpoint {KRAKEN}` asks the real one"
        return f"this workspace's sandbox was asked{instead}"
    return f"{of.where} was asked" if of.where else ""


def _told(problem: KrakenctlError, where: Circumstances) -> tuple[str, str] | None:
    """None: its own words are good enough."""
    if isinstance(problem, NonceRefused):
        return _nonce(problem, where.asked)
    for kind, about, hint in _PLAIN:
        if isinstance(problem, kind):
            return (f"{_words(problem)}: {about}" if isinstance(problem, Refused) else about or problem.message), hint
    return _by_string(problem, where) if isinstance(problem, Refused) else None


# The particular before the general; empty: the error's own sentence.
_PLAIN: tuple[tuple[type[KrakenctlError], str, str], ...] = (
    (AnswerLost, "Kraken did not answer; the question changes nothing, whether it was heard or not", "ask again"),
    (Unreachable, "", "check the network, any proxy, and the endpoint"),
    (
        LockedOut,
        "Kraken has locked the account after too many failed calls, perhaps of another program",
        "wait at least 15 minutes without any call; each try prolongs it",
    ),
    (Unavailable, "Kraken is busy or down; nothing is wrong with the key", "ask again later"),
    (
        RateLimited,
        "this key has made too many calls; nothing is wrong with it",
        "ask again in a minute; the program that uses it may need the time too",
    ),
)


def _nonce(problem: NonceRefused, asked: NonceScale | int | None) -> tuple[str, str]:
    if isinstance(asked, NonceScale):
        return (
            f"{_words(problem)}: the key has seen a higher number, just now or from a finer clock than {asked}, of the"
            " program that uses it or of krakenctl itself",
            "ask again; if it stays so, find out what that program sends",
        )
    if asked is not None:
        return (
            f"{_words(problem)}: the key has seen {asked} already, or a number above it, of the program that uses it or"
            " of krakenctl itself",
            "give the next number that this program would send; --alive tells whether key and secret are right",
        )
    return (
        f"{_words(problem)}: key and secret are right; the program that uses them sends a finer clock than "
        "milliseconds, or its clock is ahead of this one's",
        "say which with --nonce ms|us|ns|N, where N is the very number to send; say only what the program itself sends,"
        " for whatever is lower is refused for ever after",
    )


def _by_string(problem: Refused, where: Circumstances) -> tuple[str, str]:
    first = _first(problem)
    words = _words(problem)
    if not first:
        return (
            f"{words}: something between us and Kraken said no, or Kraken did before it looked at the key",
            f"check the network, any proxy, and the endpoint; {_GENTLY}",
        )
    if first.lower().startswith("egeneral:unknown method"):
        return (
            f"{words}: no Kraken answers under this address",
            f"check the endpoint: Kraken's is {KRAKEN}, and no path",
        )
    left = plights(first, _NOTHING_KNOWN)
    what = "; or ".join(_clauses(left, where, is_unknown=is_unknown(first)))
    there = _THERE if Plight.SHUT_OUT in left and not where.told_where else ""
    return f"{words}: {what}", "; ".join(filter(None, (_first_step(first, left, where), there, _GENTLY)))


def _first_step(said: str, left: Plights, where: Circumstances) -> str:
    if is_unknown(said):
        return "compare it with the list on Kraken's website"
    if Plight.SECOND_FACTOR in left:
        return "" if where.otp else "give --otp if the key has a second factor"
    return f"`krakenctl explain '{said}'` tells what is known of it"


def _clauses(left: Plights, where: Circumstances, *, is_unknown: bool) -> Iterator[str]:
    """Of a key that somebody has just given. `is_unknown`: so Kraken says, in plain words."""
    if Plight.OTHER_PAIR in left:
        yield "the key exists, and this is not its secret"
    if Plight.SECOND_FACTOR in left:
        yield "the otp is wrong" if where.otp else "the key has a second factor, and none was given"
    if Plight.ACCOUNT in left:
        yield Plight.ACCOUNT
    if is_unknown:
        yield "Kraken knows no such key: it was deleted, mistyped or cut off, or it is a key of Kraken Futures"
    if Plight.SHUT_OUT in left:
        yield where.elsewhere
    if is_unknown and where.otp:
        yield "it has no second factor and took offence at the otp"


def _words(problem: Refused) -> str:
    return f"Kraken says “{', '.join(problem.errors)}”" if problem.errors else problem.message


def _first(problem: Refused) -> str:
    return bare(problem.errors[0]) if problem.errors else ""
