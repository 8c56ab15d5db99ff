"""Wait and ask again, where nothing can have been done, or where asking does nothing; and where waiting helps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from krakenctl.errors import AnswerLost, LockedOut, NotAuthorised, RateLimited, Refused, Unreachable
from krakenctl.model.human import Mended, Revocation
from krakenctl.model.key import IssuedKey, KeyPair, KeySpec, LiveKey
from krakenctl.model.plan import Verb
from krakenctl.surfaces.base import Listing, Surface

# Upper ends, in seconds, of pauses that are drawn from zero up (“full jitter”): whoever was refused at the same moment
# comes back at different ones. A key's call counter falls by 0.33 to 1 a second (docs.kraken.com, REST rate limits);
# these come to two minutes on average, which empties any of them.
PAUSES = (2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0)
GLITCHES = (1.0, 2.0, 4.0)  # the same, for a question whose answer was lost, or that found no way out
LONGEST = 300.0  # seconds; who is told to wait longer gives up, and does not ask before its time either
NAP = 0.25  # seconds; a signal does not end a sleep, and nobody should wait a minute for Ctrl-C to count

T = TypeVar("T")


class Waiting(Protocol):
    """The ports that patience needs; `apply.ports.Ports` has them."""

    @property
    def wait(self) -> Callable[[float], None]: ...  # seconds
    @property
    def now(self) -> Callable[[], int]: ...  # the exchange's clock
    @property
    def chance(self) -> Callable[[], float]: ...  # from 0 to 1
    @property
    def say(self) -> Callable[[str], None]: ...
    @property
    def interrupted(self) -> Callable[[], bool]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Quietly:
    """Waiting without a word, as long as it takes, for whoever only looks. Ctrl-C simply ends the process."""

    wait: Callable[[float], None]
    now: Callable[[], int]
    chance: Callable[[], float]
    say: Callable[[str], None] = field(default=lambda _: None)
    interrupted: Callable[[], bool] = field(default=lambda: False)


def patiently(deed: Callable[[], T], ports: Waiting, *, abandon: bool = False) -> T:
    """The deed's result. Raises its last RateLimited, or at once whatever else it raises.

    `abandon`: whether Ctrl-C may end the waiting. Only where nothing has been begun: to leave a key with too many
    rights, or a bot without one, because somebody was in a hurry is no option.
    """
    for pause in PAUSES:
        try:
            return deed()
        except RateLimited as limited:
            asked = _asked(limited, ports)
            if asked > LONGEST:
                raise
            seconds = asked + ports.chance() * pause
            ports.say(f"{limited.message}. Nothing was done; waiting {seconds:.0f} s before asking again.")
            if not _waited(seconds, ports, abandon=abandon):
                raise
    return deed()


def asking(question: Callable[[], T], ports: Waiting) -> T:
    """The same for what changes nothing: a lost answer or connection is no reason to give up at once either."""
    for pause in GLITCHES:
        try:
            return patiently(question, ports)
        except (AnswerLost, Unreachable) as problem:
            asked = problem.wait if isinstance(problem, AnswerLost) else 0.0
            if asked > LONGEST:
                raise
            _waited(asked + ports.chance() * pause, ports, abandon=False)
    return patiently(question, ports)


def _asked(limited: RateLimited, ports: Waiting) -> float:
    """For how many seconds Kraken does not want to be asked. Its times are whole seconds, and so is our clock."""
    return max(limited.wait, limited.until - ports.now() + 1 if limited.until else 0.0)


def _waited(seconds: float, ports: Waiting, *, abandon: bool) -> bool:
    """False: somebody pressed Ctrl-C, and may."""
    while seconds > 0:
        if abandon and ports.interrupted():
            return False
        ports.wait(min(NAP, seconds))
        seconds -= NAP
    return True


class PatientSurface:
    """See `surfaces.base.Surface`: the same surface, which a rate limit slows down and does not stop.

    But for `issue`, whose caller is patient itself: an expiry is counted anew for each try. And for `inspect`: each
    try spends a nonce.
    """

    def __init__(self, surface: Surface, ports: Waiting) -> None:
        self._surface = surface
        self._ports = ports

    def iiban(self) -> str:
        return asking(self._surface.iiban, self._ports)

    def list_keys(self) -> Listing:
        return asking(self._surface.list_keys, self._ports)

    def issue(self, name: str, spec: KeySpec) -> IssuedKey:
        return self._surface.issue(name, spec)

    def update(self, name: str, spec: KeySpec) -> None:
        patiently(lambda: self._surface.update(name, spec), self._ports)

    def revoke(self, name: str) -> Revocation:
        """Raises AnswerLost when a second try is refused: it may be refused because the first one was heard."""
        tries = 0

        def attempt() -> Revocation:
            nonlocal tries
            tries += 1
            return self._surface.revoke(name)

        try:
            return patiently(attempt, self._ports)
        except (RateLimited, LockedOut, NotAuthorised):
            raise
        except Refused as problem:
            if tries == 1:
                raise
            raise AnswerLost(f"{problem.message}, and an earlier try may have been heard") from problem

    def ready(self, verb: Verb, name: str) -> None:
        self._surface.ready(verb, name)

    def amend(self, name: str, spec: KeySpec, wrong: tuple[str, ...]) -> Mended | None:
        return self._surface.amend(name, spec, wrong)

    def accept(self, name: str, spec: KeySpec, why: str) -> str:
        return self._surface.accept(name, spec, why)

    def inspect(self, pair: KeyPair, nonce: int) -> LiveKey:
        return self._surface.inspect(pair, nonce)

    def take_request(self) -> str:
        return self._surface.take_request()
