"""Before an old key goes: does the store, as this host sees it, hold its successor? Where hosts share the state and not
the store, a rotation on one of them leaves the old secret with the consumers of every other."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from krakenctl.apply.places import Owner
from krakenctl.apply.session import Session
from krakenctl.apply.work import Work
from krakenctl.errors import KrakenctlError, StoreError
from krakenctl.model.desired import SecretRef
from krakenctl.model.plan import Action, Cause, Change, OldKey
from krakenctl.stores.base import Entry, Slot


def refuse_early(session: Session, change: Change, old: OldKey) -> None:
    """Raises StoreError where consumers of this store would be left with a dead key.

    A host that cannot read the store goes by the records, as ever.
    """
    place = _place(session, change, old) if _hands_over(session, change, old) else None
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


def in_turn(session: Session, works: Iterable[Work]) -> Sequence[Work]:
    """The works as planned, but for retired keys that consumers of this store still read: those go last.

    The plan has them go first, for their successor is in use. Where it never came to this store, what they wait for
    is the key that replaces their successor in this run.
    """
    works = list(works)
    ended = (work.change.old for work in works if work.change.new and not work.change.gap)
    replaced = {session.owner(old.name) for old in ended if old}
    late = {id(work): work for work in works if _is_read_here(session, work.change, replaced)}
    session.late = frozenset(work.change.old.name for work in late.values() if work.change.old)
    return [*(work for work in works if id(work) not in late), *late.values()]


def _is_read_here(session: Session, change: Change, replaced: Collection[Owner]) -> bool:
    """A retired key whose secret lies where its successor's should, and that one is to be replaced without a gap."""
    if change.action is not Action.REVOKE or change.old is None or Cause.SUPERSEDED not in change.causes:
        return False
    place = _place(session, change, change.old)
    holder = session.places.holder(place) if place else None
    if place is None or holder is None or holder not in replaced or holder == session.owner(change.old.name):
        return False
    try:
        return _is(session, change.old.name, session.ports.store(place.store).get(place.path, Slot.CURRENT))
    except KrakenctlError:
        return False


def _hands_over(session: Session, change: Change, old: OldKey) -> bool:
    """A key with a successor that is in use. What a gap was shown for, or ends with its successor, is not held up."""
    if change.action is Action.REVOKE:
        return change.causes == (Cause.RETIRED,) or old.name in session.late
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
