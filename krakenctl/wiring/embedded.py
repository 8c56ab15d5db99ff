"""The sandbox inside this process, and the people it plays: who sign up, and who authorise krakenctl.

It writes credential files where a workspace's references point, as a person would after the real sign-up.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from krakenctl import files
from krakenctl.credentials import file_of
from krakenctl.errors import WorkspaceError
from krakenctl.model.workspace import Workspace

if TYPE_CHECKING:
    from requests.adapters import BaseAdapter

    from krakenctl.sandbox import SetUp

DATABASE = ".krakenctl/sandbox.db"


def adapter(root: Path, workspace: Workspace, usernames: Mapping[str, str]) -> BaseAdapter:
    """What to mount for `endpoint: sandbox`. `usernames`: of the sub-accounts, by account name; empty for masters."""
    from krakenctl.sandbox import open_sandbox
    from krakenctl.transport.wsgi import WsgiAdapter

    accounts = {username: account for account, username in usernames.items() if username}

    def owner(setup: SetUp) -> None:
        """A sub-account's owner: sets it up at once, and hands its token to whoever asked."""
        if (account := accounts.get(setup.username)) is not None:
            reference = workspace.credentials_of(account, setup.username).token
            _write(_place(root, reference), setup.token)

    for username, account in accounts.items():
        _refuse_elsewhere(root, workspace.credentials_of(account, username).token)
    sandbox = open_sandbox(root / DATABASE, owner=owner)
    return WsgiAdapter(sandbox, on_close=sandbox.close)


def now(root: Path) -> float:
    """Unix seconds on the sandbox's clock; without making a sandbox, on this computer's."""
    from krakenctl.sandbox import clock

    return clock.now(root / DATABASE) if (root / DATABASE).exists() else time.time()


def sign_up(root: Path, workspace: Workspace, account: str) -> list[str]:
    """Make a master account in the sandbox, unless its credentials are there. Returns the references now filled."""
    from krakenctl.sandbox import open_sandbox
    from krakenctl.sandbox.people.seed import seed_account

    refs = workspace.credentials_of(account)
    paths = {reference: file_of(root, reference) for reference in (refs.token, refs.api_key)}
    wanted = {reference: path for reference, path in paths.items() if path is not None and not path.exists()}
    if not wanted:
        return []
    places = {reference: files.own(root, path) for reference, path in wanted.items()}  # all, before anything is made
    sandbox = open_sandbox(root / DATABASE)
    try:
        seeded = seed_account(sandbox, username=account, email=f"{account}@sandbox.invalid")
    finally:
        sandbox.close()
    contents = {refs.token: seeded.token, refs.api_key: {"apiKey": seeded.public_key, "secret": seeded.secret}}
    for reference, place in places.items():
        _write(place, contents[reference])
    return list(places)


def _refuse_elsewhere(root: Path, reference: str) -> None:
    """Told at once: an owner who finds nowhere to put a token later on can only leave the account waiting."""
    path = file_of(root, reference)
    if path is not None and not path.exists():
        files.own(root, path)


def _place(root: Path, reference: str) -> Path:
    """Only below .krakenctl: whatever is elsewhere may be the credential of a real exchange."""
    path = file_of(root, reference)
    if path is None:
        raise WorkspaceError(
            f"the sandbox cannot put a credential into {reference.partition(':')[0] or 'nothing'}",
            hint="with endpoint: sandbox, credentials are file: references",
        )
    return files.own(root, path)


def _write(place: Path, content: Mapping[str, Any]) -> None:
    files.write_private(place, json.dumps(content, indent=2) + "\n")
