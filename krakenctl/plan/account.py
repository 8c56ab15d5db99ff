"""The changes of one account: its declared keys, its undeclared ones, and those in their overlap. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeVar

from krakenctl.model.address import Address
from krakenctl.model.desired import Desired, DesiredAccount, DesiredKey
from krakenctl.model.finding import Finding, Severity
from krakenctl.model.journal import Intent, Stage
from krakenctl.model.key import LiveKey
from krakenctl.model.live import Coverage, LiveAccount, Phase
from krakenctl.model.plan import Action, Cause, Change, Gone, Overlap, Step, Verb
from krakenctl.model.recorded import Containment, Given, Recorded, RecordedKey, SeenLimit, keys_limit
from krakenctl.model.recovery import JOURNAL_SLACK
from krakenctl.model.time import show_time
from krakenctl.plan import authority, byhand, keys, names, overlap, room, strangers
from krakenctl.plan.contained import containment
from krakenctl.plan.homes import homes, taken_over
from krakenctl.plan.rotation import Asked, latest_rotation

_SUPERSEDING = (Action.REPLACE, Action.ROTATE, Action.REVOKE)


@dataclass(slots=True)
class AccountPlan:
    changes: list[Change] = field(default_factory=list)
    unchanged: list[Address] = field(default_factory=list)
    overlaps: list[Overlap] = field(default_factory=list)
    gone: list[Gone] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    left: list[Change] = field(default_factory=list)  # to apply, by a run of less authority


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One account and all that bears on it. `desired` is None when it is no longer declared."""

    name: str
    account: DesiredAccount | None
    declared: tuple[DesiredKey, ...]
    removals: Mapping[Address, str]  # forget | revoke, for keys that are no longer declared
    live: LiveAccount
    recorded: tuple[RecordedKey, ...]  # current keys of this account
    retired: tuple[RecordedKey, ...]
    intents: tuple[Intent, ...]
    generations: Mapping[Address, int]  # burned, of all accounts
    tag: str
    now: int
    limit_seen: SeenLimit | None
    errand: authority.Errand
    asked: Mapping[Address, Asked]  # keys that somebody wants rotated now
    waiting: Mapping[Address, str]  # why a change of an earlier run, which must be finished first, has to wait
    contained: Mapping[Address, Containment]  # the kill switch was used on these, and they were not issued since
    given: tuple[Given, ...]  # handed over: none of ours, whatever they are called

    @property
    def keys_limit(self) -> int | None:
        declared = self.account.keys_limit if self.account else None
        return keys_limit(declared, self.limit_seen, len(self.live.keys))


def plan_account(scene: Scene) -> AccountPlan:
    """Everything about one account. Keys of an account that is not ready wait for it or are blocked."""
    if blocked := _why_blocked(scene):
        return _all_blocked(scene, blocked)
    result = AccountPlan()
    by_name = {key.name: key for key in scene.live.keys}
    undeclared = {record.address: record for record in scene.recorded}
    used = names.generations(by_name, scene.tag)
    changes: list[Change] = []
    for key in scene.declared:
        record = _record_of(key, undeclared)
        if why := scene.waiting.get(key.address) or (record and scene.waiting.get(record.address)):
            changes.append(_must_wait(scene, key.address, why))
            continue
        change = decide(scene, key, record, by_name, used)
        issues = change is not None and change.strategy is not None
        if (issues or not _same_key(record, by_name)) and (gen := _forgotten(scene, key, record, by_name, used)):
            change = _state_lost(scene, key, gen)
        if change is not None and change.action is Action.CREATE:
            change = strangers.beside(change, scene.live.keys, scene.given)
        _note(change, key.address, changes, result)
    waiting = [undeclared.pop(address) for address in sorted(undeclared.keys() & scene.waiting.keys())]
    changes += (_must_wait(scene, record.address, scene.waiting[record.address]) for record in waiting)
    changes += _undeclared(scene, undeclared.values(), by_name)
    known = {record.address for record in scene.recorded}
    share = authority.share(scene.errand, changes, scene.asked, known)  # before others of its account make room for it
    changes, result.left = [*_beside_overlaps(scene, share.kept, by_name, result)], share.left
    first = [*_retired(scene, by_name, changes, result)]
    result.findings += (*_ended_grants(scene, {change.address for change in changes}), *_strangers(scene, by_name))
    result.findings += _still_live(scene, by_name)
    result.findings += byhand.findings(scene.live, scene.intents, pin=_pin(scene))
    fit = room.fit(changes, _room(scene, len(first), result.overlaps, by_name))
    result.changes = first + fit.changes
    result.unchanged = sorted((*result.unchanged, *fit.waiting))
    result.findings += fit.waiting.values()
    return result


