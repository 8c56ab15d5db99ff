"""The REST call counter of a key, and the lockout after failures in a row. It answers nobody; it counts.

Source: docs.kraken.com, Spot REST rate limits (one counter per key; maximum and decay by tier) and errors guide
(`EGeneral:Temporary lockout`; each attempt resets the timer). Threshold and length are switches.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from krakenctl.sandbox.context import Context

_TIERS = {"starter": (15, 0.33), "intermediate": (20, 0.5), "pro": (20, 1.0)}  # maximum, decay per second


def charge(counter: float, since: float, cost: int, context: Context) -> tuple[bool, float]:
    """Whether a call of this cost fits, and the counter after it."""
    maximum, decay = _TIERS[context.switches["tier"]]
    level = max(0.0, counter - max(0.0, context.now - since) * decay)
    fits = level + cost <= maximum
    counted = fits or context.switches["refused-call-cost"] == "counted"
    return fits, level + cost if counted else level


def is_locked(context: Context, subjects: tuple[str, ...]) -> bool:
    """Whether any of them is locked out now; asking while locked starts the time anew (a switch)."""
    locked = [subject for subject in subjects if _locked_until(context, subject) > context.now]
    if context.switches["lockout-restart"] == "yes":
        for subject in locked:
            _store(context, subject, 0, context.now + int(context.switches["lockout-seconds"]))
    return bool(locked)


def count_failure(context: Context, subject: str) -> None:
    """One more failure in a row; the one that reaches the threshold locks."""
    threshold = context.switches["lockout-threshold"]
    if threshold == "none":
        return
    found = context.connection.execute("SELECT count FROM failure WHERE subject = ?", (subject,)).fetchone()
    count = (found[0] if found else 0) + 1
    if count < int(threshold):
        _store(context, subject, count, 0)
    else:
        _store(context, subject, 0, context.now + int(context.switches["lockout-seconds"]))


def forget_failures(context: Context, subjects: tuple[str, ...]) -> None:
    """A good call ends the row."""
    for subject in subjects:
        context.connection.execute("DELETE FROM failure WHERE subject = ?", (subject,))


def _locked_until(context: Context, subject: str) -> float:
    found = context.connection.execute("SELECT locked_until FROM failure WHERE subject = ?", (subject,)).fetchone()
    return float(found[0]) if found else 0.0


def _store(context: Context, subject: str, count: int, until: float) -> None:
    context.connection.execute("INSERT OR REPLACE INTO failure VALUES (?, ?, ?)", (subject, count, until))
