"""Runs of krakenctl with a person at hand, in this process: a robot that does as told on the sandbox's website."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from desk import HOME, Desk, account, key
from krakenctl.actor import new_run
from krakenctl.model.outcome import Outcome, Recovered, Report
from krakenctl.model.plan import Plan
from krakenctl.plan.authority import Errand
from krakenctl.project import open_project
from krakenctl.surfaces.person import Person
from krakenctl.workflow import open_desk

OPEN = ["127.0.0.1"]  # from where the embedded sandbox is called


@dataclass(frozen=True)
class Done:
    plan: Plan
    report: Report
    recovered: tuple[Recovered, ...]

    @property
    def outcome(self) -> Outcome:
        [outcome] = self.report.outcomes
        return outcome


def by_hand(**spec: Any) -> dict[str, Any]:
    """An account whose keys a person makes; this host may use them."""
    return account(surface="website", keyDefaults={"ipAllowlist": OPEN, "validFor": "180d"}, **spec)


def a_key(name: str = "bot", *permissions: str, **spec: Any) -> dict[str, Any]:
    return key(name, *permissions, **{"consumer": {"nonce": "ms"}, **spec})


def run(
    desk: Desk, person: Person | None, errand: Errand | None = None, *, watch: Callable[[object], None] = lambda _: None
) -> Done:
    """One whole run, as a command does it."""
    with (
        open_desk(open_project(desk.root), person=person) as opened,
        opened.lease(replace(new_run("apply"), who="alice", host="desk")),
    ):
        recovered = opened.recover(watch, lambda _: None, lambda: False)
        plan = opened.plan(errand=errand)
        report = opened.apply(plan, watch, lambda _: None, lambda: False)
        return Done(plan, report, recovered)


def planned(desk: Desk) -> Plan:
    with open_desk(open_project(desk.root)) as opened:
        return opened.plan()


__all__ = ["HOME", "OPEN", "Done", "a_key", "by_hand", "planned", "run"]
