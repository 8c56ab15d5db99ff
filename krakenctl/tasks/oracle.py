"""An exchange that keys can be asked at: the workspace's, the real Kraken, or any that is named."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from krakenctl import schema_files
from krakenctl.errors import UsageError
from krakenctl.model.description import CLOCKS, Description, nonce_at
from krakenctl.model.secret import Secret
from krakenctl.model.workspace import SANDBOX
from krakenctl.pairs.harvest import Labelled
from krakenctl.project import WORKSPACE_FILE, read_workspace
from krakenctl.surfaces.kraken import spot
from krakenctl.surfaces.kraken.own_key import FARTHEST, OwnKey
from krakenctl.surfaces.kraken.refusals import KRAKEN
from krakenctl.surfaces.kraken.row import Row
from krakenctl.transport.http import Http
from krakenctl.wiring.clocks import Clocks

_LONGEST_WAIT = FARTHEST + 6.0  # seconds


class Oracle:
    """An exchange that keys can be asked at. `open_oracle` makes and closes it."""

    def __init__(
        self,
        endpoint: str,
        http: Http,
        clock: Callable[[], int] | None = None,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self.endpoint = endpoint
        self.wait = wait  # seconds
        self._http = http
        self._clock = clock or self._consumers  # nanoseconds since 1970
        self._clocks: Clocks | None = None

    def now(self) -> int:
        """Unix seconds, as keys were asked; by our own clock where none was."""
        is_known = self._clocks is not None or self._clock != self._consumers
        return (self._clock() if is_known else time.time_ns()) // 1_000_000_000

    def told_time(self) -> int:
        """Unix seconds, as the exchange itself tells them. Raises ExchangeError."""
        return spot.server_time(self._http)

    def _consumers(self) -> int:
        """The time is asked once, by a call that needs no key: a nonce of a fast clock would lock consumers out."""
        if self._clocks is None:
            told = self.told_time()
            self._clocks = Clocks(told, time.time_ns(), time.monotonic())
        return self._clocks.consumers + int((time.monotonic() - self._clocks.then) * 1_000_000_000)

    def own_key(self, labelled: Labelled, otp: Secret | None = None, row: Row | None = None) -> OwnKey:
        return OwnKey(self._http, labelled.pair, self._clock, otp, self.wait, row=row)

    def until_accepted(self, told: Description) -> float:
        """Seconds until a number of its clock is above the highest that the key has seen."""
        if told.scale not in CLOCKS:
            return 0.0
        missing = told.nonce + 1 - nonce_at(told.scale, self._clock())
        return min(max(missing / nonce_at(told.scale, 1_000_000_000), 0.0), _LONGEST_WAIT)


def endpoint_of(root: Path, endpoint: str = "") -> str:
    """`sandbox` or a base URL. Empty: the workspace's, and without one the real Kraken. Raises KrakenctlError."""
    if not endpoint:
        return read_workspace(root).endpoint if (root / WORKSPACE_FILE).is_file() else KRAKEN
    rule = schema_files.load("workspace")["$defs"]["endpoint"]
    if re.search(rule["pattern"], endpoint) is None:
        hint = f"write https://{endpoint}" if re.fullmatch(r"[\w.-]+\.\w+/?", endpoint) else ""
        raise UsageError(rule["patternErrorMessage"], hint=hint)
    return endpoint.rstrip("/")


@contextmanager
def open_oracle(root: Path, endpoint: str) -> Iterator[Oracle]:
    """`endpoint`: as `endpoint_of` gives it. A sandbox belongs to the workspace in `root`. Raises KrakenctlError."""
    adapter, clock, base = None, None, endpoint
    if endpoint == SANDBOX:
        from krakenctl.wiring import embedded
        from krakenctl.wiring.exchange import SANDBOX_URL

        adapter = embedded.adapter(root, read_workspace(root), {})
        clock, base = partial(_sandbox_clock, root), SANDBOX_URL
    http = Http(base, adapter)
    try:
        yield Oracle(endpoint, http, clock)
    finally:
        http.close()


def _sandbox_clock(root: Path) -> int:
    from krakenctl.wiring import embedded

    return int(embedded.now(root) * 1_000_000_000)
