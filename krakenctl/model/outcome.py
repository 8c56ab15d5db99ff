"""What became of a plan, step by step."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from krakenctl.model.address import Address
from krakenctl.model.finding import Finding
from krakenctl.model.plan import Action, Step
from krakenctl.model.recovery import Recovery


class Result(StrEnum):
    DONE = "done"
    FAILED = "failed"
    BLOCKED = "blocked"  # waits for something outside this run: a person, an account
    SKIPPED = "skipped"  # hangs on something that failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Progress, as it happens: one step of one change is about to run, or has ended."""

    address: Address
    step: Step
    result: Result | None  # None: about to run
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    address: Address
    action: Action
    result: Result
    message: str = ""  # what happened, when it is not plainly done
    hint: str = ""
    code: str = ""  # of the error
    steps_done: tuple[Step, ...] = ()
    verdict: str = ""  # verified | listed | accepted | attested: how the issued key was checked
    live_name: str = ""  # the key that is current now


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """What became of a change that an earlier run had begun."""

    recovery: Recovery
    result: Result
    message: str = ""  # what happened, when it is not plainly done
    hint: str = ""
    code: str = ""  # of the error


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    outcomes: tuple[Outcome, ...]
    recovered: tuple[Recovered, ...] = ()  # before anything else was done
    findings: tuple[Finding, ...] = ()  # of the plan: what is worth a look, and what was left out
    log_head: str = ""  # the hash of the audit log's last line; empty: it could not be read

    def count(self, result: Result) -> int:
        return sum(outcome.result is result for outcome in self.outcomes)