def _room(scene: Scene, going: int, overlaps: Iterable[Overlap], by_name: Mapping[str, LiveKey]) -> room.Room:
    """`going`: how many keys are revoked before anything else."""
    return room.Room(
        limit=scene.keys_limit,
        live=len(scene.live.keys) - going,
        now=scene.now,
        seen=scene.account is None or scene.keys_limit != scene.account.keys_limit,
        ends=[overlap.until for overlap in overlaps],
        needs=dict(_needs(scene, by_name)),
    )


def _needs(scene: Scene, by_name: Mapping[str, LiveKey]) -> Iterator[tuple[Address, int]]:
    """When each key that has a policy must have been rotated."""
    records = {record.address: record for record in scene.recorded}
    for key in scene.declared:
        record = records.get(key.address)
        live = _same_key(record, by_name)
        if record is not None and live is not None and (latest := latest_rotation(key, record, live.spec.valid_until)):
            yield key.address, latest


def decide(
    scene: Scene,
    key: DesiredKey,
    record: RecordedKey | None,
    by_name: Mapping[str, LiveKey],
    used: Mapping[str, int],  # the highest live generation, by key name
) -> Change | None:
    sight = keys.Sight(
        key=key,
        recorded=record,
        live=_same_key(record, by_name),
        generation=_next_generation(scene, key, record, used),
        tag=scene.tag,
        now=scene.now,
        asked=scene.asked.get(key.address),
        contained=containment(key, record, scene.contained),
    )
    return keys.decide(sight)


def wait_for(scene: Scene, account: Address) -> AccountPlan:
    """All keys of a sub-account that this very plan will ask for: created once it is ready."""
    result = AccountPlan()
    for key in scene.declared:
        change = decide(scene, key, None, {}, {})
        _note(change and replace(change, waits_for=account), key.address, result.changes, result)
    result.findings += _ended_grants(scene)
    return result


def _note(change: Change | None, address: Address, changes: list[Change], result: AccountPlan) -> None:
    if change is None:
        result.unchanged.append(address)
    else:
        changes.append(change)


def _record_of(key: DesiredKey, undeclared: dict[Address, RecordedKey]) -> RecordedKey | None:
    """The key's record, under its address or a former one of the same account; taken out of `undeclared`."""
    address = taken_over(key, undeclared)
    return None if address is None else undeclared.pop(address)


def _same_key(record: RecordedKey | None, by_name: Mapping[str, LiveKey]) -> LiveKey | None:
    """The live key of that name, unless it was created at another time: then it is somebody else's.

    Where a time is not told the name has to do, and what ends the key says so (`keys.by_name_alone`).
    """
    live = by_name.get(record.live_name) if record else None
    if live is None or record is None or (live.created and record.created and live.created != record.created):
        return None
    return live


def _next_generation(scene: Scene, key: DesiredKey, record: RecordedKey | None, used: Mapping[str, int]) -> int:
    """One more than the highest ever seen: a number that was used once is burned."""
    burned = scene.generations.get(key.address, 0)
    recorded = record.generation if record and record.address == key.address else 0
    return max(burned, recorded, used.get(key.address.name, 0)) + 1


