"""The REST call counter of a key, and the lockout after failures in a row. It answers nobody; it counts.

Source: docs.kraken.com, Spot REST rate limits (one counter per key; maximum and decay by tier) and errors guide
(`EGeneral:Temporary lockout`; each attempt resets the timer). Threshold and length are switches.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from krakenctl.sandbox.context import Context
    from krakenctl.sandbox.keys import Key

_TIERS = {"starter": (15, 0.33), "intermediate": (20, 0.5), "pro": (20, 1.0)}  # maximum, decay per second


def charge(key: Key, cost: int, context: Context) -> tuple[bool, float]:
    """Whether a call of this cost fits, and the key's counter after it."""
    maximum, decay = _TIERS[key.tier or context.switches["tier"]]
    level = max(0.0, key.counter - max(0.0, context.now - key.counter_at) * decay)
    fits = level + cost <= maximum
    counted = fits or context.switches["refused-call-cost"] == "counted"
    return fits, level + cost if counted else level


def subjects(address: str, account_id: int | None, context: Context) -> tuple[str, ...]:
    """Whom failures are held against: the caller's address, and the key's account where one is known."""
    by_address = f"address {address.encode('ascii', 'replace').decode()}"
    if account_id is None or context.switches["lockout-scope"] == "address":
        return (by_address,)
    return (by_address, f"account {account_id}")


def lock_out(context: Context, subject: str) -> None:
    _store(context, subject, 0, context.now + int(context.switches["lockout-seconds"]))


def is_locked(context: Context, subjects: tuple[str, ...]) -> bool:
    """Whether any of them is locked out now; asking while locked starts the time anew (a switch)."""
    found = context.connection.execute(
        "SELECT subject FROM failure WHERE subject IN (?, ?) AND locked_until > ?",
        (subjects[0], subjects[-1], context.now),
    ).fetchall()
    if context.switches["lockout-restart"] == "yes":
        for (subject,) in found:
            lock_out(context, subject)
    return bool(found)


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
        lock_out(context, subject)


def forget_failures(context: Context, subjects: tuple[str, ...]) -> None:
    """A good call ends the row."""
    context.connection.execute("DELETE FROM failure WHERE subject IN (?, ?)", (subjects[0], subjects[-1]))


def _store(context: Context, subject: str, count: int, until: float) -> None:
    """Lockouts that are over go: they say as little as no row."""
    context.connection.execute("DELETE FROM failure WHERE locked_until > 0 AND locked_until <= ?", (context.now,))
    context.connection.execute("INSERT OR REPLACE INTO failure VALUES (?, ?, ?)", (subject, count, until))
