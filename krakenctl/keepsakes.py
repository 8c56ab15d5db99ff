"""Are the secrets that should be kept, kept? Looks into the stores' slots; reads no secret and changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from krakenctl.errors import KrakenctlError
from krakenctl.model.desired import SecretRef
from krakenctl.model.finding import Finding, Severity
from krakenctl.model.plan import Plan
from krakenctl.model.recorded import Recorded, RecordedKey
from krakenctl.stores.base import Slot, Store

OpenStore = Callable[[str], Store]  # by name; raises KrakenctlError


def findings(plan: Plan, recorded: Recorded, open_store: OpenStore) -> tuple[Finding, ...]:
    """Stores that an apply could not use, and live keys whose secret is gone: no other look at either would tell."""
    kept = [recorded.keys[address] for address in plan.unchanged if address in recorded.keys]
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
            message = f"the store {name} cannot be used: {problem.message}"
            broken.append(Finding(rule="store-unusable", severity=Severity.WARNING, message=message, hint=problem.hint))
    return stores, broken


def _missing(keys: Iterable[RecordedKey], stores: dict[str, Store]) -> Iterator[Finding]:
    for key in keys:
        store = stores.get(key.secret.store)
        if store is not None and not _is_there(store, key.secret):
            place = f"the store {key.secret.store} keeps no secret at {key.secret.path}"
            yield Finding(
                rule="secret-missing",
                severity=Severity.WARNING,
                message=f"{key.live_name} is live, but {place}",
                hint="restore the file; or issue a new key by changing the text of rotation.trigger",
                address=str(key.address),
            )


def _is_there(store: Store, secret: SecretRef) -> bool:
    try:
        return store.exists(secret.path, Slot.CURRENT)
    except KrakenctlError:
        return False
