"""The changes of one account: its declared keys, its undeclared ones, and those in their overlap. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from krakenctl.model.address import Address
from krakenctl.model.description import NonceScale
from krakenctl.model.desired import DesiredKey
from krakenctl.model.finding import Finding, Severity
from krakenctl.model.plan import Action, Change, Clock, Forgettable, Overlap, Settled
from krakenctl.model.recorded import RecordedKey
from krakenctl.model.surface import traits
from krakenctl.model.time import show_time
from krakenctl.plan import authority, byhand, clocks, keys, names, overlap, room, strangers
from krakenctl.plan.changes import blocked
from krakenctl.plan.contained import containment, still_live
from krakenctl.plan.homes import taken_over
from krakenctl.plan.retired import retired
from krakenctl.plan.scene import Scene
from krakenctl.plan.settled import settled
from krakenctl.plan.undecided import undecided
from krakenctl.plan.undeclared import undeclared
from krakenctl.plan.unreached import all_blocked, given_up, why_unreached
from krakenctl.plan.unrecorded import unrecorded


@dataclass(slots=True)
class AccountPlan:
    changes: list[Change] = field(default_factory=list)
    unchanged: list[Address] = field(default_factory=list)
    overlaps: list[Overlap] = field(default_factory=list)
    gone: list[Forgettable] = field(default_factory=list)
    settled: list[Settled] = field(default_factory=list)
    clocks: list[Clock] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    left: list[Change] = field(default_factory=list)  # to apply, by a run of less authority


def plan_account(scene: Scene) -> AccountPlan:
    """Everything about one account. Keys of an account that is not ready wait for it or are blocked."""
    if why := why_unreached(scene):
        findings = [*given_up(scene, why), *_living_unseen(scene, why)]
        return AccountPlan(changes=[*all_blocked(scene, why)], findings=findings)
    result = AccountPlan()
    share = _share(scene, [*_of_keys(scene, result)])  # before others of its account make room for it
    result.left = share.left
    changes = [*_beside_overlaps(scene, share.kept, result)]
    older = retired(scene, changes)
    changes += older.rest
    result.overlaps, result.gone = older.overlaps, older.gone
    result.findings += older.findings
    result.findings += _remarks(scene, changes)
    _fit(scene, older.first, changes, result)
    return result


def _living_unseen(scene: Scene, why: str) -> Iterator[Finding]:
    """About keys that a person makes: they may live, and are to be looked for on the website, whatever can be asked."""
    if scene.account is not None and traits(scene.account.surface).proved_by_pair:
        yield from byhand.remembered(scene.retired, scene.intents, why)
        yield from byhand.unseen(scene.intents)


def wait_for(scene: Scene, account: Address) -> AccountPlan:
    """All keys of a sub-account that this very plan will ask for: created once it is ready."""
    result = AccountPlan()
    for key in scene.declared:
        change = keys.decide(_sight(scene, key, None, {}))
        result.changes += _noted(change and replace(change, waits_for=account), key, result)
    result.findings += _ended_grants(scene, ())
    return result


def _of_keys(scene: Scene, result: AccountPlan) -> Iterator[Change]:
    """Declared ones in their order, then those that an earlier run has yet to finish, then the undeclared."""
    records = {record.address: record for record in scene.recorded}
    used = names.generations(scene.by_name, scene.tag)
    for key in scene.declared:
        record = _record_of(key, records)
        seen = _as_seen(scene, key, record, result)
        change = _change(scene, key, seen, used)
        if change is None and seen is not None:
            result.clocks += _news_of_clock(scene, key, seen)
        yield from _noted(change, key, result)
    waiting = sorted(records.keys() & scene.waiting.keys())
    yield from (_must_wait(scene, address, scene.waiting[address]) for address in waiting)
    yield from undeclared(scene, [record for address, record in records.items() if address not in scene.waiting])


def _news_of_clock(scene: Scene, key: DesiredKey, record: RecordedKey) -> Iterator[Clock]:
    if (nonce := _clock(scene, key, record)) is not record.nonce:
        yield Clock(address=record.address, name=record.live_name, nonce=nonce)


def _clock(scene: Scene, key: DesiredKey, record: RecordedKey) -> NonceScale:
    """What is to be remembered of it, if it stays."""
    seen, replaced = scene.seen.get(record.public_key, 0), clocks.is_replaced(record, scene.intents)
    return clocks.remembered(record, key, scene.now, seen=seen, is_replaced=replaced)


def _record_of(key: DesiredKey, records: dict[Address, RecordedKey]) -> RecordedKey | None:
    """The key's record, under its address or a former one of the same account; taken out of `records`."""
    address = taken_over(key, records)
    return None if address is None else records.pop(address)


