"""Asks a key about itself where it lives, in few calls, and with nonces that get in no consumer's way."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from krakenctl.actor import new_run
from krakenctl.errors import ExchangeError, KrakenctlError, NonceRefused, RateLimited, Refused
from krakenctl.model.attestation import Attestation
from krakenctl.model.description import Description, NonceScale, tells_no_clock
from krakenctl.model.key import KeyPair
from krakenctl.model.secret import Secret
from krakenctl.pairs.harvest import Labelled
from krakenctl.surfaces.kraken.own_key import OwnKey
from krakenctl.surfaces.kraken.refusals import Circumstances, explained
from krakenctl.surfaces.kraken.row import Row
from krakenctl.tasks.nonces import Nonce
from krakenctl.tasks.oracle import Oracle, endpoint_of, open_oracle

# Above what is known to be spent. Whoever made the key may have spent a few more with calls that were refused for their
# address: whether those count, Kraken does not say. Each that is refused may be one of the row that locks the account.
_FIRST, _SECOND = 1, 21
MOST_CALLS = 2
_BEFORE_A_CLOCK = 16  # which is far above any of them, so that a call is saved that may be refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How a key is asked. A clock is only for a key that is known to be the one whose consumer sends it."""

    nonce: Nonce = None  # None: small ones and no other
    otp: Secret | None = None  # None: it has no second factor
    spent: int = 0  # the highest that it is known to have seen of us
    calls: int = MOST_CALLS
    row: Row | None = None  # where they are counted; None: nobody knows whose key it is
    seen: int = 0  # the highest that it is known to have seen of anybody


UNKNOWN = Way()


@dataclass(frozen=True, slots=True)
class Told:
    said: Attestation
    spent: int  # what it was asked with; 0: a clock
    seen: int = 0  # the highest that it has seen by now


def look(
    root: Path, pair: KeyPair, endpoint: str = "", way: Way = UNKNOWN, heard: Callable[[Refused], None] = lambda _: None
) -> Told:
    """Ask the key about itself, in one harmless call. Raises ExchangeError, in words about the key.

    `heard`: is told of each refusal, also of the one that another nonce follows.

    `endpoint`: as `endpoint_of` tells it, empty: the workspace's. The time is asked first, of the exchange itself: what
    the key says is never older than that.
    """
    with open_oracle(root, endpoint or endpoint_of(root, "")) as oracle:
        own = oracle.own_key(Labelled(label="", pair=pair), way.otp, way.row, seen=way.seen)
        with _explained(oracle, way, endpoint):
            at = oracle.told_time()
        if why := own.early(way.nonce) if isinstance(way.nonce, NonceScale) else "":
            raise RateLimited(f"the key is {why}; nothing was done")
        with _explained(oracle, way, endpoint):
            told, spent = _asked(own, way, heard)
        return Told(_attestation(oracle, pair, told, at), spent, 0 if tells_no_clock(way.nonce, own.seen) else own.seen)


def _attestation(oracle: Oracle, pair: KeyPair, told: Description, at: int) -> Attestation:
    return Attestation(
        at=at,
        endpoint=oracle.endpoint,
        host=socket.gethostname(),
        who=new_run("attest").who,
        public_key=pair.public_key,
        name=told.live.name,
        iiban=told.iiban,
        spec=told.live.spec,
    )


def _asked(own: OwnKey, way: Way, heard: Callable[[Refused], None]) -> tuple[Description, int]:
    """What refuses small ones has been in use, or was asked before: then as its consumer would, if that is known."""
    numbers = _numbers(way)
    for number in numbers:
        with suppress(NonceRefused), _telling(heard):
            return own.describe_with(number), number
    if isinstance(way.nonce, NonceScale):
        with _telling(heard):
            return own.describe(way.nonce), 0
    highest = max(numbers, default=way.seen)
    raise NonceRefused(
        f"key and secret are right, but the key refuses {highest} as its nonce: it has been in use, or was asked"
        " before",
        hint="give the next number that its program would send, with --nonce N; if it sends a clock, --nonce ms (or s,"
        f" us, ns); if none uses it yet, --nonce {highest + 20}. Whatever is lower is refused for ever after",
    )


def _numbers(way: Way) -> tuple[int, ...]:
    """The small ones to try, in their order. With one call left, the higher one; with a clock as the last resort, that
    takes one of the calls. None that the key has seen."""
    if isinstance(way.nonce, NonceScale):
        numbers = (way.spent + _BEFORE_A_CLOCK,)[: way.calls - 1]
    elif way.nonce:
        return (way.nonce,)
    else:
        numbers = (way.spent + _FIRST, way.spent + _SECOND)[-way.calls :]
    return tuple(number for number in numbers if number > way.seen)


@contextmanager
def _telling(heard: Callable[[Refused], None]) -> Iterator[None]:
    try:
        yield
    except Refused as problem:
        heard(problem)
        raise


@contextmanager
def _explained(oracle: Oracle, way: Way, endpoint: str) -> Iterator[None]:
    """Where it is not simply the workspace's, whoever asks is told which `endpoint` was asked."""
    problem: KrakenctlError | None = None
    try:
        yield
    except ExchangeError as refusal:
        scale = way.nonce if isinstance(way.nonce, NonceScale) else None
        where = Circumstances(
            asked=scale, otp=way.otp is not None, where=oracle.endpoint if endpoint else "", told_where=not endpoint
        )
        own_words = isinstance(refusal, NonceRefused) and scale is None
        problem = refusal if own_words else explained(refusal, where)
    if problem is not None:
        raise problem  # here, so that it has one sentence and no context
