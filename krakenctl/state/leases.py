"""The lease in SQL: one row, whose fence rises with every holder. Time is what the database's clock says."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from threading import Lock
from typing import Any

from krakenctl.errors import Contained, LeaseLost, LockHeld, StateError
from krakenctl.model.run import Lease, Run
from krakenctl.model.time import show_time
from krakenctl.state import process
from krakenctl.state.database import Database, Execute

_READ = "SELECT fence, holder, since, beat, seconds FROM lease"
_TAKE = "UPDATE lease SET fence = ?, holder = ?, since = ?, beat = ?, seconds = ?"
_BEAT = "UPDATE lease SET beat = ? WHERE fence = ? AND holder <> ''"
_FREE = "UPDATE lease SET holder = '' WHERE fence = ?"
BREAK = "UPDATE lease SET holder = '', fence = fence + 1"
MOVED = "moved"  # in meta, once everything is in another state: where it went

_LOST = "the lease of this workspace was taken away while this krakenctl was at work"
_LOST_HINT = "the next run finishes what was under way, or whoever has the lease now: see `krakenctl state lock list`"


class SqlLeases:
    """See `base.Leases`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._pulse: Database | None = None  # the heartbeat's own connection; it never waits behind a write of ours
        self._turn = Lock()  # over the pulse
        self._fence = 0  # ours; 0: we hold none, and write unguarded
        self._alarms = 0  # how often the kill switch had been used when we took it

    def must_hold(self, run: Execute) -> None:
        """To be run in the transaction of every write. Raises LeaseLost."""
        if self._fence and run("SELECT fence FROM lease")[0][0] != self._fence:
            raise LeaseLost(_LOST, hint=_LOST_HINT)

    def is_calm(self, run: Execute) -> bool:
        """Whether the kill switch was left alone since we took the lease."""
        return not self._fence or run("SELECT alarms FROM lease") == [(self._alarms,)]

    def must_be_calm(self, run: Execute) -> None:
        """To be run in the transaction that begins something. Raises LeaseLost or Contained."""
        self.must_hold(run)
        if not self.is_calm(run):
            contained = run("SELECT address, who, reason FROM contained ORDER BY at DESC")
            raise Contained(
                _used(contained),
                addresses=[row[0] for row in contained],
                hint="`krakenctl log` says who used it and why; run plan when that is over",
            )

    def check(self) -> None:
        """See `base.State.check`.

        What is sent right after this is sent while the lease is ours: it has at least half its time to run.
        """
        if self._fence and self._database.read(self._is_stale):
            self.renew()

    def _is_stale(self, run: Execute) -> bool:
        self.must_be_calm(run)
        [(beat, seconds)] = run("SELECT beat, seconds FROM lease")
        return bool(self._database.now() - beat > seconds / 2)

    def acquire(self, run: Run, seconds: float) -> Lease:
        pid = os.getpid()
        lease, self._alarms = self._database.write(lambda execute: self._take(execute, run, pid, seconds))
        self._fence = lease.fence
        return lease

    def _take(self, execute: Execute, run: Run, pid: int, seconds: float) -> tuple[Lease, int]:
        refuse_moved(execute)
        now = self._database.now()
        [(fence, alarms)] = execute("SELECT fence, alarms FROM lease")
        held = read(execute, now)
        if held is not None and held.run.id == run.id:  # taken already, and the answer was lost
            return held, alarms
        if held is not None and not is_dead(held):
            raise _held(held)
        lease = Lease(
            fence=fence + 1,
            run=run,
            pid=pid,
            process=process.identity(pid),
            since=now,
            beat=now,
            seconds=seconds,
            asked=now,
            dead=held.run if held is not None else None,
        )
        execute(_TAKE, lease.fence, _holder(lease), now, now, seconds)
        return lease, alarms

    def renew(self) -> None:
        with self._turn:
            pulse = self._pulse = self._pulse or self._database.another()

            def beat(run: Execute) -> None:
                self.must_hold(run)
                run(_BEAT, pulse.now(), self._fence)

            pulse.write(beat)

    def release(self) -> None:
        self.close()
        fence, self._fence = self._fence, 0
        self._database.write(lambda run: run(_FREE, fence))

    def close(self) -> None:
        """No heart beats any more; the lease stays."""
        with self._turn:
            if self._pulse is not None:
                self._pulse.close()
                self._pulse = None

    def holder(self) -> Lease | None:
        return self._database.read(lambda run: read(run, self._database.now()))

    def unlock(self) -> Lease | None:
        def take_away(run: Execute) -> Lease | None:
            held = read(run, self._database.now())
            run(BREAK)
            return held

        return self._database.write(take_away)


def read(run: Execute, now: float) -> Lease | None:
    """Who holds it; None: nobody. Raises ValueError, KeyError or TypeError for what we never wrote."""
    [(fence, holder, since, beat, seconds)] = run(_READ)
    if not holder:
        return None
    told = json.loads(holder)
    return Lease(
        fence=fence,
        run=Run(**told["run"]),
        pid=told["pid"],
        process=told["process"],
        since=since,
        beat=beat,
        seconds=seconds,
        asked=now,
    )


def refuse_holder(run: Execute, now: float) -> None:
    """Raises LockHeld while somebody who lives has it."""
    held = read(run, now)
    if held is not None and not is_dead(held):
        raise _held(held)


def refuse_moved(run: Execute) -> None:
    """Raises StateError once everything is in another state: what is done with this one would not be known there."""
    for (told,) in run("SELECT value FROM meta WHERE name = ?", MOVED):
        raise moved(told)


def moved(told: str) -> StateError:
    """`told`: what is kept as MOVED. Raises ValueError, KeyError or TypeError for what we never wrote."""
    move = json.loads(told)
    return StateError(
        f"this state was moved to {move['to']} by {move['who']} at {show_time(move['at'])}; nothing was done",
        hint="name that one as `state` in krakenctl.yaml; `krakenctl state copy` brings it back",
    )


def is_dead(lease: Lease) -> bool:
    """Whether it may be taken over: its process has ended, or nobody has heard of it for long enough."""
    return lease.silence > lease.seconds or process.is_gone(lease.pid, lease.process)


def _used(contained: Sequence[Sequence[Any]]) -> str:
    """By whom and why, the latest first; nothing is known where it met no key that we ever heard of."""
    if not contained:
        return "the kill switch was used"
    _, who, reason = contained[0]
    return f"the kill switch was used by {who}" + (f": {reason}" if reason else "")


def _holder(lease: Lease) -> str:
    return json.dumps({"run": asdict(lease.run), "pid": lease.pid, "process": lease.process})


def _held(lease: Lease) -> LockHeld:
    return LockHeld(
        f"{lease.sentence()}; nothing was done",
        hint="--lock-timeout 5m waits for it; `krakenctl state unlock --reason TEXT` takes it from one that hangs",
    )
