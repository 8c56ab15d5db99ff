"""The pipeline, from top to bottom: project → observe → plan → apply. It neither prints nor asks."""

from __future__ import annotations

import json
import os
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from krakenctl import parallel
from krakenctl.apply.patience import PatientSurface, Quietly
from krakenctl.credentials import Credentials
from krakenctl.errors import CredentialMissing, KrakenctlError, StoreError
from krakenctl.model.recorded import RecordedAccount
from krakenctl.model.safety import AS_USUAL
from krakenctl.model.secret import Secret
from krakenctl.model.workspace import SANDBOX
from krakenctl.project import Project, read_workspace
from krakenctl.underway import UnderWay

if TYPE_CHECKING:
    from krakenctl.apply.ports import Ports
    from krakenctl.exchange import Exchange
    from krakenctl.model.address import Address
    from krakenctl.model.chain import Verdict
    from krakenctl.model.desired import DesiredAccount
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
    from krakenctl.state.base import State, StateHome
    from krakenctl.stores.base import Store
    from krakenctl.surfaces.base import Surface


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
        raised: Raised = AS_USUAL,
        parallelism: int = 1,
    ) -> None:
        self.project = project
        self._own = own
        self._raised = raised  # which safety limits, for this command
        self._parallelism = parallelism  # how many accounts at once
        self._turn = threading.Lock()  # of who compares what it saw with what is remembered
        self._home = home
        self._held: tuple[State, Run] | None = None  # while the lease is ours
        self._exchange = exchange
        self._store = store
        self._usernames = usernames  # by account; the exchange reads it
        self._under_way = UnderWay(project, self._patient, store, usernames, exchange.now)

    def plan(self, as_of: int | None = None, errand: Errand | None = None) -> Plan:
        """What a run would do. `as_of`: unix seconds; None: now, on the exchange's clock. `errand`: None: apply's."""
        from krakenctl import keepsakes
        from krakenctl.plan.authority import APPLY
        from krakenctl.plan.planner import Inputs, plan

        recorded = self._recorded()
        after, live, recovery = self._under_way.after(recorded, self._observe(recorded), self._exchange.now())
        drawn = plan(
            Inputs(
                workspace=self.project.workspace,
                desired=self.project.desired,
                live=live,
                recorded=after,
                recovery=recovery,
                now=self._exchange.now() if as_of is None else as_of,
                findings=self.project.warnings,
                errand=errand or APPLY,
            )
        )
        told = keepsakes.findings(drawn, recorded, self._store)
        return self._guard(replace(drawn, findings=(*drawn.findings, *told)), after, errand or APPLY)

    def _guard(self, plan: Plan, recorded: Recorded, errand: Errand) -> Plan:
        from krakenctl.plan.authority import Tick
        from krakenctl.plan.guard import Ground, guarded, unattended

        ground = Ground(desired=self.project.desired, recorded=recorded, own=self._own)
        plan = unattended(plan, ground) if isinstance(errand, Tick) else plan
        return guarded(plan, ground, self.project.workspace.safety, self._raised)

    def recover(
        self, tell: Callable[[Event], None], say: Callable[[str], None], interrupted: Callable[[], bool]
    ) -> tuple[Recovered, ...]:
        """Before anything else, while the lease is held: finish or undo what an earlier run has begun."""
        return self._under_way.recover(self._holding()[0].read(), self._ports(tell, say, interrupted))

    def foresee(self) -> tuple[Recovery, ...]:
        """What `recover` would do. Changes nothing."""
        return self._under_way.foresee(self._recorded())

    def answer(self, address: Address, *, exists: bool) -> None:
        """A person found out whether a sub-account came to be. Raises UsageError where nothing asks for that."""
        from krakenctl.underway import answer

        state, run = self._holding()
        answer(state, run, address, exists=exists, now=self.now())

    def now(self) -> int:
        """Unix seconds on the exchange's clock."""
        return self._exchange.now()

    def refresh(self, saved: SavedPlan) -> Plan | None:
        """The open part of a saved plan, drawn afresh; None: all of it was done before. Raises PlanStale."""
        from krakenctl.saved import open_part

        state, _ = self._holding()
        return open_part(saved, self.project.workspace, state, self.now(), self.plan)

    def marks(self, saved: SavedPlan) -> tuple[Mark, ...]:
        """What earlier runs did in the name of a saved plan."""
        return self._holding()[0].marks(saved.digest)

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

        state, run = self._holding()
        self._held = state, replace(run, plan=plan.saved or planfile.digest(plan))
        self._log_allowed(plan)
        self._remember_accounts(plan, state.read(), state.remember_account)
        ports = self._ports(tell, say, interrupted)
        report = execute(plan, state.read(), replace(ports, mark=self._mark) if plan.saved else ports)
        return replace(report, log_head=self.log_head())

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
        )

    def restore(self, rebuilt: Rebuilt) -> str:
        """Remember it, while the lease is held. Returns what the state before it is called now; empty: it was empty."""
        from krakenctl import rebuild

        state, run = self._holding()
        return rebuild.write(state, run, rebuilt, self._exchange.now())

    def log_head(self) -> str:
        """What every report ends with; empty where it cannot be read, which is no reason to lose the report."""
        state, _ = self._holding()
        with suppress(KrakenctlError):
            return state.log.head()
        return ""

    def _log_allowed(self, plan: Plan) -> None:
        """Whoever raises a safety limit is on the record, before anything is done."""
        from krakenctl.model.run import Deed

        state, run = self._holding()
        if told := "; ".join(f"{block.limit.value}: {block.message}" for block in plan.blocks if block.allowed):
            state.log.append(Deed(at=self.now(), run=run, verb="allow", outcome="done", message=told))

    def _mark(self, change: Change, done: bool) -> None:
        from krakenctl.model.plan import Mark

        state, run = self._holding()
        state.mark(run.plan, Mark(change=change.handle, at=self.now(), who=run.who, done=done))

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

    def _observe(self, recorded: Recorded) -> dict[str, LiveAccount]:
        from krakenctl import observe

        declared = self.project.desired.accounts
        live = observe.accounts(declared, recorded.accounts, self._patient, self._parallelism)
        left = sorted({trace.account for trace in recorded.traces} - declared.keys())
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

    def _remember_accounts(self, plan: Plan, recorded: Recorded, remember: Callable[[RecordedAccount], None]) -> None:
        """The first IIBAN seen of an account is the only one we shall accept."""
        for account in plan.accounts:
            desired = self.project.desired.accounts.get(account.name)
            known = recorded.accounts.get(account.name)
            if desired is not None and account.iiban and (known is None or known.iiban != account.iiban):
                remember(_account_record(desired, account.iiban))


