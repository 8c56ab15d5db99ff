"""To hold a workspace's lease for as long as a command runs: waited for, kept alive, given back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread

from krakenctl.errors import KrakenctlError, LeaseLost, LockHeld
from krakenctl.model.run import Deed, Lease, Run
from krakenctl.state.base import Leases, State, StateHome

POLL_SECONDS = 0.25
BEATS = 3  # in the time after which a silent holder may be replaced: one may be late, or fail


@contextmanager
def tenure(
    home: StateHome, run: Run, seconds: float, *, patience: float = 0, say: Callable[[str], None] = lambda _: None
) -> Iterator[State]:
    """The open state, and nobody else changes this workspace meanwhile. Raises LockHeld after `patience` seconds."""
    state = home.open()
    try:
        lease = _await(state.leases, run, seconds, patience, say)
        try:
            if lease.dead is not None:
                say(f"Taken over from {lease.dead.who}'s `krakenctl {lease.dead.command}`, which has died.")
                state.log.append(_takeover(lease, lease.dead))
            with _heartbeat(state.leases, seconds):
                yield state
        finally:
            with suppress(KrakenctlError):  # then it is taken over when we are gone
                state.leases.release()
    finally:
        state.close()


def _await(leases: Leases, run: Run, seconds: float, patience: float, say: Callable[[str], None]) -> Lease:
    deadline, told = time.monotonic() + patience, False
    while True:
        try:
            return leases.acquire(run, seconds)
        except LockHeld as held:
            if time.monotonic() >= deadline:
                raise
            if not told:
                say(f"{held.message.removesuffix('; nothing was done')}; waiting up to {patience:.0f} s.")
                told = True
        time.sleep(POLL_SECONDS)


@contextmanager
def _heartbeat(leases: Leases, seconds: float) -> Iterator[None]:
    """A thread of its own, so that the lease lives through a question that nobody answers for an hour.

    It dies with the process, and a stopped process stops it too: that is what others go by.
    """
    ended = Event()
    thread = Thread(target=_beat, args=(leases, ended, seconds / BEATS), name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _beat(leases: Leases, ended: Event, pause: float) -> None:
    while not ended.wait(pause):
        try:
            leases.renew()
        except LeaseLost:  # whoever acts next is told by `check`
            return
        except KrakenctlError:  # the next beat may come through; if none does, the lease ends
            continue


def _takeover(lease: Lease, dead: Run) -> Deed:
    told = f"from {dead.who}'s `krakenctl {dead.command}` on {dead.host} (run {dead.id}), which has died"
    return Deed(at=int(lease.since), run=lease.run, verb="takeover", outcome="done", message=told)
