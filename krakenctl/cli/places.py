"""Places in stores as people type them: `STORE:PATH`, or `store:STORE/PATH` as a reference in krakenctl.yaml."""

from __future__ import annotations

from pathlib import Path

from krakenctl.errors import UsageError
from krakenctl.model.desired import SecretRef
from krakenctl.project import read_workspace


def parse(text: str, root: Path) -> SecretRef:
    """`text`: with a colon. Raises UsageError for what is no place in a store of this workspace."""
    stores = read_workspace(root).stores
    store, _, path = text.partition(":")
    if store == "store" and store not in stores:
        store, _, path = path.partition("/")
    if store not in stores:
        known = f"there is: {', '.join(sorted(stores))}" if stores else "it names none"
        raise UsageError(f"there is no store {store} in krakenctl.yaml", hint=known)
    if not path:
        raise UsageError(f"{text} says which store, and not where in it", hint=f"write {store}:bots/mm-btc")
    return SecretRef(store, path)
