"""Wait and ask again, where a refusal says that nothing was done and that waiting helps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from krakenctl.errors import RateLimited
from krakenctl.model.key import IssuedKey, KeyPair, KeySpec, LiveKey
from krakenctl.surfaces.base import Listing, Surface

# A key's call counter falls by 0.33 to 1 a second (docs.kraken.com, REST rate limits); two minutes empty any of them.
PAUSES = (2.0, 4.0, 8.0, 16.0, 32.0, 60.0)  # seconds
NAP = 0.25  # seconds; a signal does not end a sleep, and nobody should wait a minute for Ctrl-C to count

T = TypeVar("T")


class Waiting(Protocol):
    """The ports that patience needs; `apply.ports.Ports` has them."""

    @property
    def wait(self) -> Callable[[float], None]: ...
    @property
    def say(self) -> Callable[[str], None]: ...
    @property
    def interrupted(self) -> Callable[[], bool]: ...


def patiently(deed: Callable[[], T], ports: Waiting, *, abandon: bool = False) -> T:
    """The deed's result. Raises its last RateLimited, or at once whatever else it raises.

    `abandon`: whether Ctrl-C may end the waiting. Only where nothing has been begun: to leave a key with too many
    rights, or a bot without one, because somebody was in a hurry is no option.
    """
    for pause in PAUSES:
        try:
            return deed()
        except RateLimited as limited:
            ports.say(f"{limited.message}. Nothing was done; waiting {pause:.0f} s before asking again.")
            for _ in range(int(pause / NAP)):
                if abandon and ports.interrupted():
                    raise
                ports.wait(NAP)
    return deed()


class PatientSurface:
    """See `surfaces.base.Surface`: the same surface, which a rate limit slows down and does not stop.

    But for `issue`, whose caller is patient itself: an expiry is counted anew for each try. And for `inspect`: each
    try spends a nonce.
    """

    def __init__(self, surface: Surface, ports: Waiting) -> None:
        self._surface = surface
        self._ports = ports

    def iiban(self) -> str:
        return patiently(self._surface.iiban, self._ports)

    def now(self) -> int:
        return patiently(self._surface.now, self._ports)

    def list_keys(self) -> Listing:
        return patiently(self._surface.list_keys, self._ports)

    def issue(self, name: str, spec: KeySpec) -> IssuedKey:
        return self._surface.issue(name, spec)

    def update(self, name: str, spec: KeySpec) -> None:
        patiently(lambda: self._surface.update(name, spec), self._ports)

    def revoke(self, name: str) -> None:
        patiently(lambda: self._surface.revoke(name), self._ports)

    def inspect(self, pair: KeyPair, nonce: int) -> LiveKey:
        return self._surface.inspect(pair, nonce)
