"""Everything that apply may touch, in one value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from krakenctl.model.live import LiveAccount
from krakenctl.model.outcome import Event
from krakenctl.model.run import Run
from krakenctl.state.base import State
from krakenctl.stores.base import Store
from krakenctl.surfaces.base import Master, Surface


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    surface: Callable[[str], Surface]  # by account name
    master: Callable[[str], Master]  # by the master account's name
    store: Callable[[str], Store]  # by store name
    state: State
    run: Run  # who acts, and for which plan; goes to the journal and the log
    look_again: Callable[[str], LiveAccount]  # at a sub-account that was just requested
    now: Callable[[], int]  # the exchange's clock, unix seconds
    wait: Callable[[float], None]  # seconds: for a new key to show, for a limit to pass
    say: Callable[[str], None]  # a word to whoever watches, about the run and no change in particular; never raises
    interrupted: Callable[[], bool]  # whether somebody pressed Ctrl-C; asked between steps
    tell: Callable[[Event], None]  # never raises: see `unfailing`


T = TypeVar("T")


def unfailing(tell: Callable[[T], None]) -> Callable[[T], None]:
    """The same, without its errors. Whoever watches may go away; an apply under way may not stop for that."""
    gone = False

    def tell_or_not(what: T) -> None:
        nonlocal gone
        if gone:
            return
        try:
            tell(what)
        except (OSError, ValueError, RuntimeError):  # a closed pipe, a full disk, a terminal that hung up
            gone = True

    return tell_or_not