def _forgotten(
    scene: Scene,
    key: DesiredKey,
    record: RecordedKey | None,
    by_name: Mapping[str, LiveKey],
    used: Mapping[str, int],
) -> int:
    """The generation of a live key with this key's name and our tag, of which the state has never heard; 0: none.

    A state that is lost, or older than what it should remember. Then nothing is issued, also while the key that it
    does remember lives, perhaps in its overlap. Numbers rise with time: one from before that key is a stranger's.
    """
    generation = used.get(key.address.name, 0)
    live = by_name.get(names.live_name(key.address.name, scene.tag, generation))
    same = _same_key(record, by_name)
    if generation <= scene.generations.get(key.address, 0) or (same and live and 0 < live.created < same.created):
        return 0
    traces: list[RecordedKey | Intent] = [*scene.recorded, *scene.retired, *scene.intents]
    known = (trace.generation for trace in traces if trace.address == key.address)
    return generation if generation > max(known, default=0) else 0


def _state_lost(scene: Scene, key: DesiredKey, generation: int) -> Change:
    """To issue another one would leave two live, and nobody would ever revoke the first."""
    name = names.live_name(key.address.name, scene.tag, generation)
    why = (
        f"{name} is live, carries this workspace's tag, and is not recorded: was the state lost (see `krakenctl state"
        " rebuild`), the account renamed in the manifests, or is the tag in use twice? Put that right; or revoke that"
        " key by hand, and the next apply issues a new one"
    )
    return keys.blocked(key.address, scene.name, why, Cause.UNRECORDED)


def _must_wait(scene: Scene, address: Address, why: str) -> Change:
    return keys.blocked(address, scene.name, f"an earlier run has begun a change of it that is not finished: {why}")


def _undeclared(scene: Scene, records: Iterable[RecordedKey], by_name: Mapping[str, LiveKey]) -> Iterator[Change]:
    for record in records:
        live = _same_key(record, by_name)
        if live is None:
            yield _forget(scene, record, None, "no longer declared, and gone from the exchange already")
        elif scene.removals.get(record.address) == "forget":
            yield _forget(scene, record, live, "Removed with action: forget; the key lives on, unmanaged")
        else:
            reasons = ("no longer declared", *keys.by_name_alone(record, live))
            change = keys.revoke(record.address, scene.name, live, Cause.UNDECLARED, *reasons)
            yield keys.still_protected(change) if record.protect else change


def _forget(scene: Scene, record: RecordedKey, live: LiveKey | None, reason: str) -> Change:
    """`live`: the key that is handed over with it."""
    step = Step(Verb.FORGET, record.live_name)
    return Change(
        address=record.address,
        account=scene.name,
        action=Action.FORGET,
        reasons=(reason,),
        causes=(Cause.UNDECLARED,),
        steps=(step,),
        old=keys.old_key(live),
    )


def _left_by(intent: Intent, by_name: Mapping[str, LiveKey]) -> LiveKey | None:
    """The key an intent may have made. One that was there before it, or does not tell, is none of ours."""
    live = by_name.get(intent.live_name)
    return live if live is not None and live.created >= intent.began - JOURNAL_SLACK else None


def _ours(trace: RecordedKey | Intent, by_name: Mapping[str, LiveKey]) -> LiveKey | None:
    return _left_by(trace, by_name) if isinstance(trace, Intent) else _same_key(trace, by_name)


def _retired(
    scene: Scene, by_name: Mapping[str, LiveKey], changes: list[Change], result: AccountPlan
) -> Iterator[Change]:
    """Yields the revokes that go first: a successor is in use. Where one has still to be made, they join `changes`."""
    home = homes(scene.declared, {record.address for record in scene.recorded})
    fates = {change.address: change.action for change in changes}
    for record in sorted(scene.retired, key=_handle):
        live = _same_key(record, by_name)
        if live is None:
            result.gone.append(Gone(account=scene.name, name=record.live_name))
            continue
        if record.claimed_by and live.name in scene.live.unasked:
            result.findings.append(byhand.claimed(record, scene.live.unasked[live.name]))
            continue
        fate = fates.get(home.get(record.address, record.address))
        if over := _why_over(record, fate, scene.now):
            change = keys.revoke(record.address, scene.name, live, *over, *keys.by_name_alone(record, live))
            if fate in _SUPERSEDING:  # whether or not its overlap has ended, nobody waits for its successor any more
                change = replace(change, causes=tuple(dict.fromkeys((*change.causes, Cause.SUPERSEDED))))
            if fate is Action.CREATE:
                changes.append(change)
            else:
                yield change
        else:
            result.overlaps.append(Overlap(address=record.address, name=live.name, until=record.retired_until))


