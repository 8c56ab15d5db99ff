"""From the name of a plug-in to the thing itself. Each is imported when it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from krakenctl.credentials import Credentials, file_of
from krakenctl.errors import CredentialMissing, StateError, StoreError
from krakenctl.model.secret import Secret
from krakenctl.model.surface import traits
from krakenctl.model.workspace import StateSettings, StoreSettings
from krakenctl.state.base import StateHome
from krakenctl.stores.base import Store

if TYPE_CHECKING:
    from krakenctl.surfaces.base import Surface
    from krakenctl.surfaces.ground import Ground

_RESTORE = "restore it from your backup; a new one cannot read what is stored (where nothing is: `krakenctl init`)"


# Each module has a function `opened`.
_SURFACES = {"connect": "krakenctl.surfaces.connect", "website": "krakenctl.surfaces.website"}


def surface(name: str, ground: Ground) -> Surface:
    """One account, in the way that its manifest names. Raises CredentialError, and WorkspaceError of an unknown way."""
    traits(name)
    opened: Callable[[Ground], Surface] = import_module(_SURFACES[name]).opened
    return opened(ground)


def store(settings: StoreSettings, root: Path, credentials: Credentials) -> Store:
    """The store that a workspace describes. Raises StoreError."""
    if settings.type != "age":
        raise StoreError(f"there is no store of the type “{settings.type}”", hint="this krakenctl knows: age")
    from krakenctl.stores.age import AgeStore

    own = (lambda: identity(settings.identity, credentials)) if settings.identity else None
    return AgeStore(root / settings.path, _recipients(settings, root), own)


def identity(reference: str, credentials: Credentials) -> Secret:
    """Of all credentials the one that nobody can simply make anew."""
    try:
        return credentials.text(reference)
    except CredentialMissing as problem:
        hint = _RESTORE if file_of(Path(), reference) else problem.hint
        raise CredentialMissing(problem.message, hint=hint) from None


def state(settings: StateSettings, root: Path, credentials: Credentials) -> StateHome:
    """Where a workspace's state is kept; nothing is opened yet. Raises StateError where a library is missing."""
    if settings.type == "postgres":
        return _postgres(settings, credentials)
    from krakenctl.state.sqlite import SqliteHome

    return SqliteHome(root / settings.path)


def _postgres(settings: StateSettings, credentials: Credentials) -> StateHome:
    try:
        from krakenctl.state.postgres import PostgresHome
    except ImportError:  # of psycopg, or of the libpq below it
        raise StateError(
            "a state of the type “postgres” needs psycopg, which is not installed",
            hint="pip install 'krakenctl[postgres]'",
        ) from None
    return PostgresHome(lambda: credentials.text(settings.dsn), settings.dsn, settings.schema)


def _recipients(settings: StoreSettings, root: Path) -> list[str]:
    recipients = list(settings.recipients)
    if settings.recipients_file:
        path = root / settings.recipients_file
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError):
            raise StoreError(
                f"the recipients in {settings.recipients_file} cannot be read", hint="`krakenctl init` makes the file"
            ) from None
        recipients += [line for line in map(str.strip, lines) if line and not line.startswith("#")]
    return recipients
