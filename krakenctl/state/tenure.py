"""To hold a workspace's lease for as long as a command runs: waited for, kept alive, given back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread
from typing import TypeVar

from krakenctl.errors import ExchangeError, KrakenctlError, LeaseLost, LockHeld, StateBusy
from krakenctl.model.run import Deed, Lease, Run
from krakenctl.state.base import Leases, State, StateHome

T = TypeVar("T")

POLL_SECONDS = 0.25
BEATS = 3  # in the time after which a silent holder may be replaced: one may be late, or fail


@contextmanager
def tenure(
    home: StateHome,
    run: Run,
    seconds: float,
    *,
    patience: float = 0,
    say: Callable[[str], None] = lambda _: None,
    now: Callable[[], int] | None = None,
) -> Iterator[State]:
    """The open state, and nobody else changes this workspace meanwhile. Raises LockHeld after `patience` seconds.

    `now` is the log's clock, the exchange's; where it cannot be asked, the log goes by the state's.
    """
    wait = Patience(patience, say)
    state = wait.until(home.open)
    try:
        lease = wait.until(lambda: state.leases.acquire(run, seconds))
        try:
            if lease.dead is not None:
                say(f"Taken over from {lease.dead.who}'s `krakenctl {lease.dead.command}`, which has died.")
                state.log.append(_takeover(lease, lease.dead, now))
            with _heartbeat(state.leases, seconds):
                yield state
        finally:
            with suppress(KrakenctlError):  # then it is taken over when we are gone
                state.leases.release()
    finally:
        state.close()


class Patience:
    """One deadline over all that others may hold."""

    def __init__(self, seconds: float, say: Callable[[str], None]) -> None:
        self._seconds = seconds
        self._say = say
        self._deadline = time.monotonic() + seconds
        self._told = False

    def until(self, deed: Callable[[], T]) -> T:
        while True:
            try:
                return _unless_busy(deed)
            except LockHeld as held:
                if time.monotonic() >= self._deadline:
                    raise
                self._tell(held)
            time.sleep(POLL_SECONDS)

    def _tell(self, held: LockHeld) -> None:
        if not self._told:
            self._say(f"{held.message.removesuffix('; nothing was done')}; waiting up to {self._seconds:.0f} s.")
        self._told = True


def _unless_busy(deed: Callable[[], T]) -> T:
    """A database that another process has locked is held by it, whoever that is."""
    try:
        return deed()
    except StateBusy as problem:
        hint = f"{problem.hint}; --lock-timeout 5m waits for it"
        raise LockHeld(f"{problem.message}; nothing was done", hint=hint) from None


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


def _takeover(lease: Lease, dead: Run, now: Callable[[], int] | None) -> Deed:
    at = int(lease.since)
    with suppress(ExchangeError):
        at = at if now is None else now()
    told = f"from {dead.who}'s `krakenctl {dead.command}` on {dead.host} (run {dead.id}), which has died"
    return Deed(at=at, run=lease.run, verb="takeover", outcome="done", message=told)
