"""The exchange a workspace means, real or embedded, with the credentials to reach each of its accounts.

Both are reached through the same code: only the base URL and the mounted adapter differ.
"""

from __future__ import annotations

import math
import random
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from krakenctl.apply.patience import PatientSurface, Quietly, asking
from krakenctl.credentials import Credentials
from krakenctl.errors import CredentialMissing
from krakenctl.model.secret import Secret
from krakenctl.model.workspace import SANDBOX, CredentialRefs, Workspace
from krakenctl.surfaces.base import Master, Surface
from krakenctl.surfaces.connect import ConnectMaster
from krakenctl.surfaces.ground import Ground, Premises
from krakenctl.surfaces.kraken.meter import TIERS, Meter
from krakenctl.transport.http import Http
from krakenctl.wiring.clocks import Clocks, Moment, look

if TYPE_CHECKING:
    from requests.adapters import BaseAdapter

# The embedded sandbox has no address; `.invalid` never resolves, should anything slip past the adapter.
SANDBOX_URL = "http://sandbox.krakenctl.invalid"
_PAUSE = 2.0  # seconds: the longest between two calls


class Exchange:
    """Surfaces by account name; threads may share it. `usernames` fills `{username}` in references, by account name."""

    def __init__(
        self,
        workspace: Workspace,
        credentials: Credentials,
        usernames: dict[str, str],
        *,
        open_surface: Callable[[str, Ground], Surface],
        premises: Callable[[str], Premises],
        adapter: BaseAdapter | None = None,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._workspace = workspace
        self._credentials = credentials
        self._usernames = usernames
        self._open_surface = open_surface
        self._premises = premises
        self._say = say
        self._http = Http(SANDBOX_URL if workspace.endpoint == SANDBOX else workspace.endpoint, adapter)
        self._surfaces: dict[str, Surface] = {}
        self._masters: dict[str, Master] = {}  # each keeps its key's nonces rising
        self._clocks = Clocks(self._looked, time, embedded=workspace.endpoint == SANDBOX)
        self._turn = threading.Lock()  # of who opens a master

    def surface(self, account: str) -> Surface:
        """Raises CredentialMissing where one is needed and none leads there, else CredentialError."""
        if account not in self._surfaces:
            self._surfaces.setdefault(account, self._surface(account))
        return self._surfaces[account]

    def patient(self, account: str) -> Surface:
        """The same, for whoever only looks: a rate limit is waited for without a word."""
        return PatientSurface(self.surface(account), self._quietly(self.now))

    @staticmethod
    def _quietly(now: Callable[[], int]) -> Quietly:
        return Quietly(wait=time.sleep, now=now, chance=random.random)

    def _surface(self, account: str) -> Surface:
        premises = self._premises(account)
        ground = Ground(
            http=self._http,
            premises=premises,
            token=lambda: self._token(account),
            meter=lambda: self._meter() if self._workspace.rate_limits.count_connect else None,
            clock=self.clock,
            now=self.now,
            wait=partial(self.wait, account),
        )
        return self._open_surface(premises.surface, ground)

    def wait(self, account: str, seconds: float) -> None:
        """What is longer than any pause between two calls is for a clock, and somebody may be sitting there."""
        if seconds > _PAUSE:
            whole = math.ceil(seconds)
            self._say(f"Waiting {whole} s: a key of {account} has seen a number that the clock shows only then.")
        time.sleep(seconds)

    def _meter(self) -> Meter:
        """Each credential has a counter of its own, as Kraken keeps them."""
        limit = TIERS[self._workspace.rate_limits.tier]
        return Meter(limit, time.monotonic, time.sleep)

    def _token(self, account: str) -> Secret:
        reference = self._refs(account).token
        if not reference:
            raise CredentialMissing(
                f"no token is named for the account {account}", hint="add it to credentials in krakenctl.yaml"
            )
        try:
            return self._credentials.token(reference)
        except CredentialMissing as missing:
            raise CredentialMissing(f"no token for {account}: {missing.message}", hint=self._way_to_a_token()) from None

    def _way_to_a_token(self) -> str:
        if self._workspace.endpoint == SANDBOX:
            return "run `krakenctl init`: it signs this workspace's accounts up in the sandbox"
        return "put the account's OAuth access token there: the text alone, or the JSON of Kraken's token endpoint"

    def master(self, account: str) -> Master:
        """The master account's own key, which requests sub-accounts. Raises CredentialError."""
        with self._turn:
            if account not in self._masters:
                self._masters[account] = self._master(account)
            return self._masters[account]

    def _master(self, account: str) -> Master:
        reference = self._refs(account).api_key
        if not reference:
            raise CredentialMissing(
                f"no apiKey is named for the account {account}: sub-accounts are requested with a key of the master",
                hint="add it to credentials in krakenctl.yaml; the key needs withdraw-funds",
            )
        pair, held = self._credentials.key_pair(reference), self._premises(account).held
        return ConnectMaster(self._http, pair, self.own_clock, self._meter(), held)

    @property
    def http(self) -> Http:
        """For calls that are no account's: public ones, and those that a key signs about itself."""
        return self._http

    def now(self) -> int:
        """The exchange's clock, unix seconds. See `Clocks`."""
        return self._clocks.now()

    def clock(self) -> int:
        """Nanoseconds since 1970, as the consumers of keys have it. See `Clocks`."""
        return self._clocks.clock()

    def own_clock(self) -> int:
        """The same for krakenctl's own keys."""
        return self._clocks.own_clock()

    def _looked(self) -> Moment:
        return asking(partial(look, self._http, time), self._quietly(lambda: int(time.time())))

    def close(self) -> None:
        self._http.close()

    def _refs(self, account: str) -> CredentialRefs:
        return self._workspace.credentials_of(account, self._usernames.get(account, ""))
