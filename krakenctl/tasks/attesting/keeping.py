"""Where the secret of a key that waits is kept, and what this host can see and put right of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from krakenctl.errors import CredentialError, SecretUnreadable, StoreError
from krakenctl.model.key import KeyPair
from krakenctl.project import Project
from krakenctl.stores.base import Entry, Slot, Store
from krakenctl.tasks.attesting.waiting import Waiting


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """`pair`: what is kept; None: that cannot be seen here, and `problem` says why. `place` makes it."""

    waiting: Waiting
    lineage: str
    open_store: Callable[[str], Store]  # by name; raises KrakenctlError
    pair: KeyPair | None = None
    problem: str = ""
    is_blind: bool = False  # something is there, and this host has no identity to read it with

    def __str__(self) -> str:
        return f"{self.waiting.secret.store}:{self.waiting.secret.path}"

    @property
    def is_in_reach(self) -> bool:
        return self.is_blind or self.pair is not None

    def is_to_be_written(self, pair: KeyPair) -> bool:
        """Not where nothing of it is there: then it lies in another host's store, and consumers here read on."""
        return self.is_blind or self.pair not in (None, pair)

    def write(self, pair: KeyPair) -> None:
        """Durable. Raises StoreError."""
        entry = Entry(
            address=str(self.waiting.address),
            lineage=self.lineage,
            live_name=self.waiting.name,
            generation=self.waiting.intent.generation,
            created=0,  # as for any key that is kept before it has told
            public_key=pair.public_key,
            secret=pair.secret,
            spec=self.waiting.sent,
        )
        self.open_store(self.waiting.secret.store).put(self.waiting.secret.path, Slot.PENDING, entry)


def place(waiting: Waiting, lineage: str, open_store: Callable[[str], Store]) -> Place:
    """As it is now. Raises nothing of ours: a host without the store may ask the key all the same."""
    secret, seen = waiting.secret, Place(waiting=waiting, lineage=lineage, open_store=open_store)
    try:
        store = open_store(secret.store)
    except (StoreError, CredentialError) as problem:
        return replace(seen, problem=problem.message)
    try:
        entry = store.get(secret.path, Slot.PENDING)
    except SecretUnreadable as problem:  # whoever can read it may not be able to read what is written here
        return replace(seen, problem=problem.message)
    except (StoreError, CredentialError) as problem:
        return replace(seen, problem=problem.message, is_blind=_is_taken(store, secret.path))
    if entry is None or (entry.lineage, entry.live_name) != (lineage, waiting.name):
        why = f"the store {secret.store}, as this host sees it, does not keep {waiting.name} at {secret.path}"
        return replace(seen, problem=why)
    return replace(seen, pair=entry.pair)


def only_written(project: Project) -> Project:
    """The same, as on a host that was given no identity: what it puts into a store it cannot read back in clear."""
    stores = {name: replace(settings, identity="") for name, settings in project.workspace.stores.items()}
    return replace(project, workspace=replace(project.workspace, stores=stores))


def _is_taken(store: Store, path: str) -> bool:
    try:
        return store.exists(path, Slot.PENDING)
    except StoreError:  # why has been told by the read before
        return False
