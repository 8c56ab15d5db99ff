"""An exchange that keys can be asked at: the workspace's, the real Kraken, or any that is named."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from krakenctl import schema_files
from krakenctl.errors import ExchangeError, UsageError
from krakenctl.model.description import CLOCKS, Description, nonce_at
from krakenctl.model.secret import Secret
from krakenctl.model.workspace import SANDBOX
from krakenctl.pairs.harvest import Labelled
from krakenctl.project import WORKSPACE_FILE, read_workspace
from krakenctl.surfaces.kraken import spot
from krakenctl.surfaces.kraken.own_key import FARTHEST, MARGIN, OwnKey
from krakenctl.surfaces.kraken.refusals import KRAKEN
from krakenctl.surfaces.kraken.row import Row
from krakenctl.transport.http import Http
from krakenctl.wiring.clocks import Clocks, look

_LONGEST_WAIT = FARTHEST + 6.0  # seconds


class Oracle:
    """An exchange that keys can be asked at. `open_oracle` makes and closes it."""

    def __init__(self, endpoint: str, http: Http) -> None:
        self.endpoint = endpoint
        self.wait = time.sleep  # seconds
        self._http = http
        self._clocks = Clocks(partial(look, http, time), time, embedded=endpoint == SANDBOX)
        self._asked: list[OwnKey] = []

    def now(self) -> int:
        """Unix seconds: the exchange's, if its clock was looked at to ask a key. The embedded one costs nothing."""
        return self._clocks.now() if self._clocks.is_known or self.endpoint == SANDBOX else int(time.time())

    def now_there(self) -> int:
        """The same, where it decides about a key: the exchange is asked; only if it is silent, our clock counts."""
        with suppress(ExchangeError):
            return self._clocks.now()
        return int(time.time())

    def told_time(self) -> int:
        """Unix seconds, as the exchange itself tells them. Raises ExchangeError."""
        return spot.server_time(self._http)

    def own_key(
        self, labelled: Labelled, otp: Secret | None = None, row: Row | None = None, *, seen: int = 0
    ) -> OwnKey:
        """`seen`: the highest nonce that it is known to have seen."""
        own = OwnKey(self._http, labelled.pair, self._clocks.clock, otp, self.wait, row=row, seen=seen)
        self._asked.append(own)
        return own

    def let_pass(self) -> None:
        """Until whoever asks these keys next, and knows nothing of it, has higher numbers: for a second at most."""
        if seconds := max((own.until_next() for own in self._asked), default=0.0):
            self.wait(seconds + MARGIN)

    def until_accepted(self, told: Description) -> float:
        """Seconds until a number of its clock is above the highest that the key has seen."""
        if told.scale not in CLOCKS:
            return 0.0
        missing = told.nonce + 1 - nonce_at(told.scale, self._clocks.clock())
        return min(max(missing / nonce_at(told.scale, 1_000_000_000), 0.0), _LONGEST_WAIT)


def endpoint_of(root: Path, endpoint: str) -> str:
    """`sandbox` or a base URL. Empty: the workspace's, and without one the real Kraken. Raises KrakenctlError."""
    if not endpoint:
        return read_workspace(root).endpoint if (root / WORKSPACE_FILE).is_file() else KRAKEN
    rule = schema_files.load("workspace")["$defs"]["endpoint"]
    if re.search(rule["pattern"], endpoint) is None:
        hint = f"write https://{endpoint}" if re.fullmatch(r"[\w.-]+\.\w+/?", endpoint) else ""
        raise UsageError(rule["patternErrorMessage"], hint=hint)
    if endpoint == SANDBOX and not (root / WORKSPACE_FILE).is_file():
        raise UsageError(
            f"--endpoint sandbox is the one of a workspace, and there is no {WORKSPACE_FILE} in {root.absolute()}",
            hint="name its folder with -C DIR; of `krakenctl sandbox serve`, give the URL that it prints",
        )
    return endpoint.rstrip("/")


@contextmanager
def open_oracle(root: Path, endpoint: str) -> Iterator[Oracle]:
    """`endpoint`: as `endpoint_of` gives it. A sandbox belongs to the workspace in `root`. Raises KrakenctlError."""
    adapter, base = None, endpoint
    if endpoint == SANDBOX:
        from krakenctl.wiring import embedded
        from krakenctl.wiring.exchange import SANDBOX_URL

        adapter, base = embedded.adapter(root, read_workspace(root), {}), SANDBOX_URL
    http = Http(base, adapter)
    try:
        yield Oracle(endpoint, http)
    finally:
        http.close()


def now_at(root: Path, endpoint: str) -> int:
    """See `Oracle.now_there`."""
    with open_oracle(root, endpoint) as oracle:
        return oracle.now_there()
