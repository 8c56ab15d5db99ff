"""Before an old key goes: does the store, as this host sees it, hold its successor? Where hosts share the state and not
the store, a rotation on one of them leaves the old secret with the consumers of every other."""

from __future__ import annotations

from krakenctl.apply.session import Session
from krakenctl.errors import KrakenctlError, StoreError
from krakenctl.model.desired import SecretRef
from krakenctl.model.plan import Action, Cause, Change, OldKey
from krakenctl.stores.base import Entry, Slot


def refuse_early(session: Session, change: Change, old: OldKey) -> None:
    """Raises StoreError where consumers of this store would be left with a dead key.

    A host that cannot read the store goes by the records, as ever.
    """
    place = _place(session, change, old) if _hands_over(change) else None
    holder = session.places.holder(place) if place else None
    if place is None or holder is None or holder == session.owner(old.name):
        return
    try:
        entry = session.ports.store(place.store).get(place.path, Slot.CURRENT)
    except KrakenctlError:
        return
    if not _is(session, holder[1], entry):
        raise StoreError(
            f"as this host sees it, the store {place.store} keeps {_called(entry)} at {place.path}, and not the secret"
            f" of {holder[1]}, which the state records as current; {old.name} was left as it is",
            hint="all hosts of a state must share its stores: pull or copy the secrets folder and run again; or issue a"
            f" new secret here: krakenctl rotate {change.address}",
        )


def _hands_over(change: Change) -> bool:
    """A key with a successor that is in use. What a gap was shown for, or ends with its successor, is not held up."""
    if change.action is Action.REVOKE:
        return change.causes == (Cause.RETIRED,)
    return not change.gap


def _place(session: Session, change: Change, old: OldKey) -> SecretRef | None:
    """Where the consumer reads the successor's secret."""
    if change.new is not None:
        return change.secret
    successor = session.current(change)
    return successor.secret if successor else session.secret_of(old.name)


def _is(session: Session, name: str, entry: Entry | None) -> bool:
    record = session.memory.by_name.get(name)
    known = record.public_key if record else ""
    return entry is not None and entry.live_name == name and known in ("", entry.public_key)


def _called(entry: Entry | None) -> str:
    return f"that of {entry.live_name}" if entry else "nothing"
