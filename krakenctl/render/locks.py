"""Who holds the lease of a workspace, as text and as JSON. Pure."""

from __future__ import annotations

from typing import Any

from krakenctl.model.run import Lease
from krakenctl.model.time import show_time
from krakenctl.render.paint import Paint, visible

FORMAT = "krakenctl.locks/v1"


def to_json(lease: Lease | None, *, dead: bool, log_head: str = "") -> dict[str, Any]:
    """`log_head`: of a command that wrote to the log."""
    locks = [] if lease is None else [_lock_json(lease, dead=dead)]
    return {"format": FORMAT, "locks": locks, **({"logHead": log_head} if log_head else {})}


def render(lease: Lease | None, paint: Paint, *, dead: bool) -> str:
    if lease is None:
        return "Nobody is changing this workspace.\n"
    told = _lock_json(lease, dead=dead)
    rows = [f"{paint(f'{name}:', 'dim')} {visible(str(value))}" for name, value in told.items() if name != "dead"]
    note = ["Its holder has died: the next run takes over."] if dead else []
    return "\n".join([*rows, *note]) + "\n"


def _lock_json(lease: Lease, *, dead: bool) -> dict[str, Any]:
    return {
        "holder": lease.run.who,
        "host": lease.run.host,
        "process": lease.pid,
        "command": lease.run.command,
        "run": lease.run.id,
        "since": show_time(int(lease.since)),
        "heartbeat": show_time(int(lease.beat)),
        "silentSeconds": round(lease.silence),
        "leaseSeconds": round(lease.seconds),
        "fence": lease.fence,
        "dead": dead,
    }
