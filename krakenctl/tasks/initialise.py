"""Make a workspace, or what is missing in one. What is there already is kept to the byte."""

from __future__ import annotations

import os
import re
import secrets
import string
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from krakenctl import files, project, schema_files
from krakenctl.credentials import Credentials, file_of
from krakenctl.errors import WorkspaceError
from krakenctl.model.desired import Desired
from krakenctl.model.workspace import SANDBOX, StoreSettings, Workspace
from krakenctl.tasks import starter
from krakenctl.wiring.embedded import sign_up


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
    """Returns what was made, in order. Raises WorkspaceError, InvalidManifests, StoreError or SafetyStop."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        _refuse_oddity(root / project.WORKSPACE_FILE)
        schema = files.own(root, root / starter.SCHEMA)
        made = [] if (root / project.WORKSPACE_FILE).exists() else _starter(root, wish)
        files.write_private(schema, schema_files.text("krakenctl"))
        opened = project.open_project(root)
        return made + _furnished(root, opened.workspace) + _sandbox(root, opened.workspace, opened.desired)
    except OSError as problem:
        raise WorkspaceError(f"{problem.filename or root} cannot be written: {problem.strerror}") from None


def bare(root: Path, wish: Wish) -> list[Made]:
    """The same without any manifest and sandbox account: for whoever brings their own. Raises as `initialise` does."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        _refuse_oddity(root / project.WORKSPACE_FILE)
        schema = files.own(root, root / starter.SCHEMA)
        made = _write_new(root, *_settings(drawn_tag(wish)))
        files.write_private(schema, schema_files.text("krakenctl"))
        return made + _furnished(root, project.read_workspace(root))
    except OSError as problem:
        raise WorkspaceError(f"{problem.filename or root} cannot be written: {problem.strerror}") from None


def drawn_tag(wish: Wish) -> Wish:
    """With a tag, if it has none."""
    letters = string.ascii_lowercase
    return replace(wish, tag=wish.tag or secrets.choice(letters) + secrets.choice(letters + string.digits))


def _furnished(root: Path, workspace: Workspace) -> list[Made]:
    """What a host needs beside the files that are committed."""
    _refuse_new_identities(root, workspace.stores.values())
    made = _ignored(root, workspace)
    for store in workspace.stores.values():
        made += _identity(root, store)
    return made


def _refuse_oddity(file: Path) -> None:
    if odd := files.oddity(file):
        raise WorkspaceError(f"{file} is {odd}, where a file belongs", hint="move it away, then run `krakenctl init`")


def _starter(root: Path, wish: Wish) -> list[Made]:
    texts = (
        _settings(drawn_tag(wish)),
        ("manifests/account.yaml", starter.account(wish.name), "the account and what its keys may do at most"),
        ("manifests/keys.yaml", starter.keys(wish.name), "two keys to start with"),
    )
    return [made for text in texts for made in _write_new(root, *text)]


def _settings(wish: Wish) -> tuple[str, str, str]:
    return project.WORKSPACE_FILE, starter.workspace(wish.name, wish.tag, wish.endpoint), "the workspace"


def _write_new(root: Path, path: str, text: str, what: str) -> list[Made]:
    """Exclusive creation: two inits at once, or a link left there, overwrite nothing."""
    file = files.inside(root, root / path)
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        files.write_whole(file, text.encode(), mode=0o666, exclusive=True)
    except FileExistsError:
        return []
    return [Made(path, what)]


def _ignored(root: Path, workspace: Workspace) -> list[Made]:
    """No secret must reach git, also where a .gitignore was there before. In bytes: it may be of any encoding."""
    file = files.inside(root, root / ".gitignore")
    _refuse_oddity(file)
    known = {line.strip().lstrip(b"/") for line in file.read_bytes().splitlines()} if file.exists() else set()
    lines = dict.fromkeys([*starter.IGNORED, *_secret_files(root, workspace)])
    missing = [line for line in lines if line.encode().strip().lstrip(b"/") not in known]
    if not missing:
        return []
    what = f"now ignores {', '.join(missing)}" if file.exists() else "keeps state and secrets out of git"
    files.append(file, starter.gitignore(missing))
    return [Made(".gitignore", what)]


def _secret_files(root: Path, workspace: Workspace) -> Iterator[str]:
    """Identities and credentials that lie in the workspace but not below .krakenctl, as lines for git."""
    references = [workspace.state.dsn, *(store.identity for store in workspace.stores.values())]
    references += [each for refs in workspace.credentials.values() for each in (refs.token, refs.api_key)]
    base = Path(os.path.realpath(root))
    for reference in references:
        if (path := file_of(root, reference)) is None:
            continue
        real = Path(os.path.realpath(path))
        if real != base and real.is_relative_to(base) and not real.is_relative_to(base / files.OWN):
            literal = re.sub(r"[\\*?\[ ]", r"\\\g<0>", str(real.relative_to(base)))
            # Not the whole folder: manifests, or a store that is to be committed, may be in it too.
            yield "/" + re.sub(r"\{(account|username)\}", "*", literal)


def _refuse_new_identities(root: Path, stores: Iterable[StoreSettings]) -> None:
    """A new one would look like a remedy, and read nothing of what is stored."""
    for store in stores:
        path = file_of(root, store.identity)
        if path is None or path.exists():
            continue
        if held := sum(1 for _ in (root / store.path).rglob("*.age")):
            raise WorkspaceError(
                f"{store.identity} is gone, and {store.path} holds {held} files that a new identity cannot read; no"
                " identity was made",
                hint="restore it from your backup; to read only what is stored from now on, make one with age-keygen,"
                " and add its public key to the recipients",
            )


def _identity(root: Path, store: StoreSettings) -> list[Made]:
    """A key of our own to read the store with, and its public half among the recipients."""
    path = file_of(root, store.identity)
    if path is None:
        return []
    if path.exists():
        return _lost_recipients(root, store)
    from krakenctl.stores.age import new_identity

    place = _identity_place(root, path)
    identity, recipient = new_identity()
    made = [
        Made(store.identity.partition(":")[2], "the age identity that reads the store: back it up, never commit it")
    ]
    if store.recipients_file:  # first: whoever is killed in between is left with a reader too many, not with none
        _add_recipient(root, store.recipients_file, recipient)
        made.append(Made(store.recipients_file, "who can read the store: commit it"))
    files.make_folder(place.parent)
    files.write_whole(place, identity.reveal().encode(), mode=0o600, exclusive=True)
    return made


def _lost_recipients(root: Path, store: StoreSettings) -> list[Made]:
    """The identity is there, and the file that should name it is not: its public half follows from it."""
    if not store.recipients_file or (root / store.recipients_file).exists():
        return []
    from krakenctl.stores.age import recipient_of

    _add_recipient(root, store.recipients_file, recipient_of(Credentials(root, {}).text(store.identity)))
    return [Made(store.recipients_file, "who can read the store, from the identity: commit it")]


def _identity_place(root: Path, path: Path) -> Path:
    """Whoever names a place outside the workspace means it; a link that leads there was not asked for."""
    base, full = (Path(os.path.abspath(each)) for each in (root, path))  # noqa: PTH100 - without following links
    if not full.is_relative_to(base):
        return path
    return files.own(root, path) if full.is_relative_to(base / files.OWN) else files.inside(root, path)


def _add_recipient(root: Path, path: str, recipient: str) -> None:
    file = files.inside(root, root / path)
    _refuse_oddity(file)
    file.parent.mkdir(parents=True, exist_ok=True)
    files.append(file, f"{recipient}\n")


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
