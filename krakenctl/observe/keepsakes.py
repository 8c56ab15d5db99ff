"""Are the secrets that should be kept, kept? Looks into the stores' slots, and changes nothing.

That a slot is taken is asked of every key. What lies in it costs a decryption: in a large fleet that is asked only
where a replaced key still lives, for there consumers have until its end to read the new one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace

from krakenctl.apply.places import Places
from krakenctl.apply.steps.foreign import HINT, foreign
from krakenctl.errors import KrakenctlError
from krakenctl.model.desired import SecretRef
from krakenctl.model.finding import Finding, Severity
from krakenctl.model.live import LiveAccount
from krakenctl.model.plan import Action, Cause, Change, Plan
from krakenctl.model.recorded import Recorded, RecordedKey
from krakenctl.plan.changes import blocked
from krakenctl.stores.base import Slot, Store

COMPARED = 1000  # keys; a decryption takes 0.15 ms, and a plan of 20 keys has half a second

OpenStore = Callable[[str], Store]  # by name; raises KrakenctlError


def findings(plan: Plan, recorded: Recorded, open_store: OpenStore) -> tuple[Finding, ...]:
    """Stores that an apply could not use, and live keys whose secret is gone: no other look at either would tell."""
    staying = [*plan.unchanged, *(change.address for change in plan.changes if change.action is Action.UPDATE)]
    kept = [recorded.keys[address] for address in staying if address in recorded.keys]
    followed = _followed(plan, recorded)
    wanted = [change.secret for change in plan.changes if change.secret is not None]
    places = (*wanted, *(key.secret for key in (*kept, *followed)))
    stores, broken = _opened({place.store for place in places}, open_store)
    compared = _compared(kept, followed, recorded)
    told = (*broken, *_adopted(kept), *_missing(kept, stores), *_stale(compared, stores, followed))
    return (*told, *_foreign(plan, recorded, stores))


def held_back(plan: Plan, recorded: Recorded, live: Mapping[str, LiveAccount], open_store: OpenStore) -> Plan:
    """The plan with each new key held back that would be made beside one which an import could not record."""
    new = {change.secret.store for change in plan.changes if change.action is Action.CREATE and change.secret}
    stores, _ = _opened(new, open_store)

    def held(change: Change) -> Change:
        if change.action is not Action.CREATE:
            return change
        name = _announced(change, recorded, live, stores) or _kept_for(change, recorded, stores)
        return blocked(change.address, change.account, _half_imported(name, change)) if name else change

    return replace(plan, changes=tuple(held(change) for change in plan.changes))


def _compared(kept: list[RecordedKey], followed: list[RecordedKey], recorded: Recorded) -> list[RecordedKey]:
    """What a run has begun may be ahead of its records."""
    if len(kept) > COMPARED:
        return followed
    under_way = {intent.address for intent in recorded.intents}
    all_of_them = {key.address: key for key in (*kept, *followed) if key.address not in under_way}
    return [all_of_them[address] for address in sorted(all_of_them)]


def _followed(plan: Plan, recorded: Recorded) -> list[RecordedKey]:
    """Current keys whose predecessor still lives. What a run has begun may be ahead of its records."""
    ended = (change.address for change in plan.changes if Cause.RETIRED in change.causes)
    addresses = {*ended, *(overlap.address for overlap in plan.overlaps)} - {one.address for one in recorded.intents}
    return [recorded.keys[address] for address in sorted(addresses & recorded.keys.keys())]


def _opened(names: Iterable[str], open_store: OpenStore) -> tuple[dict[str, Store], list[Finding]]:
    stores: dict[str, Store] = {}
    broken = []
    for name in sorted(names):
        try:
            stores[name] = open_store(name)
        except KrakenctlError as problem:
            broken.append(_unusable(name, problem))
    return stores, broken


def _adopted(keys: Iterable[RecordedKey]) -> Iterator[Finding]:
    """Said once, and no warning: nobody has lost anything."""
    if names := [key.live_name for key in keys if key.without_secret]:
        yield Finding(
            rule="secret-elsewhere",
            severity=Severity.NOTE,
            message=f"adopted without their secrets, which only their consumers have: {', '.join(names)}",
            hint="the first change replaces such a key; until then no store keeps its secret",
        )


def _missing(keys: Iterable[RecordedKey], stores: dict[str, Store]) -> Iterator[Finding]:
    for key in keys:
        if key.without_secret or (store := stores.get(key.secret.store)) is None:
            continue
        try:
            if not store.exists(key.secret.path, Slot.CURRENT):
                yield _gone(key)
        except KrakenctlError as problem:
            yield _unusable(key.secret.store, problem)
            del stores[key.secret.store]  # it would say the same of every other key


def _stale(
    keys: Iterable[RecordedKey], stores: dict[str, Store], followed: Collection[RecordedKey]
) -> Iterator[Finding]:
    """A host that cannot read a store has nothing to compare; a slot that is empty is told of already."""
    for key in keys:
        if (store := stores.get(key.secret.store)) is None:
            continue
        with suppress(KrakenctlError):
            entry = store.get(key.secret.path, Slot.CURRENT)
            if entry and (entry.live_name, entry.public_key) != (key.live_name, key.public_key or entry.public_key):
                old = "the old one, which ends with its overlap" if key in followed else "that one"
                yield _outdated(key, entry.live_name, old)


def _foreign(plan: Plan, recorded: Recorded, stores: dict[str, Store]) -> Iterator[Finding]:
    """Where apply would issue nothing. It looks itself; this is to be told before."""
    issuing = [change for change in plan.changes if change.strategy is not None]
    places = Places.of(recorded)
    for change in issuing if len(issuing) <= COMPARED else ():
        place = change.secret
        if place is None or (store := stores.get(place.store)) is None:
            continue
        if whose := foreign(store, place, recorded.lineage, places):
            yield Finding(
                rule="secret-foreign",
                severity=Severity.WARNING,
                message=f"{whose}; apply issues no key that would take its place",
                hint=HINT,
                address=str(change.address),
            )


def _announced(change: Change, recorded: Recorded, live: Mapping[str, LiveAccount], stores: dict[str, Store]) -> str:
    """The name of the live key for which an import meant this address; empty: none, or it is gone or recorded."""
    meant = recorded.announced.get(change.address)
    known = (key for key in recorded.ours if meant and key.account == meant.account)
    if meant is None or any(map(meant.is_key, known)):
        return ""
    listed = live[meant.account].keys if meant.account in live else ()
    return meant.live_name if any(map(meant.is_key, listed)) or _is_taken(change.secret, stores) else ""


def _is_taken(place: SecretRef | None, stores: dict[str, Store]) -> bool:
    """Where no list tells of a key, its secret does, also to a host that cannot read it."""
    with suppress(KrakenctlError):
        return place is not None and place.store in stores and stores[place.store].exists(place.path, Slot.CURRENT)
    return True  # nothing could be put there either


def _kept_for(change: Change, recorded: Recorded, stores: dict[str, Store]) -> str:
    """The name of the key whose secret is kept for it, though it was never recorded: an older state knows of none."""
    place = change.secret
    if place is None or place.store not in stores or change.address in recorded.generations:
        return ""
    with suppress(KrakenctlError):
        store = stores[place.store]
        entry = store.get(place.path, Slot.CURRENT) if store.exists(place.path, Slot.CURRENT) else None
        if entry and (entry.lineage, entry.address) == (recorded.lineage, str(change.address)):
            return entry.live_name
    return ""


def _half_imported(name: str, change: Change) -> str:
    place = (
        f"; and its secret, if there is one, from {change.secret.store}:{change.secret.path}" if change.secret else ""
    )
    return (
        f"an import of it was interrupted: “{name}” lives and is not recorded, and another key would be made beside it."
        " Run the same `krakenctl import` again: it finishes; or, if it is to be another key, delete that one on"
        f" Kraken{place}"
    )


def _outdated(key: RecordedKey, kept: str, old: str) -> Finding:
    return Finding(
        rule="secret-stale",
        severity=Severity.WARNING,
        message=f"as this host sees it, the store {key.secret.store} keeps the secret of {kept} at {key.secret.path},"
        f" and {key.live_name} is the current key: whoever reads it here has {old}",
        hint="all hosts of a state must share its stores: pull or copy the secrets folder; or issue a new secret here:"
        f" krakenctl rotate {key.address}",
        address=str(key.address),
    )


def _gone(key: RecordedKey) -> Finding:
    return Finding(
        rule="secret-missing",
        severity=Severity.WARNING,
        message=f"{key.live_name} is live, but the store {key.secret.store} keeps no secret at {key.secret.path}",
        hint="restore the file; or issue a new key by changing the text of rotation.trigger",
        address=str(key.address),
    )


def _unusable(name: str, problem: KrakenctlError) -> Finding:
    message = f"the store {name} cannot be used: {problem.message}"
    return Finding(rule="store-unusable", severity=Severity.WARNING, message=message, hint=problem.hint)
