"""An account whose keys cannot be seen or changed: everything on it is blocked, and nothing looks clean. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from krakenctl.model.coverage import Coverage
from krakenctl.model.finding import Finding, Severity
from krakenctl.model.journal import Intent, Stage
from krakenctl.model.live import Phase
from krakenctl.model.plan import Change
from krakenctl.model.time import show_time
from krakenctl.plan.changes import blocked
from krakenctl.plan.scene import Scene


def why_unreached(scene: Scene) -> str:
    """The empty text when keys of this account can be seen and changed."""
    if scene.live.phase is not Phase.READY:
        return scene.live.reason or f"{scene.name} cannot be reached"
    if scene.live.coverage is Coverage.NONE:
        return f"the keys of {scene.name} cannot be seen"
    return ""


def all_blocked(scene: Scene, why: str) -> Iterator[Change]:
    """Also what may be live because of us; of a master without any of that, the account: it was not seen either."""
    traces = (trace for trace in scene.traces if not (isinstance(trace, Intent) and _is_given_up(scene, trace)))
    addresses = {key.address for key in scene.declared} | {trace.address for trace in traces}
    if not addresses and scene.account is not None and scene.account.address.kind == "Account":
        addresses = {scene.account.address}
    return (blocked(address, scene.name, why) for address in sorted(addresses))


def given_up(scene: Scene, why: str) -> Iterator[Finding]:
    """Nobody can do more about these from here, so they hold up no run."""
    return (_given_up(scene, intent, why) for intent in scene.intents if _is_given_up(scene, intent))


def _is_given_up(scene: Scene, intent: Intent) -> bool:
    return intent.stage is Stage.LOST and scene.account is None


def _given_up(scene: Scene, intent: Intent, why: str) -> Finding:
    until = intent.sent.valid_until if intent.sent else 0
    ends = f" It is looked for until {show_time(until)}, when it would have expired." if until else ""
    return Finding(
        rule="given-up-key",
        severity=Severity.WARNING,
        message=f"whether {intent.live_name} ever came to be cannot be seen: {why}.{ends}",
        hint=f"look among the keys of {scene.name} on Kraken's website, and delete it there if you find it; then"
        f" `krakenctl recover --absent {intent.address}`",
        address=str(intent.address),
    )
