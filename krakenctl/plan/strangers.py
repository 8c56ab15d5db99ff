"""Live keys that nobody here manages, made elsewhere or handed over. Reported, never touched. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace

from krakenctl.model.finding import Finding, Severity
from krakenctl.model.journal import Intent, Stage
from krakenctl.model.key import LiveKey
from krakenctl.model.permission import in_order
from krakenctl.model.plan import Change
from krakenctl.model.recorded import Given, RecordedKey
from krakenctl.plan import names
from krakenctl.plan.scene import Scene

HANDED_OVER = "handed over (Removed, action: forget)"


def seen(scene: Scene) -> Iterator[Finding]:
    if scene.account is not None and not scene.account.report_unmanaged:
        return
    taken = {trace.live_name for trace in scene.traces}
    ours = {trace.live_name for trace in scene.traces if _is_ours(scene, trace)}
    for name, live in sorted(scene.by_name.items()):
        if name not in ours:
            yield told(scene.name, live, scene.tag, is_taken=name in taken, given=scene.given)


def _is_ours(scene: Scene, trace: RecordedKey | Intent) -> bool:
    """Whether the key of that name is the one we know. Of one that no list shows, its pair proves it."""
    if isinstance(trace, RecordedKey):
        return scene.same_key(trace) is not None
    return _is_made_by(trace, scene.by_name) or (scene.live.traits.proved_by_pair and trace.stage is Stage.STORED)


def _is_made_by(intent: Intent, by_name: Mapping[str, LiveKey]) -> bool:
    """One that was there before the intent, or does not tell, is none of ours."""
    live = by_name.get(intent.live_name)
    return live is not None and intent.is_before(live)


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
        hint = "" if is_given else "`krakenctl import --from connect` brings it under management"
        return Finding(rule="unmanaged-key", severity=Severity.NOTE, message=message, hint=hint)
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
