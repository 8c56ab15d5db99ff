"""What a command works with on a project: its stores, its state, its exchange, and what is known of its accounts."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from krakenctl import parallel
from krakenctl.credentials import Credentials
from krakenctl.model.address import Address
from krakenctl.model.recorded import Recorded
from krakenctl.model.run import Run
from krakenctl.model.workspace import SANDBOX
from krakenctl.observe.holdings import OpenStore
from krakenctl.observe.premises import Grounds
from krakenctl.project import Project
from krakenctl.state.base import State, StateHome
from krakenctl.surfaces.ground import Premises
from krakenctl.surfaces.person import Person
from krakenctl.wiring import opening
from krakenctl.wiring.exchange import Exchange


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """For one command. `open_means` makes and closes it. `usernames`: by account; the exchange reads it."""

    project: Project
    store: OpenStore
    credentials: Credentials
    home: StateHome
    exchange: Exchange
    grounds: Grounds
    usernames: dict[str, str]

    @property
    def usual(self) -> int:
        """How many accounts at once: one where no answer has to travel."""
        return 1 if self.project.workspace.endpoint == SANDBOX else parallel.usual()


@contextmanager
def open_means(
    project: Project,
    environ: Mapping[str, str] | None = None,
    *,
    recorded: Callable[[], Recorded] | None = None,
    holding: Callable[[], tuple[State, Run] | None] = lambda: None,
    usernames: Mapping[str, str] | None = None,
    person: Person | None = None,
    named: Collection[Address] = (),
    rotating: bool = False,
    say: Callable[[str], None] = lambda _: None,
) -> Iterator[Means]:
    """`recorded`: what is remembered; None: what the state says whenever it is asked. `usernames`: None: the declared.

    `holding`: the state, while the lease is ours. `named`, `rotating`: see `observe.estate.Estate`. `say`: is told what
    is waited for.
    """
    environ = os.environ if environ is None else environ
    store = opening.stores(project, environ)
    credentials = opening.credentials(project, environ, store)
    home = opening.state_home(project.root, project.workspace.state, environ)
    declared = {account.name: account.username for account in project.desired.accounts.values()}
    names = declared if usernames is None else dict(usernames)

    def premises(account: str) -> Premises:
        """The exchange opens an account by the grounds, and these tell the time by the exchange."""
        return grounds.of(account)

    with opening.exchange(project.root, project.workspace, credentials, names, premises, say=say) as exchange:
        grounds = Grounds(
            project,
            recorded or home.read,
            store,
            now=exchange.now,
            jot=home.jot,
            holding=holding,
            person=person,
            named=named,
            rotating=rotating,
        )
        yield Means(
            project=project,
            store=store,
            credentials=credentials,
            home=home,
            exchange=exchange,
            grounds=grounds,
            usernames=names,
        )