def _why_over(record: RecordedKey, fate: Action | None, now: int) -> tuple[Cause, str] | None:
    """Why a retired key goes now; None while its overlap runs."""
    if record.retired_until <= now:
        return Cause.RETIRED, "replaced, and its overlap has ended"
    if fate in (Action.REPLACE, Action.ROTATE):
        why = "its overlap ends early: its successor is replaced too, and at most two generations live"
        return Cause.SUPERSEDED, why
    if fate is Action.REVOKE:
        return Cause.SUPERSEDED, "its overlap ends early: its successor is revoked too"
    return None


def _beside_overlaps(
    scene: Scene, changes: Iterable[Change], by_name: Mapping[str, LiveKey], result: AccountPlan
) -> Iterator[Change]:
    """Changes that would end an overlap early wait for it, unless they cannot or somebody named their key."""
    pairs = {two.key.address: two for two in _pairs(scene, by_name)}
    result.findings += filter(None, map(overlap.unlike_declared, pairs.values()))
    named = isinstance(scene.errand, authority.Rotate) and (scene.errand.addresses or scene.errand.compromised)
    for change in changes:
        two = None if named else pairs.get(change.address)
        put_off = overlap.put_off(change, two) if two and overlap.waits(change, two, scene.now) else change
        if isinstance(put_off, Change):
            yield put_off
        else:
            result.unchanged.append(change.address)
            result.findings.append(put_off)


def _pairs(scene: Scene, by_name: Mapping[str, LiveKey]) -> Iterator[overlap.Pair]:
    records = {record.address: record for record in scene.recorded}
    ours = {record.live_name: live for record in scene.retired if (live := _same_key(record, by_name))}
    home = homes(scene.declared, records)
    for key in scene.declared if ours else ():
        taken = taken_over(key, records)
        older = [record for record in scene.retired if home.get(record.address, record.address) == key.address]
        if taken and (two := overlap.pair(key, records[taken], older, ours, scene.now)):
            yield two


def _ended_grants(scene: Scene, changing: Collection[Address] = ()) -> Iterator[Finding]:
    """Declared, and yet without a key, as `validUntil` wants it: easily forgotten in a manifest."""
    for key in scene.declared:
        if keys.has_ended(key, scene.now) and key.address not in changing:
            ended = show_time(key.valid_until or 0)
            yield Finding(
                rule="grant-ended",
                severity=Severity.WARNING,
                message=f"the grant of {key.address} ended at {ended} (validUntil): it has no key",
                hint="prolong validUntil, or remove its manifest",
                address=str(key.address),
            )


def _pin(scene: Scene) -> str:
    return scene.account.iiban if scene.account else ""


def _still_live(scene: Scene, by_name: Mapping[str, LiveKey]) -> Iterator[Finding]:
    """The kill switch was used on these, and could not revoke them."""
    declared = {key.address: key for key in scene.declared}
    for record in (*scene.recorded, *scene.retired):
        by, key = scene.contained.get(record.address), declared.get(record.address)
        if by is None and key is not None:
            by = containment(key, record, scene.contained)
        if by is not None and _same_key(record, by_name):
            yield Finding(
                rule="contained-key-live",
                severity=Severity.WARNING,
                message=f"{record.live_name} is still live, and was to be {keys.contained(by)}",
                hint=f"krakenctl revoke {record.address}",
                address=str(record.address),
            )


