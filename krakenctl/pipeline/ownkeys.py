"""The keys that krakenctl itself uses: what the workspace's references to key pairs lead to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from krakenctl.credentials import Credentials
from krakenctl.errors import KrakenctlError
from krakenctl.model.desired import SecretRef
from krakenctl.plan.guard import Own
from krakenctl.project import Project


def own(project: Project, credentials: Credentials) -> Own:
    """A reference that leads nowhere yet is nobody's key; whoever needs it will be told."""
    references = frozenset(_references(project))
    kept = [reference.removeprefix("store:").partition("/") for reference in references if _is_kept(reference)]
    public_keys = set()
    for reference in references:
        with suppress(KrakenctlError):
            public_keys.add(credentials.key_pair(reference).public_key if not _is_kept(reference) else "")
    return Own(
        places=frozenset(SecretRef(store, path) for store, _, path in kept), public_keys=frozenset(public_keys - {""})
    )


def _references(project: Project) -> Iterator[str]:
    for account in project.desired.accounts.values():
        if account.address.kind == "Account":  # only masters are called with a key pair
            yield project.workspace.credentials_of(account.name).api_key


def _is_kept(reference: str) -> bool:
    """In a store of ours, where a key that is replaced in its place is found by the same reference."""
    return reference.startswith("store:")
