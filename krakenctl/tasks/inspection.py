"""Asks keys to describe themselves: one harmless call each. It neither reads pairs from anywhere nor prints."""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from krakenctl import schema_files
from krakenctl.audit import rules
from krakenctl.errors import (
    CredentialError,
    ExchangeError,
    KrakenctlError,
    LockedOut,
    NonceRefused,
    Refused,
    Unreachable,
    UsageError,
)
from krakenctl.knowledge.facts import facts
from krakenctl.model.description import CLOCKS, Description, NonceScale, nonce_at
from krakenctl.model.inspection import Alive, Described, Inspection, Meaning, Undescribed
from krakenctl.model.permission import Permission, in_order
from krakenctl.model.secret import Secret
from krakenctl.model.silence import MOST_REFUSED
from krakenctl.model.verification import Probed
from krakenctl.model.workspace import SANDBOX
from krakenctl.pairs import pasted
from krakenctl.pairs.harvest import Harvest, Labelled
from krakenctl.project import WORKSPACE_FILE, read_workspace
from krakenctl.surfaces.kraken import probes, spot
from krakenctl.surfaces.kraken.own_key import FARTHEST, LOWEST, OwnKey
from krakenctl.surfaces.kraken.refusals import KRAKEN, Circumstances, explained
from krakenctl.surfaces.kraken.row import Row
from krakenctl.transport.http import Http
from krakenctl.wiring.clocks import Clocks

if TYPE_CHECKING:
    from collections.abc import Callable

_LONGEST_WAIT = FARTHEST + 6.0  # seconds

Nonce = NonceScale | int | None  # a clock's unit, the very number, or None: nobody knows


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How keys are asked, and by what they are judged."""

    nonce: Nonce = None
    alive: bool = False  # only whether key and secret are right, with a nonce that gets in nobody's way
    otp: Secret | None = None  # None: they have no second factor
    policy: rules.Policy = rules.USUAL
    probe: bool = False  # try their permissions too, without doing harm
    known: str = ""  # why a refusal is likely, as a clause; empty: nothing is known that speaks for one


USUAL = Manner()


class Oracle:
    """An exchange that keys can be asked at. `open_oracle` makes and closes it."""

    def __init__(self, endpoint: str, http: Http, clock: Callable[[], int] | None = None) -> None:
        self.endpoint = endpoint
        self._http = http
        self._clock = clock or self._consumers  # nanoseconds since 1970
        self._clocks: Clocks | None = None

    def now(self) -> int:
        """Unix seconds, as keys were asked; by our own clock where none was."""
        is_known = self._clocks is not None or self._clock != self._consumers
        return (self._clock() if is_known else time.time_ns()) // 1_000_000_000

    def told_time(self) -> int:
        """Unix seconds, as the exchange itself tells them. Raises ExchangeError."""
        return spot.server_time(self._http)

    def _consumers(self) -> int:
        """The time is asked once, by a call that needs no key: a nonce of a fast clock would lock consumers out."""
        if self._clocks is None:
            told = self.told_time()
            self._clocks = Clocks(told, time.time_ns(), time.monotonic())
        return self._clocks.consumers + int((time.monotonic() - self._clocks.then) * 1_000_000_000)

    def own_key(self, labelled: Labelled, otp: Secret | None = None, row: Row | None = None) -> OwnKey:
        return OwnKey(self._http, labelled.pair, self._clock, otp, row=row)

    def until_accepted(self, told: Description) -> float:
        """Seconds until a number of its clock is above the highest that the key has seen."""
        if told.scale not in CLOCKS:
            return 0.0
        missing = told.nonce + 1 - nonce_at(told.scale, self._clock())
        return min(max(missing / nonce_at(told.scale, 1_000_000_000), 0.0), _LONGEST_WAIT)


def endpoint_of(root: Path, endpoint: str = "") -> str:
    """`sandbox` or a base URL. Empty: the workspace's, and without one the real Kraken. Raises KrakenctlError."""
    if not endpoint:
        return read_workspace(root).endpoint if (root / WORKSPACE_FILE).is_file() else KRAKEN
    rule = schema_files.load("workspace")["$defs"]["endpoint"]
    if re.search(rule["pattern"], endpoint) is None:
        hint = f"write https://{endpoint}" if re.fullmatch(r"[\w.-]+\.\w+/?", endpoint) else ""
        raise UsageError(rule["patternErrorMessage"], hint=hint)
    return endpoint.rstrip("/")


