"""The pipeline, from top to bottom: project → observe → plan → apply. It neither prints nor asks."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from krakenctl.errors import KrakenctlError
from krakenctl.model.safety import AS_USUAL
from krakenctl.observe.lookout import Lookout
from krakenctl.pipeline import onrecord
from krakenctl.pipeline.planning import Picture, Planning
from krakenctl.pipeline.underway import UnderWay
from krakenctl.project import Project

if TYPE_CHECKING:
    from krakenctl.apply.ports import Ports
    from krakenctl.model.address import Address
    from krakenctl.model.finding import Finding
    from krakenctl.model.human import HumanStep
    from krakenctl.model.live import LiveAccount
    from krakenctl.model.outcome import Event, Recovered, Report
    from krakenctl.model.plan import Change, Mark, Plan, SavedPlan
    from krakenctl.model.rebuilt import Rebuilt
    from krakenctl.model.recorded import Recorded
    from krakenctl.model.recovery import Recovery
    from krakenctl.model.run import Lease, Run
    from krakenctl.model.safety import Raised
    from krakenctl.observe.estate import Share
    from krakenctl.observe.means import Means
    from krakenctl.plan.authority import Errand
    from krakenctl.plan.guard import Own
    from krakenctl.state.base import State
    from krakenctl.surfaces.person import Person


@contextmanager
def open_desk(
    project: Project,
    *,
    parallelism: int | None = None,
    raised: Raised = AS_USUAL,
    person: Person | None = None,
    named: Collection[Address] = (),
    rotating: bool = False,
    say: Callable[[str], None] = lambda _: None,
) -> Iterator[Desk]:
    """`parallelism`: how many accounts at once; None: as many as is usual, and one where no answer has to travel.

    `person`: who does what no API does; None: nobody is there. `named`: keys that are asked although they were refused
    not long ago. `rotating`: keys are to be replaced by name. `say`: is told what is waited for.
    """
    from krakenctl.observe.means import open_means
    from krakenctl.pipeline import ownkeys

    hold = _Hold()
    with open_means(
        project, holding=lambda: hold.held, person=person, named=named, rotating=rotating, say=say
    ) as means:
        own = partial(ownkeys.own, project, means.credentials)
        yield Desk(means, hold, own=own, raised=raised, parallelism=parallelism or means.usual)


@dataclass(slots=True)
class _Hold:
    held: tuple[State, Run] | None = None  # while the lease is ours


class Desk:
    """A project together with its exchange, for one command. `open_desk` makes and closes it."""

    def __init__(
        self, means: Means, hold: _Hold, *, own: Callable[[], Own], raised: Raised = AS_USUAL, parallelism: int = 1
    ) -> None:
        self._means = means
        self.project = project = means.project
        self._grounds = means.grounds
        self._parallelism = parallelism  # how many accounts at once
        self._home = home = means.home
        self._hold = hold
        self._exchange = exchange = means.exchange
        self._store = store = means.store
        surface = exchange.patient
        self._lookout = Lookout(project.desired.accounts, surface, means.usernames, parallelism)
        self._under_way = UnderWay(project, surface, store, means.usernames, exchange.now, parallelism=parallelism)
        self._planning = Planning(
            project=project,
            recorded=home.read,
            lookout=self._lookout,
            under_way=self._under_way,
            store=store,
            now=exchange.now,
            own=own,
            raised=raised,
        )

    def plan(self, as_of: int | None = None, errand: Errand | None = None) -> Plan:
        """What a run would do. `as_of`: unix seconds; None: now, on the exchange's clock. `errand`: None: apply's."""
        return self._planning.plan(as_of, errand)

    def picture(self, only: Callable[[Recorded], Collection[str] | None] = lambda _: None) -> Picture:
        """What is remembered, what is live, and what apply would do about it. Changes nothing.

        `only`: the accounts to look at, from what is remembered; None: all. Of others the plan says nothing that holds.
        """
        return self._planning.picture(only)

    def look(self) -> tuple[Recorded, dict[str, LiveAccount]]:
        """What is remembered and what is live, account by account. Changes nothing."""
        recorded = self._home.read()
        return recorded, self._lookout.see(recorded)

    def foresee(self) -> tuple[Recovery, ...]:
        """What `recover` would do. Changes nothing."""
        return self._under_way.foresee(self._home.read())

    def mistaken(self) -> tuple[Finding, ...]:
        """Of keys that somebody made by mistake: there is nothing to recover of them, and they may live."""
        from krakenctl.plan import byhand

        return tuple(byhand.mistaken(intent) for intent in self._home.read().intents if intent.mistaken)

    @contextmanager
    def lease(self, run: Run, patience: float = 0, say: Callable[[str], None] = lambda _: None) -> Iterator[None]:
        """From before the plan to after its last step, nobody else changes this workspace.

        Raises LockHeld when somebody still does after `patience` seconds.
        """
        from krakenctl.state.tenure import tenure

        seconds = self.project.workspace.state.lease
        with tenure(self._home, run, seconds, patience=patience, say=say, now=self.now) as state:
            self._hold.held = state, run
            try:
                yield
            finally:
                self._hold.held = None

    def running(self) -> Lease | None:
        """Who is changing this workspace right now, as far as anybody can tell: what is under way is theirs."""
        from krakenctl.state.leases import is_dead

        held = self._home.read().lease
        return None if held is None or is_dead(held) else held

    def recover(
        self, tell: Callable[[Event], None], say: Callable[[str], None], interrupted: Callable[[], bool]
    ) -> tuple[Recovered, ...]:
        """Before anything else, while the lease is held: finish or undo what an earlier run has begun."""
        return self._under_way.recover(self.recorded, self._ports(tell, say, interrupted))

    def answer(self, address: Address, *, exists: bool, name: str = "") -> str:
        """A person found out whether a sub-account or key came to be; returns why nothing but their word says so.

        Raises UsageError where nothing asks for it, or the key answers.
        """
        from krakenctl.pipeline.answering import Answer, answer

        state, run = self.holding
        given = Answer(address=address, exists=exists, name=name)
        return answer(state, run, given, lambda account: self._exchange.patient(account).list_keys(), now=self.now())

    @property
    def holding(self) -> tuple[State, Run]:
        """Who holds the lease, and of what: for the task that does more than plan and apply. See `onrecord`."""
        if self._hold.held is None:
            raise RuntimeError("whoever changes something holds the lease")
        return self._hold.held

    @property
    def recorded(self) -> Recorded:
        """What is remembered now, while the lease is held."""
        return self.holding[0].read()

    def known_of(self, account: str) -> Share:
        """What is ours there, and what its keys have answered."""
        return self._grounds.estate.of(account)

    def refresh(self, saved: SavedPlan) -> Plan | None:
        """The open part of a saved plan, drawn afresh; None: all of it was done before. Raises PlanStale."""
        from krakenctl.pipeline.saved import open_part

        state, _ = self.holding
        return open_part(saved, self.project.workspace, state, self.now(), self.plan)

    def marks(self, saved: SavedPlan) -> tuple[Mark, ...]:
        """What earlier runs did in the name of a saved plan."""
        return self.holding[0].marks(saved.digest)

    def human_steps(self, plan: Plan) -> tuple[HumanStep, ...]:
        """What a person is to do by it, while the lease is held."""
        from krakenctl.plan.human import human_steps

        recorded = self.recorded
        return human_steps(plan, recorded.intents, recorded.keys)

    def show(self, plan: Plan) -> None:
        """These steps are shown to somebody: what they make by them is what a later run asks for."""
        state, run = self.holding
        recorded = state.read()
        if seen := self._lookout.new(plan, recorded):
            state.remember_account(*seen)
        onrecord.shown(state, run, plan, recorded, self.now())

    def apply(
        self,
        plan: Plan,
        tell: Callable[[Event], None],
        say: Callable[[str], None],
        interrupted: Callable[[], bool],
    ) -> Report:
        """Do it, while the lease is held.

        Everything that can be blamed on one change is in the report; other errors of ours are raised.
        """
        from krakenctl.apply.executor import execute
        from krakenctl.plan import planfile
        from krakenctl.plan.human import human_steps

        state, run = self.holding
        run = replace(run, plan=plan.saved or planfile.digest(plan))
        self._hold.held = state, run
        onrecord.allowed(state, run, plan, self.now())
        onrecord.settled(state, run, plan, self.now())
        onrecord.clocks(state, run, plan, self.now())
        self._grounds.steps.update(step.account for step in human_steps(plan))
        if seen := self._lookout.new(plan, state.read()):
            state.remember_account(*seen)
        ports = self._ports(tell, say, interrupted)
        report = execute(plan, state.read(), replace(ports, mark=self._mark) if plan.saved else ports)
        return replace(report, log_head=self.log_head())

    def _mark(self, change: Change) -> None:
        state, run = self.holding
        onrecord.begun(state, run, change, self.now())

    def log_head(self) -> str:
        """What every report ends with; empty where it cannot be read, which is no reason to lose the report."""
        state, _ = self.holding
        with suppress(KrakenctlError):
            return state.log.head()
        return ""

    def rebuild(self, lineage: str = "", *, replace: bool = False, without_secrets: bool = False) -> Rebuilt:
        """What the state must have been, if it is lost; `replace`: or even if it is not. Changes nothing."""
        from krakenctl.pipeline.lost import from_what_is_left

        return from_what_is_left(self._means, self._lookout, lineage, replace=replace, without_secrets=without_secrets)

    def restore(self, rebuilt: Rebuilt) -> str:
        """Remember it, while the lease is held. Returns what the state before it is called now; empty: it was empty."""
        from krakenctl.pipeline import rebuild

        state, run = self.holding
        return rebuild.write(state, run, rebuilt, self._exchange.now())

    def now(self) -> int:
        """Unix seconds on the exchange's clock."""
        return self._exchange.now()

    def _ports(
        self, tell: Callable[[Event], None], say: Callable[[str], None], interrupted: Callable[[], bool]
    ) -> Ports:
        from krakenctl.apply.ports import Ports, unfailing

        state, run = self.holding
        return Ports(
            surface=self._exchange.surface,
            master=self._exchange.master,
            store=self._store,
            state=state,
            run=run,
            look_again=lambda name: self._lookout.look_again(name, self._home.read, state.remember_account),
            now=self._exchange.now,
            wait=time.sleep,
            chance=random.random,
            parallelism=self._parallelism,
            say=unfailing(say),
            interrupted=interrupted,
            tell=unfailing(tell),
        )
