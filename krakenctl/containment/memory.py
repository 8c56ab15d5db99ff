"""What the state is told when the kill switch is used, as far as it can be told anything."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from krakenctl.errors import KrakenctlError
from krakenctl.model.address import Address
from krakenctl.model.containment import Fate, Found, KeyFate, Wish
from krakenctl.model.recorded import Containment
from krakenctl.model.run import Deed, Run
from krakenctl.state.base import State


@dataclass(slots=True)
class Memory:
    """Nothing here stops the kill switch: what cannot be told is a note in its report."""

    state: State | None
    run: Run
    now: int
    notes: list[str] = field(default_factory=list)
    head: str = ""

    def begin(self, wish: Wish, found: Found, declared: set[Address]) -> None:
        """Before the first key goes: running applies stop, and nobody makes these keys again unasked."""
        ours = {each.address for each in found.doomed if each.address is not None}
        accounts = found.accounts if wish.under else ()
        by = Containment(at=self.now, who=self.run.who, reason=self.run.reason)
        told = f"{len(found.doomed)} live keys on {len(found.accounts)} accounts"

        def deed(state: State) -> None:
            state.contain({*ours, *declared}, accounts, by)
            self.head = state.log.append(self._deed("contain", "done", name=wish.under, message=told))

        self._tell(deed)

    def end(self, fates: Sequence[KeyFate]) -> None:
        gone = {(fate.account, fate.name) for fate in fates if fate.fate is not Fate.FAILED}

        def deed(state: State) -> None:
            for fate in fates:
                self.head = state.log.append(self._line(fate))
            for trace in state.read().traces:
                if (trace.account, trace.live_name) in gone:
                    state.revoked(trace.address, trace.live_name)

        self._tell(deed)

    def _tell(self, deed: Callable[[State], None]) -> None:
        try:
            if self.state is not None:
                deed(self.state)
        except KrakenctlError as problem:
            self.state = None
            self.notes.append(f"the state was not told: {problem.message}")

    def _line(self, fate: KeyFate) -> Deed:
        outcome = {Fate.REVOKED: "done", Fate.GONE: "gone", Fate.FAILED: "failed"}[fate.fate]
        deed = self._deed("revoke", outcome, name=fate.name, message=fate.message)
        return replace(deed, address=fate.address, account=fate.account, request=fate.request)

    def _deed(self, verb: str, outcome: str, *, name: str, message: str) -> Deed:
        return Deed(at=self.now, run=self.run, verb=verb, outcome=outcome, name=name, message=message)