def new_run(command: str, environ: Mapping[str, str] | None = None) -> Run:
    """Who acts: KRAKENCTL_ACTOR, else whom a pipeline names, else the user of this process."""
    import getpass
    import socket
    import uuid

    from krakenctl.model.run import Run

    environ = os.environ if environ is None else environ
    named = (environ.get(name) for name in ("KRAKENCTL_ACTOR", "GITHUB_ACTOR", "GITLAB_USER_LOGIN"))
    who = next(filter(None, named), None) or getpass.getuser()
    return Run(id=uuid.uuid4().hex, who=who, host=socket.gethostname(), command=command)


def recorded(root: Path) -> Recorded:
    """What the state of a workspace remembers; its manifests need not be sound. Raises StateError."""
    from krakenctl import plugins

    return plugins.state(read_workspace(root).state, root, Credentials(root, os.environ)).read()


@contextmanager
def look(root: Path) -> Iterator[State | None]:
    """The state of a workspace, to be read only; None: there is none yet. Raises StateError."""
    from krakenctl import plugins

    home = plugins.state(read_workspace(root).state, root, Credentials(root, os.environ))
    with home.look() as state:
        yield state


def verify_log(root: Path, told: str) -> Verdict:
    """Walk the audit log; `told`: a head that a report printed, or empty. Raises StateError."""
    from krakenctl.model.chain import walk

    with look(root) as state:
        if state is None:
            return replace(walk((), stored="", told=told), stateless=True)
        return walk(state.log.lines(), stored=state.log.head(), told=told)


