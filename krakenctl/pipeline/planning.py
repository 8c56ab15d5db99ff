"""From what is remembered and seen to a guarded plan: what is under way first, then the changes, then the limits."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from krakenctl.model.live import LiveAccount
    from krakenctl.model.plan import Plan
    from krakenctl.model.recorded import Recorded
    from krakenctl.model.safety import Raised
    from krakenctl.observe.lookout import Lookout
    from krakenctl.pipeline.underway import UnderWay
    from krakenctl.plan.authority import Errand
    from krakenctl.plan.guard import Own, PlanGround
    from krakenctl.project import Project
    from krakenctl.stores.base import Store


@dataclass(frozen=True, slots=True)
class Picture:
    """All that bears on a workspace at one moment. `store`: by name; raises KrakenctlError."""

    recorded: Recorded
    live: Mapping[str, LiveAccount]
    plan: Plan
    store: Callable[[str], Store]
    stopped: Mapping[str, str]  # accounts that are not the known ones, and why: no run would go on


@dataclass(frozen=True, slots=True, kw_only=True)
class Planning:
    """For one command. Changes nothing."""

    project: Project
    recorded: Callable[[], Recorded]
    lookout: Lookout
    under_way: UnderWay
    store: Callable[[str], Store]  # by name; raises KrakenctlError
    now: Callable[[], int]  # the exchange's clock
    own: Callable[[], Own]  # read only where a plan takes keys away
    raised: Raised  # which safety limits

    def plan(self, as_of: int | None, errand: Errand | None) -> Plan:
        """`as_of`: None: now. `errand`: None: apply's."""
        from krakenctl.observe import keepsakes
        from krakenctl.plan.authority import APPLY

        recorded, errand = self.recorded(), errand or APPLY
        drawn, ground = self._drawn(recorded, self.lookout.see(recorded), as_of, errand)
        told = keepsakes.findings(drawn, recorded, self.store)
        return self._guarded(replace(drawn, findings=(*drawn.findings, *told)), ground, errand)

    def picture(self, only: Callable[[Recorded], Collection[str] | None]) -> Picture:
        """`only`: the accounts to look at; None: all."""
        from krakenctl.plan.authority import APPLY

        recorded = self.recorded()
        live, stopped = self.lookout.see_what_can_be(recorded, only(recorded))
        drawn, ground = self._drawn(recorded, dict(live), None, APPLY)
        return Picture(recorded, live, self._guarded(drawn, ground, APPLY), self.store, stopped)

    def _drawn(
        self, recorded: Recorded, live: dict[str, LiveAccount], as_of: int | None, errand: Errand
    ) -> tuple[Plan, PlanGround]:
        """For the world as it will be once what is under way has been seen to."""
        from krakenctl.observe import keepsakes
        from krakenctl.plan import renamed
        from krakenctl.plan.guard import PlanGround
        from krakenctl.plan.planner import Inputs, plan

        after, seen, recovery = self.under_way.after(recorded, live, self.now())
        after = renamed.carried(self.project.desired, after, seen)
        inputs = Inputs(
            workspace=self.project.workspace,
            desired=self.project.desired,
            live=seen,
            recorded=after,
            recovery=recovery,
            now=self.now() if as_of is None else as_of,
            findings=self.project.warnings,
            errand=errand,
        )
        drawn = keepsakes.held_back(plan(inputs), recorded, seen, self.store)
        return drawn, PlanGround(desired=self.project.desired, recorded=after, own=self.own)

    def _guarded(self, plan: Plan, ground: PlanGround, errand: Errand) -> Plan:
        from krakenctl.plan.authority import Tick
        from krakenctl.plan.guard import guarded, unattended

        plan = unattended(plan, ground) if isinstance(errand, Tick) else plan
        return guarded(plan, ground, self.project.workspace.safety, self.raised)
