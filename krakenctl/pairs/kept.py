"""Key pairs that a workspace keeps: of one of its keys, or at a place in one of its stores."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from krakenctl.errors import CredentialMissing, InvalidManifests
from krakenctl.model.address import Address
from krakenctl.model.description import NonceScale
from krakenctl.model.desired import SecretRef
from krakenctl.model.key import KeyPair
from krakenctl.model.recorded import Gone, RecordedKey
from krakenctl.model.silence import Refusal
from krakenctl.model.time import show_time
from krakenctl.observe.holdings import ADOPTED, OpenStore, entry_of
from krakenctl.pairs.harvest import Labelled
from krakenctl.project import Project, open_project, without_manifests
from krakenctl.stores.base import Entry, Slot
from krakenctl.wiring import opening


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    found: Labelled
    scale: NonceScale = NonceScale.UNKNOWN  # of what its consumer sends, as far as the manifests say
    record: RecordedKey | None = None
    gone: Gone | None = None
    refusal: Refusal | None = None  # from this host; None: none, or it has answered since
    has_answered: bool = False  # from this host

    def against_it(self, now: int) -> str:
        """Why Kraken is likely to refuse it here, as far as it is recorded, as a clause; empty: nothing is."""
        if self.record is None:
            return ""
        spec = self.record.spec
        if self.gone is not None:
            return f"that it has ended was {self.gone.told}"
        if 0 < spec.valid_until <= now:
            return f"its recorded end has passed ({show_time(spec.valid_until)})"
        only = f"it may be used from {', '.join(spec.ip_allowlist)} only"
        if self.refusal is not None:
            when = f"it was refused here on {show_time(self.refusal.at)} (“{self.refusal.said}”)"
            return f"{only}, and {when}" if spec.ip_allowlist else when
        if spec.ip_allowlist and not self.has_answered:
            return f"{only}, and has never answered from this machine"
        return ""


def of_address(root: Path, address: Address, environ: Mapping[str, str]) -> Kept:
    """The current generation of a key, as recorded, or else as declared. Raises KrakenctlError."""
    project = _project(root)
    open_store = opening.stores(project, environ)
    declared = project.desired.keys.get(address)
    memory = opening.state_home(root, project.workspace.state, environ).read()
    recorded = memory.keys.get(address)
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
    found = _labelled(str(address), entry, place)
    public_key, here = found.pair.public_key, (found.pair.public_key, socket.gethostname())
    return Kept(
        found=found,
        scale=scale,
        record=recorded,
        gone=memory.gone.get(public_key),
        refusal=memory.refused.get(here),
        has_answered=here in memory.answered,
    )


def of_place(root: Path, place: SecretRef, environ: Mapping[str, str]) -> Kept:
    """What a store keeps as current at a path. Raises KrakenctlError."""
    project = _project(root)
    entry = _current(place, opening.stores(project, environ))
    scale = NonceScale.UNKNOWN
    with suppress(KeyError, ValueError):
        scale = NonceScale(project.desired.keys[Address.parse(entry.address)].consumer_nonce) if entry else scale
    return Kept(found=_labelled(f"{place.store}:{place.path}", entry, place), scale=scale)


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
    return Labelled(label=label, pair=KeyPair(public_key=entry.public_key, secret=entry.secret), named=True)
