"""Asks keys to describe themselves: one harmless call each. It neither reads pairs from anywhere nor prints."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from krakenctl.audit import rules
from krakenctl.errors import (
    CredentialError,
    ExchangeError,
    KrakenctlError,
    LockedOut,
    NonceRefused,
    RateLimited,
    Refused,
    Unreachable,
)
from krakenctl.knowledge.facts import facts
from krakenctl.model.description import Description, NonceScale, tells_no_clock
from krakenctl.model.inspection import Alive, Described, Inspection, Meaning, Undescribed
from krakenctl.model.permission import Permission, in_order
from krakenctl.model.secret import Secret
from krakenctl.model.silence import MOST_REFUSED
from krakenctl.model.verification import Probed
from krakenctl.observe.estate import Share
from krakenctl.pairs import pasted
from krakenctl.pairs.harvest import Harvest, Labelled
from krakenctl.surfaces.kraken import probes
from krakenctl.surfaces.kraken.own_key import LOWEST, OwnKey
from krakenctl.surfaces.kraken.refusals import Circumstances, explained
from krakenctl.surfaces.kraken.row import Row
from krakenctl.tasks.nonces import Nonce
from krakenctl.tasks.oracle import Oracle


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How keys are asked, and by what they are judged."""

    nonce: Nonce = None
    alive: bool = False  # only whether key and secret are right, with a nonce that gets in nobody's way
    otp: Secret | None = None  # None: they have no second factor
    policy: rules.Policy = rules.USUAL
    probe: bool = False  # try their permissions too, without doing harm
    known: str = ""  # why a refusal is likely, as a clause; empty: nothing is known that speaks for one
    ours: bool = False  # it is a key that the workspace keeps


USUAL = Manner()
NOBODY: Mapping[str, Share] = {}


class _Refusals:
    """Refused calls in a row, over all keys: nobody knows which are of one account."""

    def __init__(self) -> None:
        self.row = Row()
        self._answered: deque[OwnKey] = deque()

    def has_answered(self, own: OwnKey) -> None:
        self._answered.append(own)

    def may_go_on(self) -> bool:
        """Whether one more call may be refused.

        Before the last that may, one that has answered is asked again, which ends the row: so a program with a fine
        clock does not keep the keys behind its own from being asked. Not where keys are dead: that is for a person.
        """
        if self.row.refused == MOST_REFUSED - 1 and self.row.by_nonce:
            self._end_row()
        return self.row.refused < MOST_REFUSED

    def _end_row(self) -> None:
        """By turns, for each key has a limited number of calls. One that answers no more ends the whole run."""
        self._answered.rotate()
        try:
            next((own for own in self._answered if own.repeat()), None)
        except ExchangeError:
            self.row.refused = MOST_REFUSED


def inspect(
    oracle: Oracle, harvest: Harvest, manner: Manner = USUAL, known: Mapping[str, Share] = NOBODY
) -> Inspection:
    """Each key once. One that does not answer is told as such, and the others are asked all the same.

    Not after a lockout, and not after several refusals in a row: the rest is told as not asked. `known`: by public
    key, what is remembered of those that a workspace manages.
    """
    keys: list[Described | Alive | Undescribed] = []
    stopped, refusals = "", _Refusals()
    for labelled in harvest.pairs:
        stopped = stopped or ("" if refusals.may_go_on() else _ENOUGH)
        if stopped:
            keys.append(_undescribed(labelled, stopped, hint=_ALONE if stopped == _ENOUGH else ""))
            continue
        share = known.get(labelled.pair.public_key)
        if alone := _left_alone(labelled, share):
            keys.append(alone)
            continue
        own = _own_key(oracle, labelled, manner, refusals.row, share)
        try:
            if why := _early(own, manner):
                keys.append(_undescribed(labelled, why))
                continue
            keys.append(_asked(oracle, labelled, own, manner, refusals.may_go_on))
            refusals.has_answered(own)
            _remember(own, labelled, manner, share)
        except ExchangeError as problem:
            if share is not None and isinstance(problem, LockedOut):
                share.note_lockout()
            keys.append(_refused(labelled, problem))
            stopped = _reason_to_stop(problem)
    return Inspection(endpoint=oracle.endpoint, now=oracle.now(), keys=tuple(keys), findings=harvest.findings)


def describe(
    oracle: Oracle, labelled: Labelled, manner: Manner = USUAL, held: Share | None = None
) -> Described | Alive:
    """One key. Raises ExchangeError, in words about the key, or CredentialError where a piece of it may be missing.

    `held`: what is known of its account; None: nobody knows whose it is. A row of refusals keeps no key from being
    asked that somebody has named; a lockout does, for every call prolongs it.
    """
    if odd := _oddity(labelled):
        raise CredentialError(f"{labelled.label} was not asked: {odd}", hint=_WHOLE)
    if why := held.locked() if held else "":
        raise LockedOut(f"{labelled.label} was not asked: {why}", hint=_WAIT)
    row = Row(held=held)
    own = _own_key(oracle, labelled, manner, row, held)
    if why := _early(own, manner):
        raise RateLimited(f"{labelled.label} is {why}")
    told = _asked(oracle, labelled, own, manner, lambda: held is None or not row.is_full)
    _remember(own, labelled, manner, held)
    return told


