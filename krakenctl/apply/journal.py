"""What happens before and after every step of every change: leave is asked, and what became of it goes to the log."""

from __future__ import annotations

from krakenctl.apply.ports import Ports
from krakenctl.model.outcome import Result
from krakenctl.model.plan import Change, Ended, Mark, Step
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
        self._ports.mark(change)

    def ended(self, change: Change, plan: str | None = None) -> Ended:
        """For the write of the state with which it is done. `plan`: the digest, where an earlier run began it."""
        mark = Mark(change=change.handle, at=self._ports.now(), who=self._ports.run.who, done=True)
        return Ended(plan=self._ports.run.plan if plan is None else plan, mark=mark)

    def remembered(self, change: Change, name: str) -> Deed:
        """What no step shows: our memory of the key changed, its protection for one."""
        return self._deed(change, "remember", name, outcome=str(Result.DONE), message="; ".join(change.reasons))

    def deed(self, change: Change, step: Step, outcome: str, message: str = "", request: str = "") -> Deed:
        """A line for the log, not written yet; `request`: the exchange's id of the call that was made."""
        return self._deed(change, step.verb.value, step.name, outcome=str(outcome), message=message, request=request)

    def tell(self, deed: Deed, *more: Deed) -> None:
        """What no write of the state takes along. Raises StateError."""
        self._ports.state.log.append(deed, *more)

    def _deed(self, change: Change, verb: str, name: str, *, outcome: str, message: str, request: str = "") -> Deed:
        return Deed(
            at=self._ports.now(),
            run=self._ports.run,
            verb=verb,
            outcome=outcome,
            address=change.address,
            account=change.account,
            name=name,
            message=message,
            request=request,
        )
