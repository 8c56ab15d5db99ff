"""One account during one run: its surface, what is recorded of it, and the order to stop."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from krakenctl.apply.places import Owner, Places
from krakenctl.apply.ports import Ports
from krakenctl.apply.work import Work
from krakenctl.errors import (
    Contained,
    ExchangeError,
    KrakenctlError,
    LeaseLost,
    LockedOut,
    NotAuthorised,
    StateError,
    Unreachable,
)
from krakenctl.model.address import Address
from krakenctl.model.desired import SecretRef
from krakenctl.model.journal import Intent, Stage
from krakenctl.model.key import LiveKey
from krakenctl.model.live import NOTHING, Aside
from krakenctl.model.outcome import Result
from krakenctl.model.plan import Change, PlannedAccount
from krakenctl.model.recorded import Recorded, RecordedKey, SeenLimit
from krakenctl.state.base import Told
from krakenctl.surfaces.base import Listing, Surface

# After one of these nothing more is done on any account: the journal must never lag behind the deeds.
FORBIDDEN = (StateError, LeaseLost, Contained)
# After one of these the account's other deeds would fail too, or make it worse.
FATAL = (*FORBIDDEN, NotAuthorised, LockedOut, Unreachable)
HOPELESS = (*FORBIDDEN, NotAuthorised, LockedOut)  # not even a look at the list is worth a call

Live = dict[str, LiveKey]  # by name


@dataclass(slots=True)
class Memory:
    """What the state knew of one account when the run began. Names are unique within an account only."""

    current: dict[Address, RecordedKey] = field(default_factory=dict)
    by_name: dict[str, RecordedKey] = field(default_factory=dict)  # current and retired ones
    intents: dict[str, Intent] = field(default_factory=dict)
    limit: SeenLimit | None = None


def memories(recorded: Recorded) -> dict[str, Memory]:
    """By account."""
    found: dict[str, Memory] = {}
    for key in recorded.ours:
        memory = found.setdefault(key.account, Memory())
        memory.by_name[key.live_name] = key
        if not key.retired_until:
            memory.current[key.address] = key
    for intent in recorded.intents:
        found.setdefault(intent.account, Memory()).intents[intent.live_name] = intent
    for account, limit in recorded.limits.items():
        found.setdefault(account, Memory()).limit = limit
    return found


@dataclass(slots=True)
class Session:
    account: PlannedAccount
    surface: Surface
    ports: Ports
    memory: Memory
    places: Places
    lineage: str
    count: int = 0  # live keys, as far as we know right now
    names: frozenset[str] = frozenset()  # theirs, as the list told them last
    asides: Mapping[str, Aside] = field(default_factory=dict)  # what it said beside
    late: frozenset[str] = frozenset()  # replaced keys that consumers here still read: they go after the new ones
    stopped: str = ""  # why nothing more is done on this account; empty: go on
    hopeless: bool = False  # stopped, and no call of any kind is made

    def list(self) -> Live:
        """The account's keys, afresh. Raises ExchangeError."""
        return self.take(self.surface.list_keys())

    def take(self, listing: Listing) -> Live:
        self.asides, self.count = listing.asides, len(listing.keys)
        self.names = frozenset(key.name for key in listing.keys)
        return {key.name: key for key in listing.keys}

    def aside(self, name: str) -> Aside:
        return self.asides.get(name, NOTHING)

    def list_for(self, works: Sequence[Work]) -> Live:
        """The account's keys, if any of these works still needs them; else none. A list that fails ends them all."""
        if not any(work.open for work in works):
            return {}
        if self.hopeless:
            self.skip(works)
            return {}
        try:
            return self.list()
        except ExchangeError as problem:
            self.stop_after(problem, "the account's list")
            end_all(works, problem)
            return {}

    def learn_limit(self) -> None:
        """Kraken said “too many keys”: later plans make do with as many as there are. What fails here costs nothing."""
        with suppress(KrakenctlError):
            self.list()
            self.ports.state.learn_limit(self.account.name, SeenLimit(self.count, self.account.keys_limit or 0))

    def unlearn_limit(self) -> None:
        """There are more keys than that by now, or another limit is declared."""
        if self.memory.limit is not None and not self.memory.limit.holds(self.account.keys_limit, self.count):
            self.ports.state.learn_limit(self.account.name, None)

    def each(self, works: Iterable[Work], *, interruptible: bool = True) -> Iterator[Work]:
        """The open ones, one after another, until somebody interrupts or one failure says that all would fail."""
        for work in list(works):
            self.stopped = self.stopped or self.ports.halt.reason
            if self.stopped or (interruptible and self.ports.interrupted()):
                return
            if work.open:
                yield work
                self.stop_after(work.problem, str(work.change.address))

    def stop_after(self, problem: KrakenctlError | None, what: str) -> None:
        """Whether `what` ended in a way that would repeat itself. What stops every account is told as it is."""
        if isinstance(problem, FATAL):
            repeated = f"{what} failed in a way that would repeat itself"
            why = problem.message if isinstance(problem, FORBIDDEN) else repeated
            self.stopped = self.stopped or f"not tried: {why}"
        if isinstance(problem, FORBIDDEN):
            self.ports.halt.order(self.stopped)
        if isinstance(problem, HOPELESS):
            self.hopeless = True

    def skip(self, works: Iterable[Work]) -> None:
        """What was not reached, and why."""
        for work in works:
            work.end(Result.SKIPPED, self.stopped or "interrupted before its turn")

    def intent(self, change: Change) -> Intent:
        """To be journalled before the first deed of the change."""
        run = self.ports.run
        return Intent(change=change, began=self.ports.now(), run=run.id, who=run.who, plan=run.plan)

    def advance(
        self, work: Work, name: str, stage: Stage, verdict: str = "", public_key: str = "", *, deeds: Sequence[Told]
    ) -> None:
        """In the journal, and in the hand of whoever works on it."""
        self.ports.state.advance(work.change.address, name, stage, verdict, public_key, deeds=deeds)
        if work.intent is not None:
            public_key = public_key or work.intent.public_key
            work.intent = replace(work.intent, stage=stage, verdict=verdict, public_key=public_key)

    def owner(self, name: str) -> Owner:
        return (self.account.name, name)

    def current(self, change: Change) -> RecordedKey | None:
        """The record of the key that a change replaces or updates."""
        return self.memory.current.get(change.renamed_from or change.address)

    def secret_of(self, name: str) -> SecretRef | None:
        record = self.memory.by_name.get(name) or self.memory.intents.get(name)
        return record.secret if record else None


def finish(works: Iterable[Work]) -> None:
    """Whatever came through all its steps, and was not ended on the way, is done."""
    for work in works:
        if work.change.steps and all(step in work.done for step in work.change.steps):
            work.end(Result.DONE)


def end_all(works: Iterable[Work], problem: KrakenctlError) -> None:
    for work in works:
        if work.open:
            work.fail(problem)