def _own_key(oracle: Oracle, labelled: Labelled, manner: Manner, row: Row, share: Share | None) -> OwnKey:
    seen = share.nonce(labelled.pair.public_key) if share else 0
    return oracle.own_key(labelled, manner.otp, row, seen=seen)


def _early(own: OwnKey, manner: Manner) -> str:
    """Why a call by a clock would be refused now, because of a number of ours; empty: it would not."""
    return "" if manner.alive or isinstance(manner.nonce, int) else own.early(manner.nonce)


def _remember(own: OwnKey, labelled: Labelled, manner: Manner, share: Share | None) -> None:
    """For later commands, which ask without a second factor."""
    is_heard = own.seen and manner.otp is None and not manner.alive
    if share is not None and is_heard and not tells_no_clock(manner.nonce, own.seen):
        share.note_nonce(labelled.pair.public_key, own.seen)


def _left_alone(labelled: Labelled, share: Share | None) -> Undescribed | None:
    """One of several that is not asked: it would most likely be refused, or prolong a lockout. None: it may be."""
    if odd := _oddity(labelled):
        return _undescribed(labelled, f"not asked: {odd}", hint=_WHOLE)
    if why := share.locked() if share else "":
        return _undescribed(labelled, f"not asked: {why}", hint=_WAIT)
    return None


_WAIT = "wait until then; let no program call it either"
_WHOLE = "copy it once more, whole; if it is whole, name it: --label LABEL, of import --to ADDRESS=LABEL"


def _oddity(labelled: Labelled) -> str:
    """Why it would most likely be refused, which is a step towards a lockout; empty: it would not."""
    return "" if labelled.named else pasted.oddity(labelled.pair)


def _asked(
    oracle: Oracle, labelled: Labelled, own: OwnKey, manner: Manner, may_go_on: Callable[[], bool]
) -> Described | Alive:
    """`may_go_on`: whether one more call may be refused."""
    problem: KrakenctlError | None = None
    try:
        told = _answer(own, manner, may_go_on)
    except NonceRefused as refusal:
        if manner.alive:
            return Alive(label=labelled.label, public_key=labelled.pair.public_key)
        problem = refusal
    except ExchangeError as refusal:
        problem = refusal
    else:
        return _described(oracle, labelled, own, told, manner)
    where = Circumstances(
        otp=manner.otp is not None,
        asked=NonceScale.SECONDS if own.is_cut_short else manner.nonce,
        where=oracle.endpoint,
        known=manner.known,
        ours=manner.ours,
    )
    raise explained(problem, where)  # here, so that it has one sentence and no context


def _answer(own: OwnKey, manner: Manner, may_go_on: Callable[[], bool]) -> Description:
    if manner.alive:
        return own.describe_with(LOWEST)
    if isinstance(manner.nonce, NonceScale):
        return own.describe(manner.nonce)
    return own.discover(may_go_on) if manner.nonce is None else own.describe_with(manner.nonce)


def _described(oracle: Oracle, labelled: Labelled, own: OwnKey, told: Description, manner: Manner) -> Described:
    return Described(
        label=labelled.label,
        told=told,
        meanings=meanings(told.live.spec.permissions),
        findings=rules.of_description(told, oracle.now(), manner.policy),
        probed=_probed(oracle, own, told) if manner.probe else (),
    )


def _probed(oracle: Oracle, own: OwnKey, told: Description) -> tuple[Probed, ...]:
    oracle.wait(oracle.until_accepted(told))
    own.row.left = MOST_REFUSED  # of its probes
    return probes.probe(own, told)


def meanings(held: Iterable[Permission]) -> tuple[Meaning, ...]:
    """What each of them allows beside the others, in Kraken's order."""
    together = frozenset(held)
    return tuple(_meaning(permission, together) for permission in in_order(together))


def _meaning(permission: Permission, held: frozenset[Permission]) -> Meaning:
    """Calls that change something go first. What needs a permission that the key lacks is not unlocked."""
    known = facts().permissions[permission]
    documented = (call for call in facts().endpoints.values() if call.documented)
    calls = [call for call in documented if any({permission} <= way <= held for way in call.needs.ways)]
    calls.sort(key=lambda call: not call.changes)
    names = tuple(call.call if call.name == call.path else call.name for call in calls)  # a path alone may be two calls
    return Meaning(permission=permission, words=known.words, unlocks=names, risks=known.risks)


def _reason_to_stop(problem: ExchangeError) -> str:
    if isinstance(problem, LockedOut):
        return "not asked: Kraken had locked an account before, and more failures might prolong that"
    return "not asked: the exchange could not be reached" if isinstance(problem, Unreachable) else ""


_ENOUGH = f"not asked: {MOST_REFUSED} calls in a row were refused, and more failures might bring on a lockout"
_ALONE = "ask it alone: --label LABEL, of import --to ADDRESS=LABEL"


def _refused(labelled: Labelled, problem: ExchangeError) -> Undescribed:
    errors = problem.errors if isinstance(problem, Refused) else ()
    return _undescribed(labelled, problem.message, hint=problem.hint, code=problem.code, errors=errors)


def _undescribed(
    labelled: Labelled, why: str, *, hint: str = "", code: str = "", errors: tuple[str, ...] = ()
) -> Undescribed:
    return Undescribed(
        label=labelled.label,
        public_key=labelled.pair.public_key,
        problem=why,
        hint=hint,
        code=code,
        errors=errors,
    )
