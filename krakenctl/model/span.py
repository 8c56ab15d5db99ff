"""Spans of time as people say them: roughly, in one unit. Exact ones are `time.show_duration`'s."""

from __future__ import annotations

_UNITS = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


def roughly(seconds: int) -> str:
    """`12 days`, `5 hours`, `1 minute`: rounded down, in the largest unit of which there are two, or else one."""
    for size, unit in _UNITS:
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}s"
    return "1 second" if seconds == 1 else "0 seconds"


def seen_from(now: int, moment: int) -> str:
    """`in 12 days` or `12 days ago`; `now` for what is less than a second away."""
    if moment == now:
        return "now"
    return f"in {roughly(moment - now)}" if moment > now else f"{roughly(now - moment)} ago"
