"""The pipeline, from top to bottom: project → observe → plan → apply. It neither prints nor asks."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from krakenctl import parallel
from krakenctl.apply.patience import PatientSurface, Quietly
from krakenctl.errors import KrakenctlError, SafetyStop
from krakenctl.model.recorded import RecordedAccount
from krakenctl.model.safety import AS_USUAL
from krakenctl.model.workspace import SANDBOX
from krakenctl.project import Project
from krakenctl.underway import UnderWay

if TYPE_CHECKING:
    from krakenctl.apply.ports import Ports
    from krakenctl.exchange import Exchange
    from krakenctl.model.address import Address
    from krakenctl.model.desired import DesiredAccount
    from krakenctl.model.journal import Intent
    from krakenctl.model.live import LiveAccount
    from krakenctl.model.outcome import Event, Recovered, Report
    from krakenctl.model.plan import Change, Mark, Plan, SavedPlan
    from krakenctl.model.rebuilt import Rebuilt
    from krakenctl.model.recorded import Recorded
    from krakenctl.model.recovery import Recovery
    from krakenctl.model.run import Lease, Run
    from krakenctl.model.safety import Raised
    from krakenctl.plan.authority import Errand
    from krakenctl.plan.guard import Own
    from krakenctl.premises import Grounds
    from krakenctl.state.base import State, StateHome
    from krakenctl.stores.base import Store
    from krakenctl.surfaces.base import Surface
    from krakenctl.surfaces.person import Person


@contextmanager
def open_desk(
    project: Project,
    environ: Mapping[str, str] | None = None,
    parallelism: int | None = None,
    raised: Raised = AS_USUAL,
    person: Person | None = None,
) -> Iterator[Desk]:
    """`parallelism`: how many accounts at once; None: as many as is usual, and one where no answer has to travel.

    `person`: who does what no API does; None: nobody is there.
    """
    from krakenctl import opening, ownkeys
    from krakenctl.premises import Grounds

    environ = os.environ if environ is None else environ
    workspace = project.workspace
    usernames = {account.name: account.username for account in project.desired.accounts.values()}
    stores = opening.stores(project, environ)
    credentials = opening.credentials(project, environ, stores)
    home = opening.state_home(project.root, workspace.state, environ)
    own = partial(ownkeys.own, project, credentials)
    usual = 1 if workspace.endpoint == SANDBOX else parallel.usual()
    grounds = Grounds(project, home.read, stores, person)
    with opening.exchange(project.root, workspace, credentials, usernames, grounds.of) as exchange:
        yield Desk(
            project,
            exchange,
            stores,
            home,
            usernames,
            own=own,
            grounds=grounds,
            raised=raised,
            parallelism=parallelism or usual,
        )


@dataclass(frozen=True, slots=True)
class Picture:
    """All that bears on a workspace at one moment. `store`: by name; raises KrakenctlError."""

    recorded: Recorded
    live: Mapping[str, LiveAccount]
    plan: Plan
    store: Callable[[str], Store]
    stopped: Mapping[str, str]  # accounts that are not the known ones, and why: no run would go on


class Desk:
    """A project together with its exchange, for one command. `open_desk` makes and closes it."""

    def __init__(
        self,
        project: Project,
        exchange: Exchange,
        store: Callable[[str], Store],
        home: StateHome,
        usernames: dict[str, str],
        *,
        own: Callable[[], Own],
        grounds: Grounds,
        raised: Raised = AS_USUAL,
        parallelism: int = 1,
    ) -> None:
        self.project = project
        self._own = own
        self._grounds = grounds
        grounds.estate.holding = lambda: self._held
        grounds.estate.now = exchange.now
        self._raised = raised  # which safety limits, for this command
        self._parallelism = parallelism  # how many accounts at once
        self._turn = threading.Lock()  # of who compares what it saw with what is remembered
        self._home = home
        self._held: tuple[State, Run] | None = None  # while the lease is ours
        self._exchange = exchange
        self._store = store
        self._usernames = usernames  # by account; the exchange reads it
        self._under_way = UnderWay(project, self._patient, store, usernames, exchange.now, parallelism=parallelism)

    def plan(self, as_of: int | None = None, errand: Errand | None = None) -> Plan:
        """What a run would do. `as_of`: unix seconds; None: now, on the exchange's clock. `errand`: None: apply's."""
        from krakenctl import keepsakes
        from krakenctl.plan.authority import APPLY

        recorded = self._recorded()
        drawn, after = self._drawn(recorded, self._observe(recorded), as_of, errand or APPLY)
        told = keepsakes.findings(drawn, recorded, self._store)
        return self._guard(replace(drawn, findings=(*drawn.findings, *told)), after, errand or APPLY)

    def _drawn(
        self, recorded: Recorded, live: dict[str, LiveAccount], as_of: int | None, errand: Errand
    ) -> tuple[Plan, Recorded]:
        """The plan, and what will be recorded once what is under way has been seen to: the world that it is for."""
        from krakenctl.plan.planner import Inputs, plan

        after, seen, recovery = self._under_way.after(recorded, live, self._exchange.now())
        drawn = plan(
            Inputs(
                workspace=self.project.workspace,
                desired=self.project.desired,
                live=seen,
                recorded=after,
                recovery=recovery,
                now=self._exchange.now() if as_of is None else as_of,
                findings=self.project.warnings,
                errand=errand,
            )
        )
        return drawn, after

    def picture(self, only: Callable[[Recorded], Collection[str] | None] = lambda _: None) -> Picture:
        """What is remembered, what is live, and what apply would do about it. Changes nothing.

        `only`: the accounts to look at, from what is remembered; None: all. Of others the plan says nothing that holds.
        """
        from krakenctl.plan.authority import APPLY

        recorded = self._recorded()
        live, stopped = self._observe_all(recorded, only(recorded))
        drawn, after = self._drawn(recorded, dict(live), None, APPLY)
        return Picture(recorded, live, self._guard(drawn, after, APPLY), self._store, stopped)

    def _observe_all(
        self, recorded: Recorded, only: Collection[str] | None
    ) -> tuple[dict[str, LiveAccount], dict[str, str]]:
        """An account that is not the known one stops a run; here it is told of, and the others are looked at."""
        from krakenctl.model.live import LiveAccount, Phase

        names = {*self.project.desired.accounts, *(trace.account for trace in recorded.traces)}
        stopped: dict[str, str] = {}
        while True:
            try:
                live = self._observe(recorded, (names if only is None else set(only)) - stopped.keys())
            except SafetyStop as problem:
                if problem.address not in names - stopped.keys():
                    raise
                stopped[problem.address] = problem.message
            else:
                blind = {
                    name: LiveAccount(name=name, phase=Phase.REQUESTED, reason=why) for name, why in stopped.items()
                }
                return live | blind, stopped

    def _guard(self, plan: Plan, recorded: Recorded, errand: Errand) -> Plan:
        from krakenctl.plan.authority import Tick
        from krakenctl.plan.guard import Ground, guarded, unattended

        ground = Ground(desired=self.project.desired, recorded=recorded, own=self._own)
        plan = unattended(plan, ground) if isinstance(errand, Tick) else plan
        return guarded(plan, ground, self.project.workspace.safety, self._raised)

    def look(self) -> tuple[Recorded, dict[str, LiveAccount]]:
        """What is remembered and what is live, account by account. Changes nothing."""
        recorded = self._recorded()
        return recorded, self._observe(recorded)

    def foresee(self) -> tuple[Recovery, ...]:
        """What `recover` would do. Changes nothing."""
        return self._under_way.foresee(self._recorded())

    @contextmanager
    def lease(self, run: Run, patience: float = 0, say: Callable[[str], None] = lambda _: None) -> Iterator[None]:
        """From before the plan to after its last step, nobody else changes this workspace.

        Raises LockHeld when somebody still does after `patience` seconds.
        """
        from krakenctl.state.tenure import tenure

        seconds = self.project.workspace.state.lease
        with tenure(self._home, run, seconds, patience=patience, say=say, now=self.now) as state:
            self._held = state, run
            try:
                yield
            finally:
                self._held = None

    def running(self) -> Lease | None:
        """Who is changing this workspace right now, as far as anybody can tell: what is under way is theirs."""
        from krakenctl.state.leases import is_dead

        held = self._recorded().lease
        return None if held is None or is_dead(held) else held

    def recover(
        self, tell: Callable[[Event], None], say: Callable[[str], None], interrupted: Callable[[], bool]
    ) -> tuple[Recovered, ...]:
        """Before anything else, while the lease is held: finish or undo what an earlier run has begun."""
        return self._under_way.recover(self._holding()[0].read(), self._ports(tell, say, interrupted))

    def answer(self, address: Address, *, exists: bool) -> None:
        """A person found out whether a sub-account came to be. Raises UsageError where nothing asks for that."""
        from krakenctl.underway import answer

        state, run = self._holding()
        answer(state, run, address, exists=exists, now=self.now())

    def vouch(self, intent: Intent, verdict: str, heard: str = "") -> None:
        """A key that waits was looked at elsewhere, and is right. `heard`: its public key, if it answered this host."""
        from krakenctl.model.journal import Stage
        from krakenctl.model.run import Deed

        state, run = self._holding()
        deed = Deed(
            at=self.now(),
            run=run,
            verb="attest",
            outcome="done",
            address=intent.address,
            account=intent.account,
            name=intent.live_name,
            message=verdict,
        )
        state.advance(intent.address, intent.live_name, Stage.CHECKED, verdict, deeds=[deed])
        if heard:
            state.hear(heard, run.host, answers=True)

    def refresh(self, saved: SavedPlan) -> Plan | None:
        """The open part of a saved plan, drawn afresh; None: all of it was done before. Raises PlanStale."""
        from krakenctl.saved import open_part

        state, _ = self._holding()
        return open_part(saved, self.project.workspace, state, self.now(), self.plan)

    def marks(self, saved: SavedPlan) -> tuple[Mark, ...]:
        """What earlier runs did in the name of a saved plan."""
        return self._holding()[0].marks(saved.digest)

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

        state, run = self._holding()
        self._held = state, replace(run, plan=plan.saved or planfile.digest(plan))
        self._log_allowed(plan)
        self._grounds.steps.update(step.account for step in human_steps(plan))
        if seen := self._accounts_seen(plan, state.read()):
            state.remember_account(*seen)
        ports = self._ports(tell, say, interrupted)
        report = execute(plan, state.read(), replace(ports, mark=self._mark) if plan.saved else ports)
        return replace(report, log_head=self.log_head())

    def _log_allowed(self, plan: Plan) -> None:
        """Whoever raises a safety limit is on the record, before anything is done."""
        from krakenctl.model.run import Deed

        state, run = self._holding()
        if told := "; ".join(f"{block.limit.value}: {block.message}" for block in plan.blocks if block.allowed):
            state.log.append(Deed(at=self.now(), run=run, verb="allow", outcome="done", message=told))

    def _mark(self, change: Change) -> None:
        """As begun; what ends it, says so itself."""
        from krakenctl.model.plan import Mark

        state, run = self._holding()
        state.mark(run.plan, Mark(change=change.handle, at=self.now(), who=run.who, done=False))

    def log_head(self) -> str:
        """What every report ends with; empty where it cannot be read, which is no reason to lose the report."""
        state, _ = self._holding()
        with suppress(KrakenctlError):
            return state.log.head()
        return ""

    def rebuild(self, lineage: str = "", *, replace: bool = False, without_secrets: bool = False) -> Rebuilt:
        """What the state must have been, if it is lost; `replace`: or even if it is not. Changes nothing."""
        from krakenctl import rebuild
        from krakenctl.model.recorded import Recorded

        recorded = self._recorded()
        if not replace:
            rebuild.refuse_content(recorded)
        live = self._observe(Recorded(lineage="", accounts=recorded.accounts))
        lost = not rebuild.has_content(recorded)
        return rebuild.draw(
            self.project,
            live,
            self._store,
            now=self._exchange.now(),
            lineage=lineage,
            lost=lost,
            without_secrets=without_secrets,
            given=recorded.given,
            begun=recorded.intents,
            adopted=tuple(key for key in recorded.keys.values() if key.without_secret),
        )

    def restore(self, rebuilt: Rebuilt) -> str:
        """Remember it, while the lease is held. Returns what the state before it is called now; empty: it was empty."""
        from krakenctl import rebuild

        state, run = self._holding()
        return rebuild.write(state, run, rebuilt, self._exchange.now())

    def now(self) -> int:
        """Unix seconds on the exchange's clock."""
        return self._exchange.now()

    def _holding(self) -> tuple[State, Run]:
        if self._held is None:
            raise RuntimeError("whoever changes something holds the lease")
        return self._held

    def _ports(
        self, tell: Callable[[Event], None], say: Callable[[str], None], interrupted: Callable[[], bool]
    ) -> Ports:
        from krakenctl.apply.ports import Ports, unfailing

        state, run = self._holding()
        return Ports(
            surface=self._exchange.surface,
            master=self._exchange.master,
            store=self._store,
            state=state,
            run=run,
            look_again=lambda name: self._look_again(name, state.remember_account),
            now=self._exchange.now,
            wait=time.sleep,
            chance=random.random,
            parallelism=self._parallelism,
            say=unfailing(say),
            interrupted=interrupted,
            tell=unfailing(tell),
        )

    def _recorded(self) -> Recorded:
        return self._home.read()

    def _observe(self, recorded: Recorded, only: Collection[str] | None = None) -> dict[str, LiveAccount]:
        """Every account; or only those of these names."""
        from krakenctl import observe

        accounts = self.project.desired.accounts
        declared = {name: accounts[name] for name in accounts if only is None or name in only}
        live = observe.accounts(declared, recorded.accounts, self._patient, self._parallelism)
        traces = {trace.account for trace in recorded.traces if only is None or trace.account in only}
        left = sorted(traces - accounts.keys())
        gone = [recorded.accounts[name] for name in left if name in recorded.accounts]
        self._usernames.update((account.name, account.username) for account in gone)
        seen = parallel.each(lambda account: observe.undeclared(account, self._patient), gone, self._parallelism)
        live.update((account.name, account) for account in seen)
        observe.refuse_twins(live)
        return live

    def _patient(self, account: str) -> Surface:
        quietly = Quietly(wait=time.sleep, now=self._exchange.now, chance=random.random)
        return PatientSurface(self._exchange.surface(account), quietly)

    def _look_again(self, name: str, remember: Callable[[RecordedAccount], None]) -> LiveAccount:
        from krakenctl import observe

        desired = self.project.desired.accounts[name]
        live = observe.account(desired, self._recorded().accounts.get(name), self._patient)
        with self._turn:  # of two accounts that turn out to be one, the second must see the first
            observe.refuse_known(live, self._recorded().accounts)
            if live.iiban:
                remember(_account_record(desired, live.iiban))
        return live

    def _accounts_seen(self, plan: Plan, recorded: Recorded) -> list[RecordedAccount]:
        """For the first time: the first IIBAN seen of an account is the only one we shall accept."""
        seen = []
        for account in plan.accounts:
            desired = self.project.desired.accounts.get(account.name)
            known = recorded.accounts.get(account.name)
            is_new = known is None or known.iiban != account.iiban
            if desired is not None and is_new and (account.iiban or (account.by_person and known is None)):
                seen.append(_account_record(desired, account.iiban))
        return seen


def _account_record(account: DesiredAccount, iiban: str) -> RecordedAccount:
    return RecordedAccount(
        name=account.name,
        kind=account.address.kind,
        surface=account.surface,
        username=account.username,
        iiban=iiban,
        requested=account.address.kind == "SubAccount",
    )
