"""What several checks stand on: read or opened when the first of them asks, and not twice."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from krakenctl import parallel, project
from krakenctl.errors import InvalidManifests, KrakenctlError, WorkspaceError
from krakenctl.model.desired import Desired, DesiredAccount
from krakenctl.model.recorded import RecordedAccount, pin_of
from krakenctl.model.surface import Traits, presumed
from krakenctl.model.workspace import SANDBOX, CredentialRefs, Workspace
from krakenctl.project import Project
from krakenctl.wiring import opening

if TYPE_CHECKING:
    from krakenctl.credentials import Credentials
    from krakenctl.model.recorded import Recorded
    from krakenctl.observe.premises import Grounds
    from krakenctl.stores.base import Store
    from krakenctl.surfaces.kraken.held import Held
    from krakenctl.transport.http import Http
    from krakenctl.wiring.clocks import Moment
    from krakenctl.wiring.exchange import Exchange

_T = TypeVar("_T")
KRAKEN = "https://api.kraken.com"  # where no workspace says which exchange is meant; only public calls go there
SAMPLES = 3  # of the exchange's clock


@dataclass(frozen=True, slots=True, kw_only=True)
class DoctorWish:
    offline: bool = False
    write: bool = False  # prove stores writable
    again: bool = False  # ask krakenctl's own key although it was refused not long ago
    endpoint: str = ""  # where there is no workspace to name one


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """An account, as the manifests declare it, or as the state remembers it where they cannot be read."""

    name: str
    is_master: bool
    surface: str
    username: str
    pin: str  # the IIBAN that it must have; empty: not known yet
    requested: bool

    @property
    def traits(self) -> Traits:
        return presumed(self.surface)


class DoctorGround:
    """For one diagnosis, and closed after it."""

    def __init__(self, root: Path, environ: Mapping[str, str], wish: DoctorWish) -> None:
        self.root = root
        self.environ = environ
        self.wish = wish
        self.unreachable = ""  # why, once that is known
        self.locked: set[str] = set()  # accounts that Kraken has locked: they are not asked again
        self._open = ExitStack()

    def __enter__(self) -> DoctorGround:
        return self

    def __exit__(self, *_error: object) -> None:
        self._open.close()

    @property
    def has_workspace(self) -> bool:
        return (self.root / project.WORKSPACE_FILE).is_file()

    @cached_property
    def workspace(self) -> Workspace:
        """Raises WorkspaceError or InvalidManifests."""
        return project.read_workspace(self.root, any_version=True)

    @cached_property
    def sound(self) -> bool:
        """Whether there is a workspace, and its krakenctl.yaml can be used."""
        try:
            return self.has_workspace and bool(self.workspace)
        except KrakenctlError:
            return False

    @cached_property
    def project(self) -> Project:
        """Without its manifests, where those are not sound."""
        try:
            return project.open_project(self.root)
        except (InvalidManifests, WorkspaceError):
            unknown = Desired(accounts={}, keys={}, removals={}, digest="")
            return Project(root=self.root, workspace=self.workspace, desired=unknown, warnings=(), sound=False)

    @property
    def recorded(self) -> Recorded:
        """Raises KrakenctlError, and tries only once: a state that is locked is waited for."""
        found = self._read
        if isinstance(found, KrakenctlError):
            raise found
        return found

    @property
    def remembers(self) -> bool:
        return not isinstance(self._read, KrakenctlError)

    @cached_property
    def _read(self) -> Recorded | KrakenctlError:
        try:
            return opening.state_home(self.root, self.workspace.state, self.environ).read()
        except KrakenctlError as problem:
            return problem

    @cached_property
    def parties(self) -> list[Party]:
        known = self.recorded.accounts if self.remembers else {}
        if not self.project.sound:
            return [_remembered(account) for account in known.values()]
        return [_declared(account, known.get(account.name)) for account in self.project.desired.accounts.values()]

    def refs(self, party: Party) -> CredentialRefs:
        return self.workspace.credentials_of(party.name, party.username)

    @cached_property
    def store(self) -> Callable[[str], Store]:
        return opening.stores(self.project, self.environ)

    @cached_property
    def credentials(self) -> Credentials:
        return opening.credentials(self.project, self.environ, self.store)

    @property
    def embedded(self) -> bool:
        return self.sound and self.workspace.endpoint == SANDBOX

    @property
    def endpoint(self) -> str:
        """The base URL that is looked at, or `sandbox`; empty: a workspace that cannot be read would have named it."""
        if self.sound:
            return self.workspace.endpoint
        return self.wish.endpoint or ("" if self.has_workspace else KRAKEN)

    @property
    def parallelism(self) -> int:
        return 1 if self.embedded else parallel.usual()

    @cached_property
    def exchange(self) -> Exchange:
        usernames = {party.name: party.username for party in self.parties}
        return self._entered(opening.exchange(self.root, self.workspace, self.credentials, usernames, self._grounds.of))

    @cached_property
    def _grounds(self) -> Grounds:
        from krakenctl.observe.premises import Grounds

        return Grounds(
            self.project,
            lambda: self.recorded,
            self.store,
            now=lambda: self.now,
            jot=opening.state_home(self.root, self.workspace.state, self.environ).jot,
            holding=lambda: None,
        )

    def memory(self, party: Party) -> Held:
        """What commands remember of calls that were refused; nothing, where the state cannot be read."""
        from krakenctl.surfaces.kraken.held import NothingHeld

        return self._grounds.estate.of(party.name) if self.remembers else NothingHeld()

    @cached_property
    def http(self) -> Http:
        if self.sound:
            return self.exchange.http
        return self._entered(_plain(self.endpoint))

    @property
    def calls(self) -> int:
        return self.http.calls if "http" in self.__dict__ else 0

    @cached_property
    def samples(self) -> list[Moment]:
        """Raises ExchangeError."""
        from krakenctl.wiring import clocks

        return [clocks.look(self.http) for _ in range(SAMPLES)]

    @property
    def now(self) -> int:
        """Unix seconds on the exchange's clock, as far as it may be asked."""
        from krakenctl.tasks.remembered import offline_now

        if not self.wish.offline and not self.unreachable:
            return self.samples[-1].told
        with suppress(KrakenctlError):  # of a sandbox that is damaged
            return offline_now(self.root)
        return int(time.time())

    def _entered(self, made: AbstractContextManager[_T]) -> _T:
        return self._open.enter_context(made)


def _declared(account: DesiredAccount, known: RecordedAccount | None) -> Party:
    return Party(
        name=account.name,
        is_master=account.address.kind == "Account",
        surface=account.surface,
        username=account.username,
        pin=pin_of(account, known),
        requested=known is not None and known.requested,
    )


def _remembered(account: RecordedAccount) -> Party:
    return Party(
        name=account.name,
        is_master=account.kind == "Account",
        surface=account.surface,
        username=account.username,
        pin=pin_of(None, account),
        requested=account.requested,
    )


@contextmanager
def _plain(endpoint: str) -> Iterator[Http]:
    from krakenctl.transport.http import Http

    http = Http(endpoint)
    try:
        yield http
    finally:
        http.close()
