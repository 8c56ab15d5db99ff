"""Everything that apply may touch, in one value."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from krakenctl.apply.halt import Halt
from krakenctl.model.live import LiveAccount
from krakenctl.model.outcome import Event
from krakenctl.model.plan import Change
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
    chance: Callable[[], float]  # from 0 to 1: how much of a pause is waited, so that not all come back at once
    parallelism: int  # how many accounts at once
    say: Callable[[str], None]  # a word to whoever watches, about the run and no change in particular; never raises
    interrupted: Callable[[], bool]  # whether somebody pressed Ctrl-C; asked between steps
    tell: Callable[[Event], None]  # never raises: see `unfailing`
    halt: Halt = field(default_factory=Halt)
    mark: Callable[[Change], None] = lambda _change: None  # as begun; of a saved plan


T = TypeVar("T")


def unfailing(tell: Callable[[T], None]) -> Callable[[T], None]:
    """The same, without its errors, and to one thread at a time.

    Whoever watches may go away; an apply under way may not stop for that.
    """
    gone = False
    turn = threading.Lock()

    def tell_or_not(what: T) -> None:
        nonlocal gone
        with turn:
            if gone:
                return
            try:
                tell(what)
            except (OSError, ValueError, RuntimeError):  # a closed pipe, a full disk, a terminal that hung up
                gone = True

    return tell_or_not
