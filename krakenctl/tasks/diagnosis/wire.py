"""The way to the exchange: does it answer, what time is it there, is it open."""

from __future__ import annotations

from collections.abc import Iterator

from krakenctl.errors import KrakenctlError
from krakenctl.model.diagnosis import Told, ok, problem, warning
from krakenctl.model.time import show_time
from krakenctl.surfaces.kraken import answers
from krakenctl.tasks.diagnosis import verdicts
from krakenctl.tasks.diagnosis.check import Check, Needs
from krakenctl.tasks.diagnosis.ground import DoctorGround
from krakenctl.wiring import embedded


def sandbox(ground: DoctorGround) -> Iterator[Told]:
    """The embedded one's file and its clock. It is not made here: an empty one would look like a remedy."""
    if not ground.embedded:
        return
    file = ground.root / embedded.DATABASE
    if not file.exists():
        ground.unreachable = "not looked at, because there is no sandbox to ask"
        yield problem(f"there is no sandbox at {embedded.DATABASE}", hint="`krakenctl init` makes one")
        return
    if mode := file.stat().st_mode & 0o077:
        yield warning(f"others can read {embedded.DATABASE} (mode …{mode:03o})", hint=f"chmod 600 {file}")
    from krakenctl.sandbox import clock

    try:
        stands = clock.state(file)
    except KrakenctlError:
        ground.unreachable = "not looked at, because the sandbox cannot be asked"
        raise
    moved = f", {stands.offset:+.0f} s from this host's" if stands.offset else ""
    yield ok(f"its clock {'stands at' if stands.frozen else 'shows'} {show_time(int(stands.now))}{moved}")


def endpoint(ground: DoctorGround) -> Iterator[Told]:
    """Finds out for all others whether there is any use in asking."""
    try:
        taken = ground.samples
    except KrakenctlError:
        ground.unreachable = "not looked at, because the exchange cannot be asked"
        raise
    if ground.embedded:
        yield ok("the sandbox in this process answers")
    else:
        yield verdicts.answers(ground.endpoint, ground.http.proxy, (sample.seconds for sample in taken))


def clock(ground: DoctorGround) -> Iterator[Told]:
    """The embedded sandbox's is its own, and may be moved."""
    if not ground.embedded:
        yield verdicts.clock(ground.samples)


def status(ground: DoctorGround) -> Iterator[Told]:
    """Source: docs.kraken.com, Get System Status."""
    answer = ground.http.call("GET", "/0/public/SystemStatus", headers={})
    told = answers.result(answer, "tell its status")
    yield verdicts.status(told.get("status") if isinstance(told, dict) else None)


CHECKS = (
    Check("sandbox", "sandbox", sandbox, Needs.WORKSPACE),
    Check("endpoint", "endpoint", endpoint, Needs.EXCHANGE),
    Check("clock", "clock", clock, Needs.EXCHANGE),
    Check("status", "exchange", status, Needs.EXCHANGE),
)
