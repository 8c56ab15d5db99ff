"""Key pairs that a workspace keeps: of one of its keys, or at a place in one of its stores."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from krakenctl import opening
from krakenctl.errors import CredentialMissing, InvalidManifests
from krakenctl.holdings import ADOPTED, OpenStore, entry_of
from krakenctl.model.address import Address
from krakenctl.model.description import NonceScale
from krakenctl.model.desired import SecretRef
from krakenctl.model.key import KeyPair
from krakenctl.pairs.harvest import Labelled
from krakenctl.project import Project, open_project, without_manifests
from krakenctl.stores.base import Entry, Slot


class Kept(NamedTuple):
    """`scale`: what its consumer sends, as far as the manifests say."""

    found: Labelled
    scale: NonceScale = NonceScale.UNKNOWN


def of_address(root: Path, address: Address, environ: Mapping[str, str]) -> Kept:
    """The current generation of a key, as recorded, or else as declared. Raises KrakenctlError."""
    project = _project(root)
    open_store = opening.stores(project, environ)
    declared = project.desired.keys.get(address)
    recorded = opening.state_home(root, project.workspace.state, environ).read().keys.get(address)
    place = recorded.secret if recorded else declared.secret if declared else None
    if place is None:
        raise CredentialMissing(
            f"{address} is neither declared nor recorded here",
            hint="`krakenctl tree` shows what is",
            address=str(address),
        )
    if recorded and recorded.without_secret:
        raise CredentialMissing(f"{recorded.live_name} was {ADOPTED}", address=str(address))
    entry = entry_of(recorded, open_store) if recorded else _current(place, open_store)
    scale = NonceScale(declared.consumer_nonce) if declared else NonceScale.UNKNOWN
    return Kept(_labelled(str(address), entry, place), scale)


def of_place(root: Path, place: SecretRef, environ: Mapping[str, str]) -> Kept:
    """What a store keeps as current at a path. Raises KrakenctlError."""
    project = _project(root)
    entry = _current(place, opening.stores(project, environ))
    scale = NonceScale.UNKNOWN
    with suppress(KeyError, ValueError):
        scale = NonceScale(project.desired.keys[Address.parse(entry.address)].consumer_nonce) if entry else scale
    return Kept(_labelled(f"{place.store}:{place.path}", entry, place), scale)


def _project(root: Path) -> Project:
    """Also where the manifests are not sound: a key can be looked at all the same."""
    try:
        return open_project(root)
    except InvalidManifests:
        return without_manifests(root)


def _current(place: SecretRef, open_store: OpenStore) -> Entry | None:
    return open_store(place.store).get(place.path, Slot.CURRENT)


def _labelled(label: str, entry: Entry | None, place: SecretRef) -> Labelled:
    if entry is None:
        raise CredentialMissing(f"the store {place.store} keeps nothing at {place.path}")
    return Labelled(label=label, pair=KeyPair(public_key=entry.public_key, secret=entry.secret))
