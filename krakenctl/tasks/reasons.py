"""Why a key may have a permission or not, from manifests and state. Offline: what is live is another question."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from krakenctl.errors import StateError, UsageError
from krakenctl.load import locate, read_manifests
from krakenctl.model.access import Why
from krakenctl.model.address import Address
from krakenctl.model.recorded import Recorded
from krakenctl.project import as_written
from krakenctl.wiring.opening import state_home

if TYPE_CHECKING:
    from krakenctl.model.origin import Origin, Place
    from krakenctl.model.permission import Permission
    from krakenctl.project import Project


def reasons(root: Path, address: Address, permissions: Iterable[Permission]) -> tuple[Why, ...]:
    """One answer for each permission. Raises UsageError for an address that nobody has heard of."""
    from krakenctl.access import why

    project = as_written(root)
    recorded, blind = _recorded(root)
    declared = _is_declared(address, project)
    if not declared and not why.sent_ever(address, recorded):
        raise UsageError(f"nothing is declared or remembered as {address}", hint="`krakenctl tree` shows what there is")
    documents = read_manifests(root, project.workspace.manifests).documents if declared else ()

    def where(place: Place) -> Origin:
        return locate(root, [place])[place]

    found = []
    for permission in permissions:
        bare = Why(address=address, permission=permission, declared=False)
        told = why.why(address, permission, project.desired, documents, where) if declared else bare
        sent = why.sent(address, permission, recorded)
        known = replace(told, sent=sent, has_state=bool(recorded.lineage), blind=blind, sound=project.sound)
        found.append(known)
    return tuple(found)


def _is_declared(address: Address, project: Project) -> bool:
    account = project.desired.accounts.get(address.name)
    return address in project.desired.keys or (account is not None and account.address == address)


def _recorded(root: Path) -> tuple[Recorded, str]:
    """A state that cannot be read, or reached, is no reason to keep back what the manifests say."""
    try:
        return state_home(root).read(), ""
    except StateError as problem:
        return Recorded(lineage=""), problem.message
