"""Times are whole unix seconds, UTC; durations are whole seconds. The texts that people write live here.

No function here asks what time it is: `now` is always handed in.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
LONGEST = 3650 * 86400  # seconds; whoever means more means for ever, and leaves the field out
_DURATION = re.compile(r"([1-9]\d{0,5})([smhdw])")
_NUMBER = re.compile(r"[1-9]\d{0,3}")
_TIME = re.compile(r"\d{4}-\d\d-\d\d(?:[Tt ]\d\d:\d\d(?::\d\d)?(?:[Zz]|[+-]\d\d:\d\d)?)?")


def parse_duration(text: str) -> int:
    """`90d` → seconds. Raises ValueError: one whole number and one of s, m, h, d, w; at most ten years."""
    found = _DURATION.fullmatch(text)
    if found is None:
        if _NUMBER.fullmatch(text):
            raise ValueError(f"{text} what? write {text}d, {text}h or {text}m")
        raise ValueError(f"“{text}” is not a duration; write a whole number and a unit, as 90d, 24h or 30m")
    seconds = int(found[1]) * _UNITS[found[2]]
    if seconds > LONGEST:
        raise ValueError(f"“{text}” is longer than 10 years; write 3650d at most")
    return seconds


def parse_time(text: str) -> int:
    """`2027-05-01` or `2027-05-01T00:00:00Z` → unix seconds. A time without a zone is UTC. Raises ValueError."""
    try:
        if _TIME.fullmatch(text) is None:
            raise ValueError
        moment = datetime.fromisoformat(text.upper())
    except ValueError:
        raise ValueError(f"“{text}” is not a time; write 2027-05-01 or 2027-05-01T00:00:00Z") from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def show_time(seconds: int) -> str:
    """Unix seconds → `2027-05-01T00:00:00Z`. Any number has a text: an exchange may say what no calendar holds."""
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):  # which of them is the platform's choice
        return f"unix {seconds}"
    return moment.replace(tzinfo=None).isoformat() + "Z"


def show_duration(seconds: int) -> str:
    """Seconds → the shortest exact text: 86400 → `1d`; 0 → `0s`."""
    for unit in ("d", "h", "m"):
        if seconds and seconds % _UNITS[unit] == 0:
            return f"{seconds // _UNITS[unit]}{unit}"
    return f"{seconds}s"
