"""Are the secrets that should be kept, kept? Looks into the stores' slots; reads no secret and changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from krakenctl.errors import KrakenctlError
from krakenctl.model.finding import Finding, Severity
from krakenctl.model.plan import Action, Plan
from krakenctl.model.recorded import Recorded, RecordedKey
from krakenctl.stores.base import Slot, Store

OpenStore = Callable[[str], Store]  # by name; raises KrakenctlError


def findings(plan: Plan, recorded: Recorded, open_store: OpenStore) -> tuple[Finding, ...]:
    """Stores that an apply could not use, and live keys whose secret is gone: no other look at either would tell."""
    staying = [*plan.unchanged, *(change.address for change in plan.changes if change.action is Action.UPDATE)]
    kept = [recorded.keys[address] for address in staying if address in recorded.keys]
    wanted = [change.secret for change in plan.changes if change.secret is not None]
    stores, broken = _opened({ref.store for ref in (*wanted, *(key.secret for key in kept))}, open_store)
    return (*broken, *_missing(kept, stores))


def _opened(names: Iterable[str], open_store: OpenStore) -> tuple[dict[str, Store], list[Finding]]:
    stores: dict[str, Store] = {}
    broken = []
    for name in sorted(names):
        try:
            stores[name] = open_store(name)
        except KrakenctlError as problem:
            broken.append(_unusable(name, problem))
    return stores, broken


def _missing(keys: Iterable[RecordedKey], stores: dict[str, Store]) -> Iterator[Finding]:
    for key in keys:
        if (store := stores.get(key.secret.store)) is None:
            continue
        try:
            if not store.exists(key.secret.path, Slot.CURRENT):
                yield _gone(key)
        except KrakenctlError as problem:
            yield _unusable(key.secret.store, problem)
            del stores[key.secret.store]  # it would say the same of every other key


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
