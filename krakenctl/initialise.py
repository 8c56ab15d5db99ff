"""Make a workspace, or what is missing in one. What is there already is kept to the byte."""

from __future__ import annotations

import secrets
import string
from dataclasses import dataclass
from pathlib import Path

from krakenctl import project, schema_files, starter
from krakenctl.embedded import sign_up, write_private
from krakenctl.errors import WorkspaceError
from krakenctl.model.desired import Desired
from krakenctl.model.workspace import SANDBOX, StoreSettings, Workspace


@dataclass(frozen=True, slots=True)
class Wish:
    name: str  # of the workspace and its first account
    tag: str  # two characters; empty: any
    endpoint: str


@dataclass(frozen=True, slots=True)
class Made:
    path: str  # relative to the workspace
    what: str


def initialise(root: Path, wish: Wish) -> list[Made]:
    """Returns what was made, in order. Raises WorkspaceError, InvalidManifests or StoreError."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        made = [] if (root / project.WORKSPACE_FILE).exists() else _starter(root, wish)
        made += _ignored(root)
        write_private(root / starter.SCHEMA, schema_files.text("krakenctl"))
        opened = project.open_project(root)
        for store in opened.workspace.stores.values():
            made += _identity(root, store)
        return made + _sandbox(root, opened.workspace, opened.desired)
    except OSError as problem:
        raise WorkspaceError(f"{problem.filename or root} cannot be written: {problem.strerror}") from None


def _starter(root: Path, wish: Wish) -> list[Made]:
    tag = wish.tag or "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(2))
    files = {
        project.WORKSPACE_FILE: (starter.workspace(wish.name, tag, wish.endpoint), "the workspace"),
        "manifests/account.yaml": (starter.account(wish.name), "the account and what its keys may do at most"),
        "manifests/keys.yaml": (starter.keys(wish.name), "two keys to start with"),
    }
    return [made for path, (text, what) in files.items() for made in _write_new(root, path, text, what)]


def _write_new(root: Path, path: str, text: str, what: str) -> list[Made]:
    """Exclusive creation: two inits at once, or a link left there, overwrite nothing."""
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        with file.open("x", encoding="utf-8") as out:
            out.write(text)
    except FileExistsError:
        return []
    return [Made(path, what)]


def _ignored(root: Path) -> list[Made]:
    """The identity must not reach git, also where a .gitignore was there before."""
    file = root / ".gitignore"
    if not file.exists():
        return _write_new(root, ".gitignore", starter.GITIGNORE, "keeps state and secrets out of git")
    text = file.read_text(encoding="utf-8")
    if starter.IGNORED in (line.strip().lstrip("/") for line in text.splitlines()):
        return []
    file.write_text(f"{text.rstrip()}\n{starter.GITIGNORE}".lstrip(), encoding="utf-8")
    return [Made(".gitignore", f"now ignores {starter.IGNORED}")]


def _identity(root: Path, store: StoreSettings) -> list[Made]:
    """A key of our own to read the store with, and its public half among the recipients."""
    scheme, _, path = store.identity.partition(":")
    file = root / Path(path).expanduser()
    if scheme != "file" or not path or file.exists():
        return []
    from krakenctl.stores.age import new_identity

    identity, recipient = new_identity()
    made = [Made(path, "the age identity that reads the store: back it up, never commit it")]
    if store.recipients_file:  # first: whoever is killed in between is left with a reader too many, not with none
        _add_recipient(root / store.recipients_file, recipient)
        made.append(Made(store.recipients_file, "who can read the store: commit it"))
    write_private(file, identity.reveal())
    return made


def _add_recipient(file: Path, recipient: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", encoding="utf-8") as out:
        out.write(f"{recipient}\n")


def _sandbox(root: Path, workspace: Workspace, desired: Desired) -> list[Made]:
    """Master accounts sign up by themselves; sub-accounts are requested by apply, as on Kraken."""
    if workspace.endpoint != SANDBOX:
        return []
    masters = [account for account in desired.accounts.values() if account.address.kind == "Account"]
    return [
        Made(reference.partition(":")[2], f"the sandbox's credential for {account.name}")
        for account in masters
        for reference in sign_up(root, workspace, account.name)
    ]
