"""Is a key still what the plan saw? Pure."""

from __future__ import annotations

from krakenctl.apply.session import Live
from krakenctl.apply.steps import check
from krakenctl.model.plan import OldKey


def moved(old: OldKey, live: Live) -> str:
    """What is no longer as planned about a key; empty: nothing."""
    now = live.get(old.name)
    if now is None:
        return f"{old.name} is gone from the exchange since the plan was made"
    if now.spec != old.spec:
        changed = "; ".join(check.differences(old.spec, now.spec)) or "its expiry moved a little"
        return f"{old.name} was changed since the plan was made: {changed}"
    return another_key(old, live)


def another_key(old: OldKey, live: Live) -> str:
    """Whether somebody else's key has taken the name; looked at just before a revoke."""
    now = live.get(old.name)
    if now is not None and now.created != old.created:
        return f"{old.name} is another key now: it was created at another time"
    return ""
