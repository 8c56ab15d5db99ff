"""What any surface may need to be opened, whichever it is. Each takes what it needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from krakenctl.model.human import Site
from krakenctl.model.secret import Secret
from krakenctl.model.surface import USUAL
from krakenctl.surfaces.kraken.held import Held, NothingHeld
from krakenctl.surfaces.kraken.meter import Meter
from krakenctl.surfaces.person import Nobody, Person
from krakenctl.transport.http import Http


@dataclass(frozen=True, slots=True, kw_only=True)
class Premises:
    """What manifests, state and the command tell of one account."""

    site: Site
    surface: str = USUAL
    held: Held = field(default_factory=NothingHeld)
    person: Person = field(default_factory=Nobody)
    steps: Callable[[], int] = lambda: 1  # how many a person takes on this account in this run


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """`token` and `meter` are made when they are asked for; raises CredentialError."""

    http: Http
    premises: Premises
    token: Callable[[], Secret]
    meter: Callable[[], Meter | None]
    clock: Callable[[], int]  # nanoseconds since 1970, as the keys' consumers have it
    now: Callable[[], int]  # the exchange's clock, unix seconds
    wait: Callable[[float], None]  # seconds