def _strangers(scene: Scene, by_name: Mapping[str, LiveKey]) -> Iterator[Finding]:
    """Live keys that nobody here manages. Reported, never touched."""
    if scene.account is not None and not scene.account.report_unmanaged:
        return
    traces: list[RecordedKey | Intent] = [*scene.recorded, *scene.retired, *scene.intents]
    taken = {trace.live_name for trace in traces}
    ours = {trace.live_name for trace in traces if _ours(trace, by_name)}
    ours |= {intent.live_name for intent in scene.intents if scene.live.by_person and intent.stage is Stage.STORED}
    for name, live in sorted(by_name.items()):
        if name not in ours:
            yield strangers.told(scene.name, live, scene.tag, is_taken=name in taken, given=scene.given)


def _handle(trace: RecordedKey | Intent) -> tuple[Address, str]:
    return trace.address, trace.live_name


def _why_blocked(scene: Scene) -> str:
    """The empty text when keys of this account can be seen and changed."""
    if scene.live.phase is not Phase.READY:
        return scene.live.reason or f"{scene.name} cannot be reached"
    if scene.live.coverage is Coverage.NONE:
        return f"the keys of {scene.name} cannot be seen"
    return ""


def _all_blocked(scene: Scene, reason: str) -> AccountPlan:
    """Also for what may be live because of us: what cannot be seen must not look clean."""
    result = AccountPlan()
    lost = [intent for intent in scene.intents if intent.stage is Stage.LOST and scene.account is None]
    under_way = [intent for intent in scene.intents if intent not in lost]
    traces: list[RecordedKey | Intent] = [*scene.recorded, *scene.retired, *under_way]
    addresses = {key.address for key in scene.declared} | {trace.address for trace in traces}
    result.findings += (_given_up(scene, intent, reason) for intent in lost)
    result.changes += (keys.blocked(address, scene.name, reason) for address in sorted(addresses))
    return result


def _given_up(scene: Scene, intent: Intent, reason: str) -> Finding:
    """Nobody can do more about it from here, so it holds up no run."""
    until = intent.sent.valid_until if intent.sent else 0
    ends = f" It is looked for until {show_time(until)}, when it would have expired." if until else ""
    return Finding(
        rule="given-up-key",
        severity=Severity.WARNING,
        message=f"whether {intent.live_name} ever came to be cannot be seen: {reason}.{ends}",
        hint=f"look among the keys of {scene.name} on Kraken's website, and delete it there if you find it; then"
        f" `krakenctl recover --absent {intent.address}`",
        address=str(intent.address),
    )


def scenes(
    desired: Desired,
    live: Mapping[str, LiveAccount],
    state: Recorded,
    *,
    tag: str,
    now: int,
    errand: authority.Errand,
    asked: Mapping[Address, Asked],
    waiting: Mapping[Address, str],
) -> list[Scene]:
    """One per account, declared ones first in their order; then those whose keys are still recorded."""
    declared = _by_account(desired.keys.values())
    current, retired, intents = _by_account(state.keys.values()), _by_account(state.retired), _by_account(state.intents)
    given = _by_account(state.given)
    removals = {removal.address: removal.action for removal in desired.removals.values()}
    undeclared = (current.keys() | retired.keys() | intents.keys()) - desired.accounts.keys()
    return [
        Scene(
            name=name,
            account=desired.accounts.get(name),
            declared=tuple(declared.get(name, ())),
            removals=removals,
            live=live.get(name) or LiveAccount(name=name, phase=Phase.ABSENT),
            recorded=tuple(current.get(name, ())),
            retired=tuple(retired.get(name, ())),
            intents=tuple(intents.get(name, ())),
            generations=state.generations,
            tag=tag,
            now=now,
            limit_seen=state.limits.get(name),
            errand=errand,
            asked=asked,
            waiting=waiting,
            contained=state.contained,
            given=tuple(given.get(name, ())),
        )
        for name in [*desired.accounts, *sorted(undeclared)]
    ]


class _OfKey(Protocol):
    @property
    def account(self) -> str: ...


T = TypeVar("T", bound=_OfKey)


def _by_account(values: Iterable[T]) -> dict[str, list[T]]:
    groups: dict[str, list[T]] = {}
    for value in values:
        groups.setdefault(value.account, []).append(value)
    return groups
