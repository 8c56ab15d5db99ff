"""Is a place in a store ours? Two workspaces that share a path would take each other's secrets away, and to both of
them all would look well."""

from __future__ import annotations

from krakenctl.apply.places import Places
from krakenctl.errors import KrakenctlError, SecretUnreadable, StoreError
from krakenctl.model.desired import SecretRef
from krakenctl.stores.base import Entry, Slot, Store

HINT = (
    "give this key a place of its own with spec.secret.path; or, if that was this workspace before its state was lost,"
    " run `krakenctl state rebuild` with the identity it had then; or remove that secret, if nobody needs it any more"
)


def refuse_foreign(store: Store, place: SecretRef, lineage: str, places: Places) -> None:
    """Before a key is issued. Raises StoreError where any slot holds one of another lineage.

    One that cannot be read here says nothing where this host only writes, or a record of ours explains it.
    """
    if whose := foreign(store, place, lineage, places):
        raise StoreError(f"{whose}; no key was issued", hint=HINT)


def foreign(store: Store, place: SecretRef, lineage: str, places: Places) -> str:
    """Whose secret is there, in words; empty: none, or one of ours."""
    for slot in Slot:
        entry = _read(store, place.path, slot)
        if entry is not None and entry.lineage != lineage:
            return (
                f"the store {place.store} keeps another workspace's secret at {place.path}: that of {entry.live_name}"
                f" ({entry.address}, lineage {entry.lineage}, {slot})"
            )
    return _unreadable(store, place) if places.unused(place) else ""


def _unreadable(store: Store, place: SecretRef) -> str:
    for slot in (Slot.CURRENT, Slot.PENDING):
        try:
            store.get(place.path, slot)
        except SecretUnreadable:
            return (
                f"the store {place.store} keeps a secret that this host cannot read at {place.path} ({slot}), where the"
                " state records no key of this workspace"
            )
        except KrakenctlError:
            continue
    return ""


def empty(store: Store, path: str, slot: Slot, *, lineage: str, name: str = "") -> None:
    """Remove the secret of the key of that name, or of whichever key of ours.

    Our records may be older than the store; where it can be read, it knows better.
    """
    entry = _read(store, path, slot)
    if entry is None or (entry.lineage == lineage and name in ("", entry.live_name)):
        store.remove(path, slot)


def _read(store: Store, path: str, slot: Slot) -> Entry | None:
    try:
        return store.get(path, slot)
    except KrakenctlError:
        return None
