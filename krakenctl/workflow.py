"""The pipeline, from top to bottom: project → observe → plan → apply. It neither prints nor asks."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from krakenctl.apply.patience import PatientSurface
from krakenctl.credentials import Credentials
from krakenctl.errors import CredentialMissing, PlanStale, SafetyStop, StoreError
from krakenctl.model.recorded import RecordedAccount
from krakenctl.model.secret import Secret
from krakenctl.model.time import show_time
from krakenctl.model.workspace import SANDBOX
from krakenctl.project import Project, read_workspace

if TYPE_CHECKING:
    from krakenctl.apply.ports import Ports
    from krakenctl.exchange import Exchange
    from krakenctl.model.desired import DesiredAccount
    from krakenctl.model.live import LiveAccount
    from krakenctl.model.outcome import Event, Report
    from krakenctl.model.plan import Plan
    from krakenctl.model.recorded import Recorded
    from krakenctl.model.run import Run
    from krakenctl.state.base import State, StateHome
    from krakenctl.stores.base import Store
    from krakenctl.surfaces.base import Surface

CLOCK_SLACK = 120  # seconds that a plan may seem to come from the future


class Desk:
    """A project together with its exchange, for one command. `open_desk` makes and closes it."""

    def __init__(
        self,
        project: Project,
        exchange: Exchange,
        store: Callable[[str], Store],
        home: StateHome,
        usernames: dict[str, str],
    ) -> None:
        self.project = project
        self._home = home
        self._held: tuple[State, Run] | None = None  # while the lease is ours
        self._exchange = exchange
        self._store = store
        self._usernames = usernames  # by account; the exchange reads it

    def plan(self, as_of: int | None = None) -> Plan:
        """What apply would do. `as_of`: unix seconds; None: now, on the exchange's clock."""
        from krakenctl import keepsakes
        from krakenctl.plan.planner import Inputs, plan

        recorded = self._recorded()
        drawn = plan(
            Inputs(
                workspace=self.project.workspace,
                desired=self.project.desired,
                live=self._observe(recorded),
                recorded=recorded,
                now=self._exchange.now() if as_of is None else as_of,
                findings=self.project.warnings,
            )
        )
        return replace(drawn, findings=(*drawn.findings, *keepsakes.findings(drawn, recorded, self._store)))

    def refresh(self, saved: Plan) -> Plan:
        """Plan again as of the saved plan's time. Raises PlanStale, saying what moved, unless it is the same plan.

        A plan of the future shows what will be due. Raises SafetyStop for it: what is due then is not due now.
        """
        from krakenctl.apply.freshness import moved

        if saved.now > self._exchange.now() + CLOCK_SLACK:
            raise SafetyStop(
                f"this plan is as of {show_time(saved.now)}, which is still to come; nothing was done",
                hint="plan without --as-of what is to be applied now",
            )
        fresh = self.plan(saved.now)
        if differences := moved(saved, fresh):
            message = "the world moved since this plan was made; nothing was done"
            raise PlanStale(message, differences=differences, hint="plan again, and look again")
        return fresh

    @contextmanager
    def lease(self, run: Run) -> Iterator[None]:
        """From before the plan to after its last step, nobody else changes this workspace. Raises LockHeld."""
        from krakenctl.state.lock import alone

        with alone(self.project.state_path):
            self._held = self._home.open(), run
            try:
                yield
            finally:
                self._held[0].close()
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

        state, _ = self._holding()
        self._remember_accounts(plan, state.read(), state.remember_account)
        return execute(plan, state.read(), self._ports(tell, say, interrupted))

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
            say=unfailing(say),
            interrupted=interrupted,
            tell=unfailing(tell),
        )

    def _recorded(self) -> Recorded:
        return self._home.read()

    def _observe(self, recorded: Recorded) -> dict[str, LiveAccount]:
        from krakenctl import observe

        declared = self.project.desired.accounts
        live = observe.accounts(declared, recorded.accounts, self._patient)
        for name in {trace.account for trace in recorded.traces} - declared.keys():
            if (account := recorded.accounts.get(name)) is not None:
                self._usernames[name] = account.username
                live[name] = observe.undeclared(account, self._patient)
        observe.refuse_twins(live)
        return live

    def _patient(self, account: str) -> Surface:
        looking = _Looking(wait=time.sleep, say=lambda _: None, interrupted=lambda: False)
        return PatientSurface(self._exchange.surface(account), looking)

    def _look_again(self, name: str, remember: Callable[[RecordedAccount], None]) -> LiveAccount:
        from krakenctl import observe

        desired = self.project.desired.accounts[name]
        known = self._recorded().accounts
        live = observe.account(desired, known.get(name), self._patient)
        observe.refuse_known(live, known)
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


@dataclass(frozen=True, slots=True)
class _Looking:
    """How a plan waits for a rate limit: without a word, as long as it takes. Ctrl-C simply ends the process."""

    wait: Callable[[float], None]
    say: Callable[[str], None]
    interrupted: Callable[[], bool]


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
def open_desk(project: Project, environ: Mapping[str, str] | None = None) -> Iterator[Desk]:
    from krakenctl import plugins
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
        yield Desk(project, exchange, stores, home, usernames)
    finally:
        exchange.close()


def _stores(project: Project, environ: Mapping[str, str]) -> Callable[[str], Store]:
    """Stores by name, each opened once. An identity comes from a file or the environment, never from a store."""
    from krakenctl import plugins

    opened: dict[str, Store] = {}
    credentials = Credentials(project.root, environ)

    def store(name: str) -> Store:
        if name not in project.workspace.stores:
            raise StoreError(
                f"krakenctl.yaml has no store {name} any more, and secrets of ours are still recorded in it",
                hint="declare it again until they are gone",
            )
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
