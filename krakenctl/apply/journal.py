"""What happens before and after every step of every change: leave is asked, and what became of it goes to the log."""

from __future__ import annotations

from krakenctl.apply.ports import Ports
from krakenctl.model.outcome import Result
from krakenctl.model.plan import Change, Step
from krakenctl.model.run import Deed


class Journal:
    """One for a whole run; threads may share it."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    def before(self) -> None:
        """Raises LeaseLost: then nothing may be done any more, here or anywhere."""
        self._ports.state.check()

    def begun(self, change: Change) -> None:
        """Before its first step. Raises StateError."""
        self._ports.mark(change, False)

    def done(self, change: Change) -> None:
        """All its steps are taken. Raises StateError."""
        self._ports.mark(change, True)

    def remembered(self, change: Change, name: str) -> None:
        """A line for what no step shows: our memory of the key changed, its protection for one."""
        why = "; ".join(change.reasons)
        self._append(change, "remember", name, Result.DONE, message=why)

    def after(self, change: Change, step: Step, result: Result, message: str = "", request: str = "") -> None:
        """One line in the audit log; `request`: the exchange's id of the call that was made. Raises StateError."""
        self._append(change, step.verb.value, step.name, result, message=message, request=request)

    def _append(self, change: Change, verb: str, name: str, result: Result, *, message: str, request: str = "") -> None:
        deed = Deed(
            at=self._ports.now(),
            run=self._ports.run,
            verb=verb,
            outcome=result.value,
            address=change.address,
            account=change.account,
            name=name,
            message=message,
            request=request,
        )
        self._ports.state.log.append(deed)
