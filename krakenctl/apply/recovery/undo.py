"""A key that a dead run had promoted in the store, and not lived to record: its consumers read it already. Before it
is revoked, the slots become what they were."""

from __future__ import annotations

from krakenctl.apply.session import Session
from krakenctl.model.desired import SecretRef
from krakenctl.model.journal import Intent, Stage
from krakenctl.stores.base import Slot


def give_back(session: Session, intent: Intent) -> None:
    """Raises StoreError where the store cannot be read: then nothing may be revoked, for it may be in use."""
    if intent.stage is Stage.CHECKED and intent.secret is not None and not _outgrown(session, intent):
        _give_back(session, intent, intent.secret)


def _give_back(session: Session, intent: Intent, secret: SecretRef) -> None:
    store, path = session.ports.store(secret.store), secret.path
    current = store.get(path, Slot.CURRENT)
    if current is not None and current.live_name != intent.live_name:  # the promotion had not begun
        return
    before = store.get(path, Slot.PREVIOUS)
    if before is not None and before.live_name == intent.old_name:
        store.put(path, Slot.CURRENT, before)
        store.remove(path, Slot.PREVIOUS)
    elif current is not None:
        store.remove(path, Slot.CURRENT)


def _outgrown(session: Session, intent: Intent) -> bool:
    """Whether a later issue of the same key has been promoted since."""
    record = session.memory.current.get(intent.address)
    return record is not None and record.generation > intent.generation
