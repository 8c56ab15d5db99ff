"""All checks, one after the other, in the order in which people would look. One problem never hides another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from krakenctl.errors import KrakenctlError
from krakenctl.model.diagnosis import Diagnosed, Diagnosis, Health, Told, unknown
from krakenctl.tasks.diagnosis import access, here, keeping, memory, wire
from krakenctl.tasks.diagnosis.check import Check, Needs, of_bug, of_error
from krakenctl.tasks.diagnosis.ground import DoctorGround

CHECKS = (*here.CHECKS, *wire.CHECKS, *access.CHECKS, *keeping.CHECKS, *memory.CHECKS)


def diagnose(ground: DoctorGround) -> Diagnosis:
    results = tuple(
        Diagnosed(check=check.id, title=check.title, told=told) for check in CHECKS for told in _looked(check, ground)
    )
    return Diagnosis(results=results, calls=ground.calls)


def _looked(check: Check, ground: DoctorGround) -> Iterator[Told]:
    if check.needs & Needs.WORKSPACE and not ground.has_workspace:
        return
    try:
        left_out = _left_out(check, ground)
        yield from check.run(ground) if left_out is None else (left_out,)
    except KrakenctlError as error:
        yield of_error(error)
    except Exception as bug:  # noqa: BLE001 - the next check may be the one that helps
        yield of_bug(bug)


def _left_out(check: Check, ground: DoctorGround) -> Told | None:
    if check.needs & Needs.WORKSPACE and not ground.sound:
        return unknown("not looked at, because krakenctl.yaml cannot be used")
    if check.needs & Needs.STATE and not ground.remembers:
        return unknown("not looked at, because the state cannot be read")
    if check.needs & Needs.EXCHANGE and ground.wish.offline:
        return replace(unknown("not looked at, because of --offline"), health=Health.SKIPPED)
    if check.needs & Needs.EXCHANGE and ground.unreachable:
        return unknown(ground.unreachable)
    if check.needs & Needs.EXCHANGE and not ground.endpoint:
        return unknown("not looked at, because krakenctl.yaml cannot be used")
    return None
