"""The sandbox inside this process, and the people it plays: who sign up, and who authorise krakenctl.

It writes credential files where a workspace's references point, as a person would after the real sign-up.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
            _write(root, reference, setup.token)

    sandbox = open_sandbox(root / DATABASE, owner=owner)
    return WsgiAdapter(sandbox, on_close=sandbox.close)


def sign_up(root: Path, workspace: Workspace, account: str) -> list[str]:
    """Make a master account in the sandbox, unless its credentials are there. Returns the references now filled."""
    from krakenctl.sandbox import open_sandbox
    from krakenctl.sandbox.seed import seed_account

    refs = workspace.credentials_of(account)
    paths = {reference: _path(root, reference) for reference in (refs.token, refs.api_key)}
    wanted = [reference for reference, path in paths.items() if path is not None and not path.exists()]
    if not wanted:
        return []
    sandbox = open_sandbox(root / DATABASE)
    try:
        seeded = seed_account(sandbox, username=account, email=f"{account}@sandbox.invalid")
    finally:
        sandbox.close()
    contents = {refs.token: seeded.token, refs.api_key: {"apiKey": seeded.public_key, "secret": seeded.secret}}
    for reference in wanted:
        _write(root, reference, contents[reference])
    return wanted


def _path(root: Path, reference: str) -> Path | None:
    scheme, _, rest = reference.partition(":")
    return root / Path(rest).expanduser() if scheme == "file" and rest else None


def _write(root: Path, reference: str, content: Mapping[str, Any]) -> None:
    path = _path(root, reference)
    if path is None:
        raise WorkspaceError(
            f"the sandbox cannot put a credential into {reference.partition(':')[0] or 'nothing'}",
            hint="with endpoint: sandbox, credentials are file: references",
        )
    write_private(path, json.dumps(content, indent=2) + "\n")


def write_private(path: Path, text: str) -> None:
    """A file for its owner alone, from its first byte on."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
