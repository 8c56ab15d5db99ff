"""From what krakenctl.yaml says to the things themselves: a workspace's state, its stores, its exchange."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from krakenctl.credentials import Credentials
from krakenctl.errors import CredentialMissing, StoreError
from krakenctl.model.secret import Secret
from krakenctl.model.workspace import SANDBOX, StateSettings, Workspace
from krakenctl.project import Project, read_workspace

if TYPE_CHECKING:
    from krakenctl.state.base import StateHome
    from krakenctl.stores.base import Store
    from krakenctl.surfaces.ground import Premises
    from krakenctl.wiring.exchange import Exchange


def state_home(
    root: Path, settings: StateSettings | None = None, environ: Mapping[str, str] | None = None
) -> StateHome:
    """Where the state is; nothing is opened yet. None: the one that krakenctl.yaml names. Raises StateError."""
    from krakenctl import plugins

    credentials = Credentials(root, os.environ if environ is None else environ)
    return plugins.state(settings or read_workspace(root).state, root, credentials)


@contextmanager
def exchange(
    root: Path,
    workspace: Workspace,
    credentials: Credentials,
    usernames: dict[str, str],
    premises: Callable[[str], Premises],
    *,
    say: Callable[[str], None] = lambda _: None,
) -> Iterator[Exchange]:
    """`usernames`: by account; the exchange reads it when it needs one, so that more may come to light.

    `premises`: of an account by its name. `say`: is told what is waited for.
    """
    from krakenctl import plugins
    from krakenctl.wiring.exchange import Exchange

    adapter = None
    if workspace.endpoint == SANDBOX:
        from krakenctl.wiring import embedded

        adapter = embedded.adapter(root, workspace, usernames)
    opened = Exchange(
        workspace,
        credentials,
        usernames,
        open_surface=plugins.surface,
        premises=premises,
        adapter=adapter,
        say=say,
    )
    try:
        yield opened
    finally:
        opened.close()


def stores(project: Project, environ: Mapping[str, str]) -> Callable[[str], Store]:
    """Stores by name, each opened once. An identity comes from a file or the environment, never from a store."""
    from krakenctl import plugins

    opened: dict[str, Store] = {}
    turn = threading.Lock()
    credentials = Credentials(project.root, environ)

    def store(name: str) -> Store:
        if name not in project.workspace.stores:
            raise StoreError(
                f"krakenctl.yaml has no store {name} any more, and secrets of ours are still recorded in it",
                hint="declare it again until they are gone",
            )
        with turn:
            if name not in opened:
                opened[name] = plugins.store(project.workspace.stores[name], project.root, credentials)
            return opened[name]

    return store


def credentials(project: Project, environ: Mapping[str, str], store: Callable[[str], Store]) -> Credentials:
    """Those of a project, which may lie in its stores."""
    return Credentials(project.root, environ, lambda name, path: _kept(store(name), name, path))


def _kept(store: Store, name: str, path: str) -> Secret:
    """A key pair from a store, as the JSON that a file would hold."""
    from krakenctl.stores.base import Slot

    entry = store.get(path, Slot.CURRENT)
    if entry is None:
        raise CredentialMissing(f"the store {name} keeps nothing at {path}")
    return Secret(json.dumps({"apiKey": entry.public_key, "secret": entry.secret.reveal()}))
