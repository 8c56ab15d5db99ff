"""Key pairs that a workspace keeps: of one of its keys, or at a place in one of its stores."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from krakenctl.errors import CredentialMissing, InvalidManifests, KrakenctlError, StoreError
from krakenctl.model.address import Address
from krakenctl.model.description import NonceScale
from krakenctl.model.desired import SecretRef
from krakenctl.model.recorded import EndProof, Recorded, RecordedKey
from krakenctl.model.silence import Refusal
from krakenctl.model.time import show_time
from krakenctl.observe.estate import Estate, Share
from krakenctl.observe.holdings import ADOPTED, OpenStore, declared_as, entry_of
from krakenctl.pairs.harvest import Labelled
from krakenctl.plan.clocks import clock_of, is_replaced
from krakenctl.plan.homes import recorded_as
from krakenctl.project import WORKSPACE_FILE, Project, open_project, read_workspace, without_manifests
from krakenctl.state.base import StateHome
from krakenctl.stores.base import Entry, Slot, Store
from krakenctl.wiring import opening


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    found: Labelled
    scale: NonceScale = NonceScale.UNKNOWN  # of what its consumer sends, as far as the manifests say
    record: RecordedKey | None = None
    gone: EndProof | None = None
    refusal: Refusal | None = None  # from this host; None: none, or it has answered since
    has_answered: bool = False  # from this host
    account: str = ""  # empty: nobody knows
    home: StateHome | None = None  # of what is remembered of that account

    def held(self, now: Callable[[], int]) -> Share | None:
        """What commands have heard of its account; None: nobody knows which that is."""
        return share_of(self.account, self.home, now) if self.account and self.home else None

    def against_it(self, now: int) -> str:
        """Why Kraken is likely to refuse it here, as far as it is recorded, as a clause; empty: nothing is."""
        if self.record is None:
            return ""
        spec = self.record.spec
        if self.gone is not None:
            return f"that it has ended was {self.gone.told}"
        if spec.has_ended(now):
            return f"its recorded end has passed ({show_time(spec.valid_until)})"
        only = f"it may be used from {', '.join(spec.ip_allowlist)} only"
        if self.refusal is not None:
            when = f"it was refused here on {show_time(self.refusal.at)} (“{self.refusal.said}”)"
            return f"{only}, and {when}" if spec.ip_allowlist else when
        if spec.ip_allowlist and not self.has_answered:
            return f"{only}, and has never answered from this machine"
        return ""


def of_address(root: Path, address: Address, environ: Mapping[str, str], now: Callable[[], int]) -> Kept:
    """The current generation of a key, as recorded, or else as declared. Raises KrakenctlError.

    `now`: unix seconds on the exchange's clock. It is asked only where its clock depends on that.
    """
    project = _project(root)
    open_store = opening.stores(project, environ)
    declared = project.desired.keys.get(address)
    home = opening.state_home(root, project.workspace.state, environ)
    memory = home.read()
    recorded = recorded_as(declared, memory.keys) if declared else memory.keys.get(address)
    place = recorded.secret if recorded else declared.secret if declared else None
    if place is None:
        raise _unknown(address, {*project.desired.keys, *(trace.address for trace in memory.traces)})
    if recorded and recorded.without_secret:
        raise CredentialMissing(f"{recorded.live_name} was {ADOPTED}", address=str(address))
    entry = entry_of(recorded, open_store) if recorded else _current(place, open_store)
    scale = declared.nonce if declared else NonceScale.UNKNOWN
    if recorded:
        scale = _clock(recorded, memory, project, now)
    found = _labelled(str(address), entry, place)
    public_key, here = found.pair.public_key, (found.pair.public_key, socket.gethostname())
    return Kept(
        found=found,
        scale=scale,
        record=recorded,
        gone=memory.gone.get(public_key),
        refusal=memory.refused.get(here),
        has_answered=here in memory.answered,
        account=address.path[0],
        home=home,
    )


def _unknown(address: Address, known: Collection[Address]) -> CredentialMissing:
    near = get_close_matches(str(address), sorted(map(str, known)), n=1, cutoff=0.75)
    return CredentialMissing(
        f"{address} is neither declared nor recorded here",
        hint=f"did you mean {near[0]}?" if near else "`krakenctl tree` shows what is",
        address=str(address),
    )


def of_place(root: Path, place: SecretRef, environ: Mapping[str, str], now: Callable[[], int]) -> Kept:
    """What a store keeps as current at a path. Raises KrakenctlError. `now`: see `of_address`."""
    project = _project(root)
    entry = _current(place, opening.stores(project, environ))
    scale, account = NonceScale.UNKNOWN, ""
    home = opening.state_home(root, project.workspace.state, environ)
    with suppress(KeyError, ValueError, KrakenctlError):
        address = Address.parse(entry.address if entry else "")
        account, memory = address.path[0], home.read()
        recorded = memory.keys[address]
        if entry and entry.live_name == recorded.live_name:
            scale = _clock(recorded, memory, project, now)
    found = _labelled(f"{place.store}:{place.path}", entry, place)
    return Kept(found=found, scale=scale, account=account, home=home)


def pair_at(root: Path, place: SecretRef, environ: Mapping[str, str]) -> Labelled:
    """The pair alone."""
    entry = _current(place, opening.stores(_project(root), environ))
    return _labelled(f"{place.store}:{place.path}", entry, place)


def _clock(record: RecordedKey, memory: Recorded, project: Project, now: Callable[[], int]) -> NonceScale:
    key = declared_as(record.address, project.desired.keys)
    at = now() if key is not None and key.nonce is not record.nonce else 0  # else it is the same at any time
    seen = memory.seen().get(record.public_key, 0)
    return clock_of(record, key, at, seen=seen, is_replaced=is_replaced(record, memory.intents))


def share_of(account: str, home: StateHome, now: Callable[[], int]) -> Share:
    """What is remembered of an account, for a command that asks a key of it and holds no stores."""
    estate = Estate(
        recorded=home.read,
        declared={},
        open_store=_no_store,
        host=socket.gethostname(),
        now=now,
        jot=home.jot,
        holding=lambda: None,
    )
    return estate.of(account)


def shares_of(root: Path, public_keys: Collection[str], now: Callable[[], int]) -> dict[str, Share]:
    """By public key, of those that the workspace in `root` manages: what is remembered of their accounts.

    Where it cannot be read, whoever asks the keys is none the wiser.
    """
    with suppress(KrakenctlError):
        if (root / WORKSPACE_FILE).is_file():
            home = opening.state_home(root, read_workspace(root).state, os.environ)
            memory = home.read()
            ours = [each for each in memory.traces if each.public_key in public_keys]
            shares = {account: share_of(account, home, now) for account in {each.account for each in ours}}
            return {each.public_key: shares[each.account] for each in ours}
    return {}


def _no_store(name: str) -> Store:
    raise StoreError(f"the store {name} is not open")


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
    return Labelled(label=label, pair=entry.pair, named=True)
