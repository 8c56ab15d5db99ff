"""Everything that apply may touch, in one value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from krakenctl.model.live import LiveAccount
from krakenctl.model.outcome import Event
from krakenctl.state.base import State
from krakenctl.stores.base import Store
from krakenctl.surfaces.base import Master, Surface


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    surface: Callable[[str], Surface]  # by account name
    master: Callable[[str], Master]  # by the master account's name
    store: Callable[[str], Store]  # by store name
    state: State
    look_again: Callable[[str], LiveAccount]  # at a sub-account that was just requested
    now: Callable[[], int]  # the exchange's clock, unix seconds
    wait: Callable[[float], None]  # seconds; for a new key to become visible
    interrupted: Callable[[], bool]  # whether somebody pressed Ctrl-C; asked between steps
    tell: Callable[[Event], None]
