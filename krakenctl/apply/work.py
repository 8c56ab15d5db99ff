"""One change on its way through apply: what was done of it, and what stopped it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from krakenctl.apply.journal import Journal
from krakenctl.errors import KrakenctlError, LeaseLost, StateError
from krakenctl.model.journal import Intent
from krakenctl.model.key import IssuedKey, KeyPair
from krakenctl.model.outcome import Event, Outcome, Result
from krakenctl.model.plan import Change, Step, Verb

Tell = Callable[[Event], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptKey:
    """An issued key whose secret is in the store."""

    created: int
    public_key: str
    pair: KeyPair | None  # None: this host cannot read the store


@dataclass(slots=True)
class Work:
    """Mutable on purpose: it is the one place where progress is written down during a run."""

    change: Change
    tell: Tell
    journal: Journal
    done: list[Step] = field(default_factory=list)
    result: Result | None = None  # None: still under way
    message: str = ""
    hint: str = ""
    code: str = ""
    verdict: str = ""
    intent: Intent | None = None  # as journalled, from its beginning on
    issued: IssuedKey | None = None  # by this run; its secret is nowhere else yet
    kept: KeptKey | None = None  # issued, and its secret stored
    take_request: Callable[[], str] = lambda: ""  # see Surface.take_request; its surface's, once that is open

    @property
    def open(self) -> bool:
        return self.result is None

    @contextmanager
    def step(self, verb: Verb, name: str) -> Iterator[Callable[[], None]]:
        """Run one step; an error of ours ends this change and no other.

        The body begins with a call of what it is given: that asks leave, and raises where there is none. (A context
        manager that raised by itself could not keep its error to this change.)
        """
        step = Step(verb, name)
        self._tell(step, None)

        def leave() -> None:
            if verb is not Verb.STORE:  # what is issued is stored, whatever has happened meanwhile
                self.journal.before()
            if not self.done:
                self.journal.begun(self.change)

        try:
            yield leave
        except KrakenctlError as problem:
            self.fail(problem)
            self._record(step, Result.FAILED, problem.message)
            return
        self.done.append(step)
        self._record(step, Result.DONE)

    def _record(self, step: Step, result: Result, message: str = "") -> None:
        """To the log, and to whoever watches. A log that cannot be written stops what comes next."""
        try:
            self.journal.after(self.change, step, result, message, self.take_request())
        except (StateError, LeaseLost) as problem:
            self.fail(problem)
        self._tell(step, result, message)

    def announce(self, verb: Verb, name: str) -> None:
        """That a step is about to run; `step` says so too, unless it is hushed."""
        self._tell(Step(verb, name), None)

    @contextmanager
    def hushed(self) -> Iterator[None]:
        """Tell what happens inside only afterwards: a terminal that blocks must not stand between two steps."""
        tell, waiting = self.tell, list[Event]()
        self.tell = waiting.append
        try:
            yield
        finally:
            self.tell = tell
            for event in waiting:
                tell(event)

    def _tell(self, step: Step, result: Result | None, message: str = "") -> None:
        self.tell(Event(address=self.change.address, step=step, result=result, message=message))

    def fail(self, problem: KrakenctlError) -> None:
        self.end(Result.FAILED, problem.message, problem.hint, problem.code)

    def end(self, result: Result, message: str = "", hint: str = "", code: str = "") -> None:
        """The first ending counts."""
        if self.result is None:
            self.result, self.message, self.hint, self.code = result, message, hint, code
            if result is Result.DONE:
                with suppress(StateError, LeaseLost):  # it is marked as begun, and the next plan finds it done
                    self.journal.done(self.change)

    def reopen(self) -> None:
        """Undo an ending that time may heal: there was no room, and soon there will be."""
        self.result, self.message, self.hint, self.code = None, "", "", ""

    def outcome(self) -> Outcome:
        return Outcome(
            address=self.change.address,
            action=self.change.action,
            result=self.result or Result.DONE,
            message=self.message,
            hint=self.hint,
            code=self.code,
            steps_done=tuple(self.done),
            verdict=self.verdict,
            live_name=self._live_name(),
        )

    def _live_name(self) -> str:
        new = self.change.new
        return new.name if new and any(step.verb in (Verb.PROMOTE, Verb.UPDATE) for step in self.done) else ""