def offline_now(root: Path) -> int:
    """Unix seconds on the exchange's clock, as far as that is known without asking it."""
    from krakenctl import embedded

    return int(embedded.now(root) if read_workspace(root).endpoint == SANDBOX else time.time())


def holder(root: Path) -> tuple[Lease | None, bool]:
    """Who holds the lease of a workspace, and whether it may be taken over at once. Raises StateError."""
    from krakenctl.state.leases import is_dead

    held = recorded(root).lease
    return held, held is not None and is_dead(held)


def unlock(root: Path, run: Run) -> tuple[Lease | None, str]:
    """Take the lease from whoever holds it, on the record. Returns what was taken, and the log's head.

    Raises StateError.
    """
    from krakenctl import plugins
    from krakenctl.model.run import Deed

    state = plugins.state(read_workspace(root).state, root, Credentials(root, os.environ)).open()
    with closing(state):
        held = state.leases.holder()
        if held is None:
            return None, ""
        told = f"{held.sentence()}; run {held.run.id}"
        state.log.append(Deed(at=offline_now(root), run=run, verb="unlock", outcome="done", message=told))
        return state.leases.unlock(), state.log.head()


@contextmanager
def open_desk(
    project: Project,
    environ: Mapping[str, str] | None = None,
    parallelism: int | None = None,
    raised: Raised = AS_USUAL,
) -> Iterator[Desk]:
    """`parallelism`: how many accounts at once; None: as many as is usual, and one where no answer has to travel."""
    from krakenctl import ownkeys, plugins
    from krakenctl.exchange import Exchange

    environ = os.environ if environ is None else environ
    usernames = {account.name: account.username for account in project.desired.accounts.values()}
    stores = _stores(project, environ)
    credentials = Credentials(project.root, environ, lambda store, path: _kept(stores(store), store, path))
    adapter = None
    if project.workspace.endpoint == SANDBOX:
        from krakenctl import embedded

        adapter = embedded.adapter(project.root, project.workspace, usernames)
    home = plugins.state(project.workspace.state, project.root, Credentials(project.root, environ))
    exchange = Exchange(project.workspace, credentials, usernames, adapter)
    try:
        usual = 1 if adapter is not None else parallel.usual()
        own = partial(ownkeys.own, project, credentials)
        yield Desk(project, exchange, stores, home, usernames, own=own, raised=raised, parallelism=parallelism or usual)
    finally:
        exchange.close()


def _stores(project: Project, environ: Mapping[str, str]) -> Callable[[str], Store]:
    """Stores by name, each opened once. An identity comes from a file or the environment, never from a store."""
    from krakenctl import plugins

    opened: dict[str, Store] = {}
    turn = threading.Lock()
    credentials = Credentials(project.root, environ)

    def store(name: str) -> Store:
        if name not in project.workspace.stores:
            raise StoreError(
                f"krakenctl.yaml has no store {name} any more, and secrets of ours are still recorded in it",
                hint="declare it again until they are gone",
            )
        with turn:
            if name not in opened:
                opened[name] = plugins.store(project.workspace.stores[name], project.root, credentials)
            return opened[name]

    return store


def _kept(store: Store, name: str, path: str) -> Secret:
    """A key pair from a store, as the JSON that a file would hold."""
    from krakenctl.stores.base import Slot

    entry = store.get(path, Slot.CURRENT)
    if entry is None:
        raise CredentialMissing(f"the store {name} keeps nothing at {path}")
    return Secret(json.dumps({"apiKey": entry.public_key, "secret": entry.secret.reveal()}))


def _account_record(account: DesiredAccount, iiban: str) -> RecordedAccount:
    return RecordedAccount(
        name=account.name,
        kind=account.address.kind,
        surface=account.surface,
        username=account.username,
        iiban=iiban,
        requested=account.address.kind == "SubAccount",
    )
