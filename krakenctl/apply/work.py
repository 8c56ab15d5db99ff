"""One change on its way through apply: what was done of it, and what stopped it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from krakenctl.apply.journal import Journal
from krakenctl.errors import KrakenctlError, LeaseLost, NeedsPerson, StateError
from krakenctl.model.journal import Intent, Verdict
from krakenctl.model.key import IssuedKey, KeyPair
from krakenctl.model.outcome import Event, Outcome, Result
from krakenctl.model.plan import Action, Cause, Change, Ended, Step, Verb
from krakenctl.model.run import Deed
from krakenctl.state.base import Told

Tell = Callable[[Event], None]
_ROTATES = frozenset({Cause.DUE, Cause.TRIGGER, Cause.EXPIRED})
FOUND = "found"  # the outcome of a deed that was done already: by an earlier run, or by somebody else


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
    problem: KrakenctlError | None = None  # None: no error ended it
    verdict: str = ""
    intent: Intent | None = None  # as journalled, from its beginning on
    issued: IssuedKey | None = None  # by this run; its secret is nowhere else yet
    kept: KeptKey | None = None  # issued, and its secret stored
    take_request: Callable[[], str] = lambda: ""  # see Surface.take_request; its surface's, once that is open
    findings: Callable[[Verb, str], Sequence[Deed]] | None = None  # see `found`; where an earlier run began this
    ending: Callable[[], Sequence[Ended]] | None = None  # that its change is done; where an earlier run began this
    note: str = ""  # what is to be said of it, should it be done
    untold: list[Deed] = field(default_factory=list)  # the next write of the state takes them along to the log
    _in_hand: Step | None = None  # None: none, or the log has its line

    @property
    def open(self) -> bool:
        return self.result is None

    @property
    def hint(self) -> str:
        return self.problem.hint if self.problem else ""

    @property
    def code(self) -> str:
        """For reports. What is to be done about it depends on the error's place in the tree."""
        return self.problem.code if self.problem else ""

    @property
    def owed(self) -> str:
        """What to do about a consumer without a key; empty: it has one."""
        if not self.change.gap or self.change.old is None:
            return ""
        return f"{self.change.old.name} had been revoked already: run `krakenctl recover`, which issues its successor"

    @property
    def again(self) -> str:
        """What asks for the same once more. A rotation by name, and for nothing else, is in no later plan."""
        change, causes = self.change, set(self.change.causes)
        is_by_name = change.action is Action.ROTATE and Cause.ASKED in causes and not causes & _ROTATES
        is_gone = change.gap  # then any apply issues it
        return f"run `krakenctl rotate {change.address}` again" if is_by_name and not is_gone else "run apply again"

    @property
    def way_on(self) -> str:
        """After a key that was not taken."""
        return self.owed or f"the key in use was not touched; {self.again}"

    @contextmanager
    def step(self, verb: Verb, name: str) -> Iterator[Callable[[], None]]:
        """Run one step; an error of ours ends this change and no other.

        Its line is written together with the state: by the body, see `telling`, or else by the step that follows at
        once. A step that fails is told at once.

        The body begins with a call of what it is given: that asks leave, and raises where there is none. (A context
        manager that raised by itself could not keep its error to this change.)
        """
        step = self._in_hand = Step(verb, name)
        self._tell(step, None)

        def leave() -> None:
            if verb is not Verb.STORE:  # what is issued is stored, whatever has happened meanwhile
                self.journal.before()
            if not self.done:
                self.journal.begun(self.change)

        try:
            yield leave
        except KrakenctlError as problem:
            result = _result(problem)
            self.untold.append(self._line(step, result, problem.message))
            self.fail(problem)
            self._tell_rest()
            self._tell(step, result, problem.message)
            return
        self.done.append(step)
        if self._in_hand is step:
            self.untold.append(self._line(step, Result.DONE))
        self._tell(step, Result.DONE)

    @contextmanager
    def telling(self, *, found: bool = False, message: str = "") -> Iterator[Sequence[Told]]:
        """For the write of the state with which the step in hand is done: all that is to be told together with it.

        After the last step that is also the proof that the change is done: it must never be inferred from what a later
        plan does not show. `found`: there was nothing left to do. `message`: how it was done, where that matters.
        """
        step, deeds = self._in_hand, list[Told](self.untold)
        if step is not None:
            deeds += self.found(step.verb, step.name) if found else [self._line(step, Result.DONE, message)]
        if self.change.steps[-1:] == (step,):
            deeds += [self.journal.ended(self.change)] if self.ending is None else self.ending()
        yield deeds
        self.untold, self._in_hand = [], None

    @contextmanager
    def telling_rest(self) -> Iterator[Sequence[Told]]:
        """For a write of the state in the middle of a step: what was done before is told with it."""
        yield tuple(self.untold)
        self.untold = []

    def did(self, verb: Verb, name: str, message: str) -> None:
        """A deed that is no step of its own."""
        self.untold.append(self._line(Step(verb, name), Result.DONE, message))

    def found(self, verb: Verb, name: str) -> Sequence[Deed]:
        """Lines for what was done already, unless the log has one."""
        if self.findings is not None:
            return self.findings(verb, name)
        return [self.journal.deed(self.change, Step(verb, name), FOUND, "it was gone already")]

    def _line(self, step: Step, result: Result, message: str = "") -> Deed:
        return self.journal.deed(self.change, step, result, message, self.take_request())

    def _tell_rest(self) -> None:
        """What no write of the state took along. Where not even this can be written, no later write can be either."""
        deeds, self.untold = self.untold, []
        if deeds:
            with suppress(StateError, LeaseLost):
                self.journal.tell(*deeds)

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
        if self.open:
            self.problem = problem
        self.end(_result(problem), problem.message)

    def end(self, result: Result, message: str = "") -> None:
        """The first ending counts."""
        if self.open:
            self.result, self.message = result, message
            self._tell_rest()

    def reopen(self) -> None:
        """Undo an ending that time may heal: there was no room, and soon there will be."""
        self.result, self.message, self.problem = None, "", None

    def outcome(self) -> Outcome:
        return Outcome(
            address=self.change.address,
            action=self.change.action,
            result=self.result or Result.DONE,
            message=self.message or (self.note if self.result is Result.DONE else ""),
            hint=self.hint,
            code=self.code,
            steps_done=tuple(self.done),
            verdict=Verdict.parse(self.verdict).kind,
            live_name=self._live_name(),
        )

    def _live_name(self) -> str:
        new = self.change.new
        return new.name if new and any(step.verb in (Verb.PROMOTE, Verb.UPDATE) for step in self.done) else ""


def joined(*hints: str) -> str:
    return "; ".join(filter(None, hints))


def _result(problem: KrakenctlError) -> Result:
    """What only waits for somebody has not failed."""
    return Result.BLOCKED if isinstance(problem, NeedsPerson) else Result.FAILED
