"""From three pictures to what differs between them, account by account. Nothing is read or sent."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

from krakenctl.model.address import Address
from krakenctl.model.coverage import Coverage
from krakenctl.model.desired import DesiredKey
from krakenctl.model.drift import Drift, DriftSight, Kind
from krakenctl.model.journal import Intent, Stage
from krakenctl.model.key import LiveKey
from krakenctl.model.live import Phase
from krakenctl.model.recorded import RecordedKey
from krakenctl.model.time import show_time
from krakenctl.plan.contained import containment
from krakenctl.plan.homes import taken_over
from krakenctl.plan.keys import has_ended
from krakenctl.tasks.drift import about, keys, strangers
from krakenctl.tasks.drift.about import Account
from krakenctl.tasks.drift.remedy import Remedies, by_account, unsaid
from krakenctl.tasks.drift.scene import DriftScene, Slots, place

_ORDER = {kind: number for number, kind in enumerate(Kind)}


def accounts(scene: DriftScene) -> tuple[str, ...]:
    """Declared ones in their order; then those on which keys of ours are left."""
    declared = scene.desired.accounts
    return (*declared, *sorted({trace.account for trace in scene.recorded.traces} - declared.keys()))


def compare(scene: DriftScene, only: Collection[str] | None = None) -> tuple[Drift, ...]:
    """Everything on the accounts of these names; None: on all. By account, then by address, name and kind."""
    found: list[Drift] = []
    wanted = [name for name in accounts(scene) if only is None or name in only]
    changes = by_account(scene.plan.changes)
    recovery = {(one.address, one.name): one for one in scene.plan.recovery}
    for account in _accounts(scene, wanted):
        by_person = account.live is not None and account.live.by_person
        mine = changes.get(account.name, [])
        remedies = Remedies(mine, recovery, by_person=by_person)
        told = [remedies.of(drift) for drift in _of_account(account)]
        told += unsaid(mine, told, blind=not account.place.seen)
        found += sorted(told, key=_order)
    return tuple(found)


def sights(scene: DriftScene, only: Collection[str] | None = None) -> tuple[DriftSight, ...]:
    return tuple(_sight(scene, name) for name in accounts(scene) if only is None or name in only)


def _sight(scene: DriftScene, name: str) -> DriftSight:
    live = scene.live.get(name)
    if live is None:
        return DriftSight(account=name, coverage=Coverage.NONE, reason="it cannot be reached any more")
    coverage = live.coverage if live.phase is Phase.READY else Coverage.NONE
    return DriftSight(account=name, coverage=coverage, keys=len(live.keys), reason=live.reason, unasked=live.unasked)


def _accounts(scene: DriftScene, wanted: list[str]) -> Iterator[Account]:
    declared: dict[str, list[DesiredKey]] = {name: [] for name in wanted}
    records: dict[str, dict[Address, RecordedKey]] = {name: {} for name in wanted}
    retired: dict[str, list[RecordedKey]] = {name: [] for name in wanted}
    intents: dict[str, list[Intent]] = {name: [] for name in wanted}
    for key in scene.desired.keys.values():
        declared.get(key.account, []).append(key)
    for record in scene.recorded.keys.values():
        records.get(record.account, {})[record.address] = record
    for record in scene.recorded.retired:
        retired.get(record.account, []).append(record)
    for intent in scene.recorded.intents:
        intents.get(intent.home, []).append(intent)
    for name in wanted:
        yield Account(
            scene,
            place(scene, name),
            scene.live.get(name),
            tuple(declared[name]),
            records[name],
            tuple(retired[name]),
            tuple(intents[name]),
        )


def _order(drift: Drift) -> tuple[bool, str, str, int]:
    """What concerns the whole account first, strangers last."""
    return drift.address is None and bool(drift.name), str(drift.address or ""), drift.name, _ORDER[drift.kind]


def _of_account(account: Account) -> Iterator[Drift]:
    yield from about.blind(account)
    yield from about.identity(account)
    yield from (about.unfinished(account.scene, intent) for intent in account.intents)
    found = strangers.unknown(account.place, account.ours, account.intents) if account.place.seen else []
    given = account.scene.recorded.given_as
    matched = strangers.match([*_lost(account)], [key for key in found if not given(account.name, key)])
    yield from _of_current_keys(account, matched)
    for record in account.retired:
        yield from _of_retired(account, record, matched)
    yield from _of_others(account, found, matched)


def _of_current_keys(account: Account, matched: strangers.Matched) -> Iterator[Drift]:
    left = dict(account.records)
    for key in account.declared:
        taken = taken_over(key, left)
        yield from _of_key(account, key, left.pop(taken) if taken else None, matched)
    for record in left.values():
        yield from _of_record(account, None, record, matched)


def _of_retired(account: Account, record: RecordedKey, matched: strangers.Matched) -> Iterator[Drift]:
    if (other := matched.renamed.get(record.live_name)) is not None:
        yield _new_name(record, other)
        return
    live, asked = account.place.find(record), account.is_asked(record)
    yield from keys.of_retired(record, live, seen=account.place.seen, now=account.scene.now, asked=asked)
    yield from _called(account, record, live)


def _of_others(account: Account, found: list[LiveKey], matched: strangers.Matched) -> Iterator[Drift]:
    renamed = {key.name for key in matched.renamed.values()}
    others = [key for key in found if key.name not in renamed]
    declared = account.scene.desired.accounts.get(account.name)
    ours = {each.live_name for each in account.ours} | {intent.live_name for intent in account.intents}
    report = declared is None or declared.report_unmanaged
    yield from strangers.told(account.place, others, ours, account.scene, report=report)


def _lost(account: Account) -> Iterator[RecordedKey]:
    for record in account.ours:
        if account.place.seen and account.place.find(record) is None:
            yield record


# Its keys


def _of_key(
    account: Account, key: DesiredKey, record: RecordedKey | None, matched: strangers.Matched
) -> Iterator[Drift]:
    if record is not None:
        yield from _of_record(account, key, record, matched)
        return
    begun = any(intent.address == key.address and intent.stage is not Stage.LOST for intent in account.intents)
    if begun or has_ended(key, account.scene.now):
        return
    by = containment(key, None, account.scene.recorded.contained)
    why = f", since {by.who} used the kill switch at {show_time(by.at)}" if by else ""
    message = f"{key.address} is declared, and no key is recorded for it{why}"
    yield Drift(kind=Kind.UNDEPLOYED, account=account.name, address=key.address, message=message)
    slots = account.scene.slots.get(key.address)
    if slots is not None:
        yield from keys.of_slots(key.address, slots, account.place.live, frozenset())


def _of_record(
    account: Account, key: DesiredKey | None, record: RecordedKey, matched: strangers.Matched
) -> Iterator[Drift]:
    scene, at = account.scene, account.place
    other = matched.renamed.get(record.live_name)
    live = replace(other, name=record.live_name) if other else at.find(record) if at.seen else None
    address = key.address if key else record.address
    begun = any(intent.address in (address, record.address) for intent in account.intents)
    slots = None if begun else scene.slots.get(address)
    by = scene.recorded.contained.get(record.address) or (
        containment(key, record, scene.recorded.contained) if key else None
    )
    yield from keys.of_current(
        keys.CurrentKey(
            key=key,
            record=record,
            live=live,
            seen=at.seen,
            now=scene.now,
            within=scene.within,
            contained=by,
            slots=slots,
            asked=account.is_asked(record),
            silent=account.live is not None and account.live.aside(record.live_name).silent,
        )
    )
    yield from (replace(each, address=address) for each in _called(account, record, live))
    if other is not None:
        yield replace(_new_name(record, other), address=address)
    elif at.seen and live is None and not begun:
        yield from _missing(account, key, record, matched.perhaps.get(record.live_name, ()))
    if slots is not None and at.seen:
        known = frozenset({record.live_name, *(each.live_name for each in account.retired)})
        yield from keys.of_slots(address, slots, at.live, known)


def _missing(
    account: Account, key: DesiredKey | None, record: RecordedKey, perhaps: tuple[str, ...]
) -> Iterator[Drift]:
    if key is None or has_ended(key, account.scene.now):
        return  # it was to go, and that is told, or it is as it should be
    end, slots = record.spec.valid_until, account.scene.slots.get(key.address) or Slots()
    ended = 0 < end <= account.scene.now
    why = "it has expired" if ended else "somebody revoked it" + (" or renamed it" if not perhaps else "")
    maybe = (
        f", or it is one of {', '.join(f'“{name}”' for name in perhaps)}, made in the same second" if perhaps else ""
    )
    twin = account.place.live.get(record.live_name)
    made = f"; another key bears its name, made at {show_time(twin.created)}" if twin and twin.created else ""
    kept = "; its store still holds its secret, which works no more" if record.live_name in slots else ""
    yield Drift(
        kind=Kind.EXPIRED if ended else Kind.MISSING,
        account=account.name,
        address=key.address,
        name=record.live_name,
        message=f"{record.live_name} is gone from the exchange: {why}{maybe}{made}{kept}",
        sent=keys.sent_at(record),
        since=end if ended else 0,
    )


def _called(account: Account, record: RecordedKey, live: LiveKey | None) -> Iterator[Drift]:
    """One that tells of itself is known by its pair, whatever its name."""
    called = account.live.aside(record.live_name).called if account.live else ""
    if live is not None and called:
        yield _new_name(record, replace(live, name=called))


def _new_name(record: RecordedKey, live: LiveKey) -> Drift:
    return Drift(
        kind=Kind.RENAMED,
        account=record.account,
        address=record.address,
        name=record.live_name,
        message=f"{record.live_name} is called “{live.name}” now: somebody renamed it",
        sent=keys.sent_at(record),
        since=live.modified,
        modified=live.modified,
    )
