"""Who does something, in which run, and what a line of the audit log says of it. Never a secret."""

from __future__ import annotations

from dataclasses import dataclass, replace

from krakenctl.model.address import Address
from krakenctl.model.time import show_time


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One mutating command, from its lease to its last step."""

    id: str  # unique; in the lease, the journal and the log
    who: str  # a person or a pipeline, as far as the surroundings tell
    host: str
    command: str  # `apply`, `tick`, …
    plan: str = ""  # the digest of the plan being applied; empty: none
    reason: str = ""  # why a safety limit was raised, a lease broken, a key revoked

    def of_plan(self, plan: str) -> Run:
        """The same run, about what belongs to another plan."""
        return replace(self, plan=plan)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """One thing done or tried, for the audit log."""

    at: int  # unix seconds, on the exchange's clock
    run: Run
    verb: str  # of the step, or of what is no step: `unlock`, `allow`
    outcome: str  # done | failed | …
    address: Address | None = None
    account: str = ""
    name: str = ""  # live name of the key, or user name of the sub-account
    message: str = ""
    request: str = ""  # the exchange's id of the request, where it told one


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to change things in one workspace. `fence` rises with every holder and never falls."""

    fence: int
    run: Run
    pid: int
    process: str  # what tells this process from a later one of the same number: boot and start
    since: float  # unix seconds on the clock of the state's home
    beat: float  # the same: when its holder was last known to be alive
    seconds: float  # how long after a beat it may be taken over
    asked: float  # the same clock, when this was read
    dead: Run | None = None  # whose lease it was, when it was taken over from a dead holder

    @property
    def silence(self) -> float:
        """Seconds without a sign of life."""
        return max(0.0, self.asked - self.beat)

    def sentence(self) -> str:
        """For people: who has it, and since when."""
        where = f"`krakenctl {self.run.command}` on {self.run.host}, process {self.pid}"
        life = f"since {show_time(int(self.since))}, last sign of life {self.silence:.0f} s ago"
        return f"{self.run.who} is changing this workspace ({where}, {life})"
