"""Which process this is, in words that a later one of the same number does not share. Linux tells; others do not."""

from __future__ import annotations

import os
from pathlib import Path

_PROC = Path("/proc")
_DEAD = ("Z", "X")  # ended, and not yet seen off by its parent


def here() -> str:
    """This boot of this host, as one container sees it; empty: nobody can tell. Numbers of processes hold within it."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {(_PROC / 'self/ns/pid').readlink()}"
    except OSError:
        return ""


def identity(pid: int) -> str:
    """What to remember of a process beside its number; empty where that would prove nothing later."""
    place, (start, _) = here(), _look(pid)
    return f"{place} {start}" if place and start else ""


def is_gone(pid: int, remembered: str) -> bool:
    """Whether it is certain that this process has ended. Of another host, boot or container nothing is certain."""
    place, _, start = remembered.rpartition(" ")
    if not start or place != here():
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:  # somebody else's, so /proc may hide it
        pass
    now, condition = _look(pid)
    return bool(now) and (now != start or condition in _DEAD)


def _look(pid: int) -> tuple[str, str]:
    """When it started, in ticks since boot, and its condition; empty: it cannot be seen."""
    try:
        fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except (OSError, UnicodeDecodeError):
        return "", ""
    return fields[19], fields[0]
