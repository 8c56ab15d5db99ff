"""A look at a key that a person has just made: whether it is one, and ours, without spending its consumer's nonces."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from krakenctl.errors import ExchangeError, LockedOut, NonceRefused, RateLimited, Refused
from krakenctl.model.description import CLOCKS, Description
from krakenctl.model.holding import Holding
from krakenctl.model.key import KeyPair
from krakenctl.model.silence import NO_KEY, NO_NONCE, is_by_nonce
from krakenctl.surfaces.kraken import look
from krakenctl.surfaces.kraken.answers import said, says
from krakenctl.surfaces.kraken.ending import is_refused_again, may_be_proved
from krakenctl.surfaces.kraken.gently import Caller
from krakenctl.surfaces.kraken.look import GONE, Look
from krakenctl.surfaces.kraken.numbers import HIGHEST

_NONCES = (1, 11, HIGHEST)  # far below whatever its consumer will send
_PAUSES = (1.0, 2.0)  # seconds between the tries: news need a moment


def looked_at(
    caller: Caller, holding: Holding, iiban: str, others: Iterable[Holding], *, again: bool, attended: bool
) -> Look:
    """`iiban`: of its account, if known. `others`: keys that it must not be. `again`: something was done to it, now.

    `attended`: somebody is there, who may have put right between two runs for what it was refused.
    """
    if same := look.twin(holding, others):
        return same
    if holding.pair is None:
        return look.as_recorded(holding, holding.problem)
    if look.is_secret(holding.pair.public_key):
        return look.wrong(holding, "the key has the shape of a secret: were the two swapped?")
    if left := _left_alone(caller, holding, holding.pair, again=again, attended=attended):
        return left
    return _asked(caller, holding, holding.pair, iiban, others)


def still_answers(caller: Caller, pair: KeyPair) -> bool:
    """Of one that told of itself in this run: whether it does now. Where it can be asked no more, it may."""
    nonce = caller.spent(pair) + 1
    if caller.has_had_all or nonce > HIGHEST:
        return True
    try:
        caller.describe_with(pair, nonce)
    except Refused as problem:
        return not says(problem, NO_KEY)
    except ExchangeError:
        return True
    return True


def _left_alone(caller: Caller, holding: Holding, pair: KeyPair, *, again: bool, attended: bool) -> Look | None:
    """What is told of it without a call, where none may or need be made; None: it is asked."""
    held, public_key = caller.held, pair.public_key
    if held.is_gone(public_key) and not again:
        return GONE
    refusal = held.refusal(public_key)
    rests = refusal and not (again or attended or held.locked()) and held.rests(public_key)
    if not (rests or caller.has_had_all):
        return None
    if refusal is None:
        return look.as_recorded(holding, caller.enough)
    return look.new_refused(holding, refusal.said, has_answered=held.answer(public_key) is not None)


def _asked(caller: Caller, holding: Holding, pair: KeyPair, iiban: str, others: Iterable[Holding]) -> Look:
    held, public_key = caller.held, pair.public_key
    has_been_asked = held.answer(public_key) is not None or held.refusal(public_key) is not None
    try:
        told = _told(caller, holding, pair)
    except (LockedOut, RateLimited):
        raise
    except Refused as problem:
        is_suspect = says(problem, NO_KEY) and may_be_proved(caller, holding, pair, others)
        if is_suspect and is_refused_again(caller, pair):
            return GONE
        return look.new_refused(holding, said(problem), has_answered=has_been_asked)
    if told is None:
        if (before := held.refusal(public_key)) is not None and not is_by_nonce(before.said):
            return look.new_refused(holding, before.said, has_answered=held.answer(public_key) is not None)
        early = caller.early(holding)
        return look.as_recorded(holding, early) if early else look.spent(holding)
    return look.described(holding, told, iiban)


def _told(caller: Caller, holding: Holding, pair: KeyPair) -> Description | None:
    """None: there is no nonce left to ask with. Fewer tries where this host may not use it.

    Each with another nonce: one that was refused may be spent.
    """
    pauses = iter(_PAUSES[: len(_PAUSES) - bool(holding.record.spec.ip_allowlist)])
    problem: Refused | None = None
    for nonce in _nonces(caller, holding, pair):
        try:
            return caller.describe_with(pair, nonce) if nonce else caller.describe(pair, holding.scale)
        except (LockedOut, RateLimited):
            raise
        except Refused as refused:
            problem = refused
        if caller.has_had_all or not _may_pass(problem, known=caller.held.answer(pair.public_key) is not None):
            break
        if not isinstance(problem, NonceRefused):
            if (pause := next(pauses, None)) is None:
                break
            caller.wait(pause)
    if problem is not None:
        raise problem
    return None


def _nonces(caller: Caller, holding: Holding, pair: KeyPair) -> Iterator[int]:
    """Above those that it has seen of us; 0 stands for its consumer's clock, which is above them all, where it has one.

    No more than that: what counts, or is unknown, would be locked out by a clock.
    """
    spent = max(caller.spent(pair), caller.held.nonce(pair.public_key))  # of whichever host
    if spent < HIGHEST:
        yield spent + 1
    yield from (each for each in _NONCES if each > spent + 1)
    if holding.scale in CLOCKS and not caller.early(holding):
        yield 0


def _may_pass(problem: Refused, *, known: bool) -> bool:
    """Whether another try may be answered. One that has answered before has long spread."""
    return says(problem, NO_NONCE) or (says(problem, NO_KEY) and not known)
