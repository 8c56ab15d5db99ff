"""The keys whose secrets we hold, each with what may be asked of it. Reads stores; asks the exchange nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace

from krakenctl.errors import KrakenctlError
from krakenctl.model.address import Address
from krakenctl.model.description import NonceScale
from krakenctl.model.desired import DesiredKey, SecretRef
from krakenctl.model.holding import Holding
from krakenctl.model.journal import Intent, Stage, Verdict
from krakenctl.model.key import KeySpec
from krakenctl.model.recorded import RecordedKey
from krakenctl.plan.clocks import clock_of, correction, is_replaced
from krakenctl.stores.base import Entry, Slot, Store

ADOPTED = "adopted without its secret, which only its consumer has"

OpenStore = Callable[[str], Store]  # by name; raises KrakenctlError


def holdings(
    records: Iterable[RecordedKey],
    intents: Collection[Intent],
    declared: Mapping[Address, DesiredKey],
    open_store: OpenStore,
    now: int,
    *,
    seen: Callable[[str], int] = lambda _: 0,
    rotating: bool = False,
) -> Iterator[Holding]:
    """Each as far as this host can read its store; what fails for one is told of that one.

    `intents`: what runs have begun on their account. `seen`: the highest nonce that is known, by public key.
    `rotating`: any of them may be replaced, whatever is declared.
    """
    for record in records:
        key, number = declared_as(record.address, declared), seen(record.public_key)
        replaced = rotating or is_replaced(record, intents)
        scale = clock_of(record, key, now, seen=number, is_replaced=replaced)
        finer = correction(record, key, now, seen=number, is_replaced=replaced)
        yield replace(_held(record, scale, open_store), finer=finer)


def declared_as(address: Address, declared: Mapping[Address, DesiredKey]) -> DesiredKey | None:
    """Under its address or, where that is a former one, another."""
    return declared.get(address) or next((key for key in declared.values() if address in key.formerly), None)


def _held(record: RecordedKey, scale: NonceScale, open_store: OpenStore) -> Holding:
    if record.without_secret:
        return Holding(record=record, scale=scale, problem=ADOPTED)
    try:
        entry = entry_of(record, open_store)
    except KrakenctlError as problem:
        return Holding(record=record, scale=scale, problem=problem.message)
    if entry is None:
        return Holding(record=record, scale=scale, problem=f"no slot of {record.secret.path} holds its secret")
    return Holding(record=record, scale=scale, pair=entry.pair)


def under_way(
    intents: Iterable[Intent],
    declared: Mapping[Address, DesiredKey],
    open_store: OpenStore,
    now: int,
    *,
    seen: Callable[[str], int] = lambda _: 0,
) -> Iterator[Holding]:
    """Keys that an earlier run had been given and not promoted, as far as a slot has their secrets.

    Where this host cannot read the store, those of which the journal knows that one has.
    """
    for intent in intents:
        if intent.issues and intent.secret and intent.sent and intent.stage in _KEPT:
            record = record_of(intent, intent.secret, intent.sent)
            scale = clock_of(record, declared_as(intent.address, declared), now, seen=seen(record.public_key))
            yield from _under_way(intent, record, scale, open_store)


_KEPT = (Stage.BEGUN, Stage.REVOKED, Stage.STORED, Stage.CHECKED)


def record_of(intent: Intent, secret: SecretRef, sent: KeySpec) -> RecordedKey:
    """Much as it will be once its key is in use."""
    return RecordedKey(
        address=intent.address,
        live_name=intent.live_name,
        generation=intent.generation,
        created=0,
        public_key=intent.public_key,
        spec=sent,
        secret=secret,
        issued=intent.began,
        trigger=intent.change.trigger,
        nonce=intent.change.nonce,
        unverified=Verdict.parse(intent.vouched).told if intent.is_untried else "",
    )


def _under_way(intent: Intent, record: RecordedKey, scale: NonceScale, open_store: OpenStore) -> Iterator[Holding]:
    secret = record.secret
    fresh = intent.stage is not Stage.CHECKED or intent.is_untried  # else its consumer may be using it already
    try:
        store = open_store(secret.store)
        entries = [store.get(secret.path, slot) for slot in (Slot.PENDING, Slot.CURRENT)]
    except KrakenctlError as problem:
        if intent.public_key:
            yield Holding(record=record, scale=scale, problem=problem.message, fresh=fresh)
        return
    for entry in entries:
        if entry is not None and entry.live_name == intent.live_name:
            kept = replace(record, created=entry.created, public_key=entry.public_key)
            yield Holding(record=kept, scale=scale, pair=entry.pair, fresh=fresh)
            return


def entry_of(record: RecordedKey, open_store: OpenStore) -> Entry | None:
    """What the store keeps of exactly this generation, in whichever slot. Raises KrakenctlError."""
    store = open_store(record.secret.store)
    order = (Slot.PREVIOUS, Slot.CURRENT) if record.retired_until else (Slot.CURRENT, Slot.PREVIOUS)
    for slot in order:
        entry = store.get(record.secret.path, slot)
        if entry is not None and entry.live_name == record.live_name:
            return entry
    return None
