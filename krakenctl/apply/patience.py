"""Wait and ask again, where a refusal says that nothing was done and that waiting helps."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from krakenctl.apply.ports import Ports
from krakenctl.errors import RateLimited
from krakenctl.model.key import IssuedKey, KeyPair, KeySpec, LiveKey
from krakenctl.surfaces.base import Listing, Surface

# A key's call counter falls by 0.33 to 1 a second (docs.kraken.com, REST rate limits); two minutes empty any of them.
PAUSES = (2.0, 4.0, 8.0, 16.0, 32.0, 60.0)  # seconds

T = TypeVar("T")


def patiently(deed: Callable[[], T], ports: Ports) -> T:
    """The deed's result. Raises its last RateLimited, or at once whatever else it raises; Ctrl-C ends the waiting."""
    for pause in PAUSES:
        try:
            return deed()
        except RateLimited as limited:
            if ports.interrupted():
                raise
            ports.say(f"{limited.message}. Nothing was done; waiting {pause:.0f} s before asking again.")
            ports.wait(pause)
    return deed()


class PatientSurface:
    """See `surfaces.base.Surface`: the same surface, which a rate limit slows down and does not stop."""

    def __init__(self, surface: Surface, ports: Ports) -> None:
        self._surface = surface
        self._ports = ports

    def iiban(self) -> str:
        return patiently(self._surface.iiban, self._ports)

    def now(self) -> int:
        return patiently(self._surface.now, self._ports)

    def list_keys(self) -> Listing:
        return patiently(self._surface.list_keys, self._ports)

    def issue(self, name: str, spec: KeySpec) -> IssuedKey:
        return patiently(lambda: self._surface.issue(name, spec), self._ports)

    def update(self, name: str, spec: KeySpec) -> None:
        patiently(lambda: self._surface.update(name, spec), self._ports)

    def revoke(self, name: str) -> None:
        patiently(lambda: self._surface.revoke(name), self._ports)

    def inspect(self, pair: KeyPair, nonce: int) -> LiveKey:
        return self._surface.inspect(pair, nonce)  # a nonce is spent: the caller counts on
