"""A saved plan, when it is to be applied: is it for this place and this hour, and what of it is still open?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from krakenctl.apply.freshness import elsewhere, is_done, moved
from krakenctl.errors import PlanStale, SafetyStop
from krakenctl.model.plan import Plan, SavedPlan
from krakenctl.model.time import show_time
from krakenctl.model.workspace import Workspace
from krakenctl.state.base import State

CLOCK_SLACK = 120  # seconds that a plan may seem to come from the future
AGAIN = "plan again, and look again"


def open_part(
    saved: SavedPlan, workspace: Workspace, state: State, now: int, draw: Callable[[int], Plan]
) -> Plan | None:
    """What of it is still to be done, drawn afresh as of the plan's own time; None: all of it was done before.

    Raises PlanStale, saying what moved, unless it is the same plan. A plan of the future shows what will be due.
    Raises SafetyStop for it: what is due then is not due now.
    """
    _refuse_elsewhere(saved, workspace, state)
    if is_done(saved.plan, state.marks(saved.digest)):
        return None
    _refuse_untimely(saved, now)
    fresh = draw(saved.plan.now)
    if differences := moved(saved.plan, fresh, state.marks(saved.digest)):
        message = "the world moved since this plan was made; nothing of it was done"
        raise PlanStale(message, differences=differences, hint=AGAIN)
    return replace(fresh, saved=saved.digest)


def _refuse_elsewhere(saved: SavedPlan, workspace: Workspace, state: State) -> None:
    lineage = state.read().lineage
    if differences := elsewhere(saved.plan, workspace.name, workspace.endpoint, lineage):
        message = "this plan was not made for this workspace, exchange and state; nothing of it was done"
        raise PlanStale(message, differences=differences, hint=AGAIN)


def _refuse_untimely(saved: SavedPlan, now: int) -> None:
    if saved.plan.now > now + CLOCK_SLACK:
        raise SafetyStop(
            f"this plan is as of {show_time(saved.plan.now)}, which is still to come; nothing of it was done",
            hint="plan without --as-of what is to be applied now",
        )
    if now >= saved.expires:
        raise PlanStale(
            f"this plan expired at {show_time(saved.expires)}, and it is {show_time(now)}; nothing of it was done",
            hint=f"{AGAIN}; `plan --expires` says for how long a plan may be applied",
        )
