"""Live keys that nobody here manages, made elsewhere or handed over. Reported, never touched. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from krakenctl.model.finding import Finding, Severity
from krakenctl.model.key import LiveKey
from krakenctl.model.permission import in_order
from krakenctl.model.plan import Change
from krakenctl.model.recorded import Given
from krakenctl.plan import names

HANDED_OVER = "handed over (Removed, action: forget)"


def told(account: str, live: LiveKey, tag: str, *, is_taken: bool, given: Iterable[Given]) -> Finding:
    """`is_taken`: it bears the name of a key of ours, and is another one. `given`: what was handed over there."""
    key, rights = f"the key “{live.name}” on {account}", _rights(live)
    if is_taken:
        return Finding(
            rule="unknown-key",
            severity=Severity.WARNING,
            message=f"{key} has the name of a key of ours, but not its creation time ({rights})",
            hint="somebody made it again; it is left alone",
        )
    is_given = any(each.is_key(live) for each in given)
    if is_given or not names.carries_tag(live.name, tag):
        since = f" any more: it was {HANDED_OVER}" if is_given else ""
        message = f"{key} is not managed here{since} ({rights})"
        return Finding(rule="unmanaged-key", severity=Severity.NOTE, message=message)
    return Finding(
        rule="unknown-key",
        severity=Severity.WARNING,
        message=f"{key} carries this workspace's tag, but is not recorded ({rights})",
        hint="was the state lost, or does another workspace use the same tag? It is left alone",
    )


def beside(change: Change, live: Iterable[LiveKey], given: Collection[Given]) -> Change:
    """A key that was handed over and is declared again is not taken back: somebody else may be using it."""
    former = [each for each in given if each.address == change.address]
    place = f"{change.secret.store}:{change.secret.path}" if change.secret else ""
    reasons = (
        f"{key.name} was {HANDED_OVER} and lives on beside the new key, unmanaged; if anybody still reads its secret"
        f" from {place}, copy it first: the new one takes its place"
        for key in live
        if any(each.is_key(key) for each in former)
    )
    return replace(change, reasons=(*reasons, *change.reasons))


def _rights(live: LiveKey) -> str:
    return ", ".join([*in_order(live.spec.permissions), *sorted(live.spec.unknown_permissions)]) or "no permission"
