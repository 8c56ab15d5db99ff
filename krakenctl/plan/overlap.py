"""Two generations of a key that work at once, and what a third one has to wait for. Pure.

At most two live, so a third ends the oldest early. Its consumers were promised the overlap: what can wait, does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from krakenctl.model.desired import DesiredKey
from krakenctl.model.finding import Finding, Severity
from krakenctl.model.key import KeySpec, LiveKey
from krakenctl.model.plan import Action, Cause, Change
from krakenctl.model.recorded import RecordedKey
from krakenctl.model.time import show_duration, show_time
from krakenctl.plan.changes import blocked
from krakenctl.plan.homes import homes, taken_over
from krakenctl.plan.rotation import MISSED, deadlines
from krakenctl.plan.scene import Scene

WAITS = "waits-for-overlap"
_CAN_WAIT = frozenset({Cause.DUE, Cause.TRIGGER, Cause.DECLARED, Cause.ASKED})
_A_PERSON_WANTS_IT = frozenset({Cause.TRIGGER, Cause.DECLARED})
_SLACK = 600  # seconds from the issue of a key to its promotion, from which on an overlap is counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    key: DesiredKey
    current: RecordedKey
    older: RecordedKey  # in its overlap

    @property
    def until(self) -> int:
        return self.older.retired_until


def pairs(scene: Scene) -> Iterator[Pair]:
    """At most one for each declared key."""
    records = {record.address: record for record in scene.recorded}
    ours = {record.live_name: live for record in scene.retired if (live := scene.same_key(record))}
    home = homes(scene.declared, records)
    for key in scene.declared if ours else ():
        taken = taken_over(key, records)
        older = [record for record in scene.retired if home.get(record.address, record.address) == key.address]
        if taken and (two := pair(key, records[taken], older, ours, scene.now)):
            yield two


def pair(
    key: DesiredKey, current: RecordedKey, retired: Iterable[RecordedKey], live: Mapping[str, LiveKey], now: int
) -> Pair | None:
    """`retired`: of this key. `live`: by name, those that are still the recorded ones. None: none works any more."""
    working = [record for record in retired if record.retired_until > now and _works(live.get(record.live_name), now)]
    older = max(working, key=lambda record: record.retired_until, default=None)
    return None if older is None else Pair(key=key, current=current, older=older)


def _works(live: LiveKey | None, now: int) -> bool:
    return live is not None and not live.spec.has_ended(now)


def waits(change: Change, two: Pair, now: int) -> bool:
    """Whether this change, which nobody has named, leaves the overlap its time.

    What takes something away never waits, nor what a policy needs before; nor anything once the manifest asks for an
    overlap no longer: that is how its owner says that it is to be now.
    """
    if change.action not in (Action.REPLACE, Action.ROTATE) or not set(change.causes) <= _CAN_WAIT:
        return False
    if change.old is None or change.new is None or _takes_away(change.old.spec, change.new.spec):
        return False
    if now >= two.current.issued + two.key.rotation.overlap:
        return False
    policies = deadlines(two.key, two.current, change.old.spec.valid_until)
    return all(two.until + MISSED <= policy.broken for policy in policies)


def _takes_away(before: KeySpec, after: KeySpec) -> bool:
    rights = before.unknown_permissions or before.permissions - after.permissions
    places = after.ip_allowlist and (not before.ip_allowlist or set(before.ip_allowlist) - set(after.ip_allowlist))
    return bool(rights or places)


def put_off(change: Change, two: Pair) -> Change | Finding:
    """Blocked, where a person wants it now; a note where it is merely due."""
    waits, causes = f"waits until the overlap of {two.older.live_name} ends, {show_time(two.until)}", set(change.causes)
    named = f"to have it sooner: krakenctl rotate {change.address}"
    if _A_PERSON_WANTS_IT & causes:
        shorter = "to have it sooner, declare an overlap that is no longer than its consumers need"
        why = f"it {waits}: a third generation would end that early; {shorter if Cause.DECLARED in causes else named}"
        waiting = blocked(change.address, change.account, why, *change.causes)
        return replace(waiting, reasons=(why, *change.reasons))
    return Finding(
        rule=WAITS,
        severity=Severity.NOTE,
        message=f"{change.address} {waits}",
        hint="the first run after that rotates it, within its policy" if Cause.DUE in causes else named,
        address=str(change.address),
    )


def unlike_declared(two: Pair) -> Finding | None:
    """An overlap that runs is as it was applied: its consumers were told, and on the exchange its end is set."""
    declared = two.key.rotation.overlap
    if abs(two.current.issued + declared - two.until) <= _SLACK:
        return None
    now_declared = f"rotation.overlap is {show_duration(declared)} now" if declared else "no overlap is declared now"
    return Finding(
        rule="overlap-as-applied",
        severity=Severity.NOTE,
        message=f"{two.older.live_name} lives on until {show_time(two.until)}, as it was applied; {now_declared}, which"
        " counts from the next rotation on",
        address=str(two.key.address),
    )