@contextmanager
def open_oracle(root: Path, endpoint: str) -> Iterator[Oracle]:
    """`endpoint`: as `endpoint_of` gives it. A sandbox belongs to the workspace in `root`. Raises KrakenctlError."""
    adapter, clock, base = None, None, endpoint
    if endpoint == SANDBOX:
        from krakenctl.wiring import embedded
        from krakenctl.wiring.exchange import SANDBOX_URL

        adapter = embedded.adapter(root, read_workspace(root), {})
        clock, base = partial(_sandbox_clock, root), SANDBOX_URL
    http = Http(base, adapter)
    try:
        yield Oracle(endpoint, http, clock)
    finally:
        http.close()


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


def inspect(oracle: Oracle, harvest: Harvest, manner: Manner = USUAL) -> Inspection:
    """Each key once. One that does not answer is told as such, and the others are asked all the same.

    Not after a lockout, and not after several refusals in a row: the rest is told as not asked.
    """
    keys: list[Described | Alive | Undescribed] = []
    stopped, refusals = "", _Refusals()
    for labelled in harvest.pairs:
        stopped = stopped or ("" if refusals.may_go_on() else _ENOUGH)
        if stopped:
            keys.append(_undescribed(labelled, stopped, hint=_ALONE if stopped == _ENOUGH else ""))
            continue
        if odd := _oddity(labelled):
            keys.append(_undescribed(labelled, f"not asked: {odd}", hint=_WHOLE))
            continue
        own = oracle.own_key(labelled, manner.otp, refusals.row)
        try:
            keys.append(_asked(oracle, labelled, own, manner, refusals.may_go_on))
            refusals.has_answered(own)
        except ExchangeError as problem:
            keys.append(_refused(labelled, problem))
            stopped = _reason_to_stop(problem)
    return Inspection(endpoint=oracle.endpoint, now=oracle.now(), keys=tuple(keys), findings=harvest.findings)


def describe(oracle: Oracle, labelled: Labelled, manner: Manner = USUAL) -> Described | Alive:
    """One key. Raises ExchangeError, in words about the key, or CredentialError where a piece of it may be missing."""
    if odd := _oddity(labelled):
        raise CredentialError(f"{labelled.label} was not asked: {odd}", hint=_WHOLE)
    return _asked(oracle, labelled, oracle.own_key(labelled, manner.otp), manner, lambda: True)


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
        probed=_probed(own, told, oracle.until_accepted(told)) if manner.probe else (),
    )


def _probed(own: OwnKey, told: Description, wait: float) -> tuple[Probed, ...]:
    time.sleep(wait)
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


def _sandbox_clock(root: Path) -> int:
    from krakenctl.wiring import embedded

    return int(embedded.now(root) * 1_000_000_000)


def nonce_of(text: str) -> Nonce:
    """`s`, `ms`, `us`, `ns` or a whole number; nothing: nobody knows. Raises UsageError."""
    if not text:
        return None
    if text in CLOCKS:
        return NonceScale(text)
    if text.isascii() and text.isdecimal() and 0 < int(text) < 2**64:
        return int(text)
    raise UsageError("a nonce is s, ms, us, ns, or a whole number below 2^64", hint="see `krakenctl inspect --help`")


def nonce_beside(scale: NonceScale) -> Nonce:
    """How to ask a key of whose consumer the manifests say this. Raises UsageError where a person has to say it."""
    if scale is NonceScale.COUNTER:
        raise UsageError(
            "the program that uses this key counts its nonces, and a clock's number would lock it out for ever",
            hint="give the next number that it would send: --nonce N",
        )
    return None if scale is NonceScale.UNKNOWN else scale
