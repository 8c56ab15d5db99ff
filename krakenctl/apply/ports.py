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
    tell: Callable[[Event], None]  # never raises: see `unfailing`


def unfailing(tell: Callable[[Event], None]) -> Callable[[Event], None]:
    """The same, without its errors. Whoever watches may go away; an apply under way may not stop for that."""
    gone = False

    def tell_or_not(event: Event) -> None:
        nonlocal gone
        if gone:
            return
        try:
            tell(event)
        except (OSError, ValueError, RuntimeError):  # a closed pipe, a full disk, a terminal that hung up
            gone = True

    return tell_or_not