def _as_seen(scene: Scene, key: DesiredKey, record: RecordedKey | None, result: AccountPlan) -> RecordedKey | None:
    """What somebody has set as declared is decided on as if it had been sent so."""
    if record is None or _why_waiting(scene, key, record) or (spec := settled(scene, key, record)) is None:
        return record
    result.settled.append(Settled(address=record.address, name=record.live_name, spec=spec))
    return replace(record, spec=spec, unverified="")


def _noted(change: Change | None, key: DesiredKey, result: AccountPlan) -> tuple[Change, ...]:
    if change is None:
        result.unchanged.append(key.address)
        return ()
    return (change,)


def _change(scene: Scene, key: DesiredKey, record: RecordedKey | None, used: Mapping[str, int]) -> Change | None:
    """`used`: the highest live generation, by key name."""
    if why := _why_waiting(scene, key, record):
        return _must_wait(scene, key.address, why)
    change = keys.decide(_sight(scene, key, record, used))
    issues = change is not None and change.strategy is not None
    if (issues or not scene.same_key(record)) and (lost := unrecorded(scene, key, record, used)):
        return lost
    if change is not None and change.action is Action.CREATE:
        return strangers.beside(change, scene.live.keys, scene.given)
    return change


def _why_waiting(scene: Scene, key: DesiredKey, record: RecordedKey | None) -> str:
    """Of a key that is not recorded yet, its first one may have been begun under a former address."""
    addresses = (key.address, record.address) if record else (key.address, *key.formerly)
    return next((scene.waiting[each] for each in addresses if each in scene.waiting), "")


def _must_wait(scene: Scene, address: Address, why: str) -> Change:
    return blocked(address, scene.name, f"an earlier run has begun a change of it that is not finished: {why}")


def _sight(scene: Scene, key: DesiredKey, record: RecordedKey | None, used: Mapping[str, int]) -> keys.KeySight:
    generation = _next_generation(scene, key, record, used)
    return keys.KeySight(
        key=key,
        recorded=record,
        live=scene.same_key(record),
        generation=generation,
        shown=scene.shown(key.address).get(generation),
        tag=scene.tag,
        now=scene.now,
        asked=scene.asked.get(key.address),
        contained=containment(key, record, scene.contained),
        silent=scene.is_silent(record),
        unseen=record is not None and bool(scene.live.aside(record.live_name).unasked),
        nonce=_clock(scene, key, record) if record else key.nonce,
    )


def _next_generation(scene: Scene, key: DesiredKey, record: RecordedKey | None, used: Mapping[str, int]) -> int:
    """One more than the highest ever seen: a number that was used once is burned.

    But what a person was told to make, and has given no pair of, is asked for again under its name.
    """
    burned = scene.generations.get(key.address, 0)
    recorded = record.generation if record and record.address == key.address else 0
    highest = max(recorded, used.get(key.address.name, 0))
    if burned > highest and burned in scene.shown(key.address):
        return burned
    return max(burned, highest) + 1


def _share(scene: Scene, changes: Iterable[Change]) -> authority.Share:
    known = {record.address for record in scene.recorded}
    return authority.share(scene.errand, changes, scene.asked, known)


def _beside_overlaps(scene: Scene, changes: Iterable[Change], result: AccountPlan) -> Iterator[Change]:
    """Changes that would end an overlap early wait for it, unless they cannot or somebody named their key."""
    pairs = {two.key.address: two for two in overlap.pairs(scene)}
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


def _remarks(scene: Scene, changes: Iterable[Change]) -> Iterator[Finding]:
    yield from _ended_grants(scene, {change.address for change in changes})
    yield from strangers.seen(scene)
    yield from still_live(scene)
    yield from undecided(scene, {change.address for change in changes if change.strategy})
    pin = scene.account.iiban if scene.account else ""
    yield from byhand.findings(scene.live, scene.recorded, scene.intents, changes, pin=pin)


def _ended_grants(scene: Scene, changing: Collection[Address]) -> Iterator[Finding]:
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


def _fit(scene: Scene, first: list[Change], changes: list[Change], result: AccountPlan) -> None:
    """`first`: revokes that go before anything else, and make room."""
    fit = room.fit(changes, room.of(scene, len(first), [each.until for each in result.overlaps]))
    result.changes = first + fit.changes
    result.unchanged = sorted((*result.unchanged, *fit.waiting))
    result.findings += fit.waiting.values()
