"""What the state is told when the kill switch is used, as far as it can be told anything."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from queue import Empty, SimpleQueue
from threading import Thread

from krakenctl.errors import KrakenctlError, StateError
from krakenctl.model.address import Address
from krakenctl.model.containment import Fate, Found, KeyFate, SwitchWish
from krakenctl.model.recorded import Containment, Recorded, RecordedKey
from krakenctl.model.run import Deed, Run
from krakenctl.state.base import State, StateHome

GLANCE_SECONDS = 3.0  # in which a state is to say what it remembers
HEAD_START_SECONDS = 1.0  # in which it is to be told, before the first key goes all the same

_FORGOTTEN = (
    "this is not remembered, and the next apply will issue these keys again: stop your pipelines, and run this command "
    "again when the state is back"
)
_LEFT = "no apply makes these keys again unasked, but the audit log lacks this: run this command again"


@dataclass(slots=True)
class Memory:
    """Nothing here stops the kill switch, or holds it up: what cannot be told is a note in its report."""

    run: Run
    now: int
    home: StateHome | None = None  # None: there is no state
    notes: list[str] = field(default_factory=list)
    head: str = ""
    complete: bool = False  # it was told everything
    _state: State | None = None
    _contained: bool = False  # nobody makes these keys again unasked
    _beside: Thread | None = None
    _first: Callable[[State], None] | None = None  # what is still to be told of the beginning
    _problem: str = ""

    def begin(self, wish: SwitchWish, found: Found, declared: set[Address]) -> None:
        """Running applies stop, and nobody makes these keys again unasked: from before the first key goes, if the state
        answers at once. One that does not is told beside the revoking, which does not wait for it."""
        ours = {each.address for each in found.doomed if each.address is not None}
        accounts = found.accounts if wish.under else ()
        by = Containment(at=self.now, who=self.run.who, reason=self.run.reason)
        told = f"{len(found.doomed)} live keys on {len(found.accounts)} accounts"

        def deed(state: State) -> None:
            state.contain({*ours, *declared}, accounts, by)
            self._contained = True
            self.head = state.log.append(self._deed("contain", "done", name=wish.under, message=told))
            self._first = None

        self._first = deed
        self._beside = Thread(target=self._tell, args=(deed,), name="state", daemon=True)
        self._beside.start()
        self._beside.join(HEAD_START_SECONDS)

    def end(self, fates: Sequence[KeyFate]) -> None:
        """With the keys gone there is time: what the state was not told yet it is told now, with all patience."""

        def deed(state: State) -> None:
            recorded = state.read()
            known = {(each.account, each.live_name): each for each in (*recorded.given, *recorded.traces)}
            for fate in fates:
                key, line = known.get((fate.account, fate.name)), self._line(fate)
                if isinstance(key, RecordedKey) and fate.fate is Fate.CLAIMED:
                    state.update(self._claimed(key, unheard=fate.unheard), deeds=(line,))
                elif key is None or fate.fate in (Fate.FAILED, Fate.CLAIMED):
                    state.log.append(line)
                else:  # both or none: should this be killed, the next one tells what is left
                    state.revoked(key.address, key.live_name, deeds=(line,))
            self.head = state.log.head()

        if self._beside is not None:
            self._beside.join()
        begun = self._first is None or self._tell(self._first)
        self.complete = begun and self._tell(deed)
        if not self.complete:
            self.notes += [f"the state was not told: {self._problem}"] if self._problem else []
            self.notes.append(_LEFT if self._contained else _FORGOTTEN)

    def close(self) -> None:
        if self._state is not None:
            self._state.close()

    def _tell(self, deed: Callable[[State], None]) -> bool:
        if self.home is None:
            return False
        try:
            if self._state is None:
                self._state = self.home.open()
            deed(self._state)
        except KrakenctlError as problem:
            self._problem = problem.message
        except Exception as problem:  # noqa: BLE001 - the keys that are still to go matter more
            self._problem = f"a mistake of krakenctl's ({type(problem).__name__})"
        else:
            return True
        return False

    def _claimed(self, key: RecordedKey, *, unheard: bool) -> RecordedKey:
        claim = replace(key, claimed_by=self.run.who, claimed_at=self.now, unheard=unheard)
        return replace(claim, retired_until=key.retired_until or self.now)

    def _line(self, fate: KeyFate) -> Deed:
        outcome = {Fate.REVOKED: "done", Fate.GONE: "gone", Fate.CLAIMED: "claimed", Fate.FAILED: "failed"}[fate.fate]
        deed = self._deed("revoke", outcome, name=fate.name, message=fate.message)
        return replace(deed, address=fate.address, account=fate.account, request=fate.request)

    def _deed(self, verb: str, outcome: str, *, name: str, message: str) -> Deed:
        return Deed(at=self.now, run=self.run, verb=verb, outcome=outcome, name=name, message=message)


def glance(home: StateHome) -> Recorded:
    """What is recorded. Raises KrakenctlError, also when the state does not say so soon."""
    answers: SimpleQueue[Recorded | KrakenctlError] = SimpleQueue()

    def ask() -> None:
        try:
            answers.put(home.read())
        except KrakenctlError as problem:
            answers.put(problem)

    Thread(target=ask, name="state", daemon=True).start()
    try:
        answer = answers.get(timeout=GLANCE_SECONDS)
    except Empty:
        raise StateError(f"it has not answered within {GLANCE_SECONDS:.0f} s") from None
    if isinstance(answer, KrakenctlError):
        raise answer
    return answer
