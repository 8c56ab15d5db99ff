"""How each account of a project is reached, and what is known of it beforehand: for whoever opens its surface."""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from krakenctl.model.address import Address
from krakenctl.model.human import Site
from krakenctl.model.page import keys_page
from krakenctl.model.recorded import Recorded, pin_of
from krakenctl.model.run import Run
from krakenctl.model.surface import USUAL, traits
from krakenctl.observe.estate import Estate, Jot
from krakenctl.observe.holdings import OpenStore
from krakenctl.project import Project
from krakenctl.state.base import State
from krakenctl.surfaces.ground import Premises
from krakenctl.surfaces.person import Nobody, Person


@dataclass(slots=True, init=False)
class Grounds:
    """For one command. `steps`: how many a person takes on each account in its run."""

    project: Project
    recorded: Callable[[], Recorded]
    person: Person
    estate: Estate
    steps: Counter[str] = field(default_factory=Counter)

    def __init__(
        self,
        project: Project,
        recorded: Callable[[], Recorded],
        open_store: OpenStore,
        *,
        now: Callable[[], int],
        jot: Jot,
        holding: Callable[[], tuple[State, Run] | None],
        person: Person | None = None,
        named: Collection[Address] = (),
        rotating: bool = False,
    ) -> None:
        """The rest is `estate`'s."""
        self.project, self.recorded, self.person, self.steps = project, recorded, person or Nobody(), Counter()
        self.estate = Estate(
            recorded=recorded,
            declared=project.desired.keys,
            open_store=open_store,
            host=socket.gethostname(),
            now=now,
            jot=jot,
            holding=holding,
            pinned={each.iiban: each.name for each in project.desired.accounts.values() if each.iiban},
            named=frozenset(named),
            rotating=rotating,
        )

    @property
    def page(self) -> str:
        """Where a person sees to keys."""
        return keys_page(self.project.workspace.endpoint)

    def of(self, account: str) -> Premises:
        """As its manifest says; of an account that is no longer declared, as the state remembers it."""
        desired = self.project.desired.accounts.get(account)
        if desired is not None and not traits(desired.surface).by_person:
            return Premises(site=Site(account=account), surface=desired.surface, held=self.estate.of(account))
        known = self.recorded().accounts.get(account)
        surface = desired.surface if desired else known.surface if known else USUAL
        site = Site(
            account=account,
            page=self.page,
            username=(desired.username if desired else "") or (known.username if known else ""),
            iiban=pin_of(desired, known),
        )
        return Premises(
            site=site,
            surface=surface,
            held=self.estate.of(account),
            person=self.person,
            steps=lambda: self.steps[account],
        )
