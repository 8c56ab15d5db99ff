"""Which accounts lie below a node, told from whatever is left: manifests, else state, else the names of credentials."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from krakenctl.credentials import file_of
from krakenctl.errors import CredentialError
from krakenctl.model.containment import Blind
from krakenctl.model.desired import DesiredAccount
from krakenctl.model.recorded import RecordedAccount
from krakenctl.model.workspace import Workspace

_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
_SLOT = "{account}"


@dataclass(frozen=True, slots=True)
class Below:
    accounts: tuple[str, ...]
    doubtful: tuple[Blind, ...]  # may lie below it; nothing that can be read says so


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountsGround:
    """What is known of accounts. `declared` is None when the manifests are not sound."""

    declared: Mapping[str, DesiredAccount] | None
    recorded: Mapping[str, RecordedAccount]
    credentialed: tuple[str, ...]

    @property
    def names(self) -> list[str]:
        return sorted({*(self.declared or {}), *self.recorded, *self.credentialed})

    def is_master(self, name: str) -> bool | None:
        """None: nothing says so."""
        if self.declared is not None and name in self.declared:
            return self.declared[name].master == name
        return self.recorded[name].kind == "Account" if name in self.recorded else None


def below(node: str, ground: AccountsGround) -> Below:
    """The node itself and what is below it. One that nobody knows has nothing below it."""
    inside, doubtful = [], []
    for name in ground.names:
        match _lies_below(name, node, ground):
            case True:
                inside.append(name)
            case str() as doubt:
                doubtful.append(Blind(account=name, why=doubt, helps=f"run it again with --under {name}, if it is"))
    return Below(tuple(inside), tuple(doubtful))


def _lies_below(name: str, node: str, ground: AccountsGround) -> bool | str:
    """A text: why nobody can tell."""
    if name == node:
        return True
    if ground.declared is not None and name in ground.declared:
        return ground.declared[name].master == node
    if ground.is_master(node) is False or ground.is_master(name):
        return False
    if ground.is_master(name) is None and ground.declared is not None:  # a credential that nobody declares or remembers
        return False
    masters = {each for each in ground.names if ground.is_master(each)} | {node}
    if ground.is_master(name) is False and masters == {node}:
        return True
    return "it may be a sub-account of it, and no manifest that can be read says whose it is"


def credentialed(root: Path, workspace: Workspace) -> tuple[str, ...]:
    """The accounts that krakenctl.yaml has credentials for, also those that only a file's name tells."""
    named = {name for name in workspace.credentials if name != "*"}
    every = workspace.credentials.get("*")
    return tuple(sorted({*named, *(_by_file(root, every.token) if every else ())}))


def _by_file(root: Path, reference: str) -> Iterator[str]:
    try:
        path = file_of(root, reference)
    except CredentialError:
        return
    if path is None or path.name.count(_SLOT) != 1 or not path.parent.is_dir():
        return
    before, after = path.name.split(_SLOT)
    for file in path.parent.iterdir():
        if file.name.startswith(before) and file.name.endswith(after):
            name = file.name[len(before) : len(file.name) - len(after)]
            if _NAME.fullmatch(name):
                yield name
