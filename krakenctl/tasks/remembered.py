"""What a workspace's state tells, and its lease, without looking at the exchange. Its manifests need not be sound."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from krakenctl.model.journal import Stage
from krakenctl.model.run import Deed, Run
from krakenctl.model.surface import traits
from krakenctl.model.workspace import SANDBOX
from krakenctl.project import read_workspace
from krakenctl.wiring.opening import state_home

if TYPE_CHECKING:
    from krakenctl.model.address import Address
    from krakenctl.model.chain import Walked
    from krakenctl.model.recorded import Recorded
    from krakenctl.model.run import Lease
    from krakenctl.state.base import State


def recorded(root: Path) -> Recorded:
    """Everything that is remembered. Raises StateError."""
    return state_home(root).read()


@contextmanager
def look(root: Path) -> Iterator[State | None]:
    """The state, to be read only; None: there is none yet. Raises StateError."""
    with state_home(root).look() as state:
        yield state


def verify_log(root: Path, told: str) -> Walked:
    """Walk the audit log; `told`: a head that a report printed, or empty. Raises StateError."""
    from krakenctl.model.chain import walk

    with look(root) as state:
        if state is None:
            return replace(walk((), stored="", told=told), stateless=True)
        return walk(state.log.lines(), stored=state.log.head(), told=told)


def unlooked(memory: Recorded, address: Address, surface: str) -> Unlooked | None:
    """The first key of that address, as far as a run has come with it; None: there is one, or none is asked for."""
    if address in memory.keys:
        return None
    ours = (each for each in memory.intents if each.address == address and each.issues and not each.mistaken)
    begun = [each for each in ours if each.stage is not Stage.LOST]
    intent = min(begun, key=lambda each: each.stage is Stage.SHOWN, default=None)
    if intent is None or (intent.stage is Stage.SHOWN and address in memory.contained):
        return None
    name = intent.live_name
    if intent.stage is Stage.SHOWN:
        why = f"a person was told to make {name}, and nobody has given its pair yet"
        return Unlooked(name, why, "`krakenctl apply` takes it")
    if intent.flaw:
        return Unlooked(name, f"{name} was made, and is not as declared: {intent.flaw}", "`krakenctl apply` goes on")
    if intent.stage is Stage.STORED and traits(surface).proved_by_pair:
        why, do = f"{name} was made, and nobody has looked at it yet", f"`krakenctl attest {address}` where it is used"
        return Unlooked(name, why, do)
    why = f"a run has begun to issue {name}, and not finished"
    return Unlooked(name, why, "`krakenctl recover` goes on where no run is at work")


class Unlooked(NamedTuple):
    """A new key that no command may count on yet."""

    name: str  # on the exchange
    why: str
    do: str


def holder(root: Path) -> tuple[Lease | None, bool]:
    """Who holds the lease, and whether it may be taken over at once. Raises StateError."""
    from krakenctl.state.leases import is_dead

    held = recorded(root).lease
    return held, held is not None and is_dead(held)


def unlock(root: Path, run: Run) -> tuple[Lease | None, str]:
    """Take the lease from whoever holds it, on the record. Returns what was taken, and the log's head.

    Raises StateError.
    """
    with closing(state_home(root).open()) as state:
        held = state.leases.holder()
        if held is None:
            return None, ""
        told = f"{held.sentence()}; run {held.run.id}"
        state.log.append(Deed(at=offline_now(root), run=run, verb="unlock", outcome="done", message=told))
        return state.leases.unlock(), state.log.head()


def offline_now(root: Path) -> int:
    """Unix seconds on the exchange's clock, as far as that is known without asking it."""
    from krakenctl.wiring import embedded

    return int(embedded.now(root) if read_workspace(root).endpoint == SANDBOX else time.time())
