"""Under which address a key is managed, and where its secret is kept. Reads stores; writes nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

from krakenctl.errors import KrakenctlError
from krakenctl.model.address import Address, key_address
from krakenctl.model.description import NonceScale
from krakenctl.model.desired import SecretRef
from krakenctl.model.finding import Finding
from krakenctl.model.importing import LeftOut
from krakenctl.model.key import KeyPair, LiveKey
from krakenctl.model.recorded import RecordedKey
from krakenctl.stores.base import Slot, Store
from krakenctl.tasks.importing import naming
from krakenctl.tasks.importing.draft import KeyDraft
from krakenctl.tasks.importing.ground import ImportGround


class Wanted(NamedTuple):
    """A key that is to be managed."""

    label: str
    live: LiveKey
    pair: KeyPair | None = None  # None: only its consumer has it
    scale: NonceScale = NonceScale.UNKNOWN
    findings: tuple[Finding, ...] = ()
    second_factor: bool = False
    is_scale_known: bool = False


@dataclass(frozen=True, slots=True)
class Placing:
    """`open_store`: None where it is not made yet. `to`: the addresses that the user gave, by label."""

    ground: ImportGround
    open_store: Callable[[str], Store | None]
    to: Mapping[str, Address]

    def of(self, account: str, wanted: Wanted, placed: Collection[str]) -> KeyDraft | LeftOut:
        """`placed`: names on that account that other keys of this import get."""
        if adopted := self._adopted(account, wanted):
            return self._at(wanted, adopted.address, adopted.secret, declared=True)
        begun = self._begun(account, wanted)
        if address := self.to.get(wanted.label, begun):
            return self._as_told(wanted, address, begun)
        return self._resumed(account, wanted) or self._anywhere(account, wanted, placed)

    def _begun(self, account: str, wanted: Wanted) -> Address | None:
        """The address under which an import was about to declare it that could not record it any more."""
        recorded = self.ground.recorded
        announced = (key for key in recorded.announced.values() if key.account == account)
        return next((key.address for key in announced if key.is_key(wanted.live)), None)

    def _adopted(self, account: str, wanted: Wanted) -> RecordedKey | None:
        """One that was adopted without the secret that is here now."""
        for record in self.ground.recorded.keys.values():
            same = record.live_name == wanted.live.name and record.created in (wanted.live.created, 0)
            if wanted.pair and record.without_secret and record.account == account and same:
                return record
        return None

    def _as_told(self, wanted: Wanted, address: Address, begun: Address | None) -> KeyDraft | LeftOut:
        if begun not in (None, address) and begun in self.ground.desired.keys:
            why = f"an interrupted import has declared it as {begun}: name it so, or take that manifest away first"
            return LeftOut(label=wanted.label, why=why)
        if address in {trace.address for trace in self.ground.recorded.traces}:
            return LeftOut(label=wanted.label, why=f"{address} is another key here already")
        declared = self.ground.desired.keys.get(address)
        place = declared.secret if declared else self._usual(*address.path)
        return self._at(wanted, address, place, declared=declared is not None)

    def _at(self, wanted: Wanted, address: Address, place: SecretRef, *, declared: bool) -> KeyDraft | LeftOut:
        if wanted.pair and self._keeps(place) not in ("", wanted.pair.public_key):
            return LeftOut(label=wanted.label, why=f"{place.store}:{place.path}, its place, keeps another secret")
        return _draft(address, wanted, place, declared=declared)

    def _resumed(self, account: str, wanted: Wanted) -> KeyDraft | None:
        """One that an import declared, and that it could not record any more."""
        for address in self._unrecorded(account):
            place = self.ground.desired.keys[address].secret
            if wanted.pair and self._keeps(place) == wanted.pair.public_key:
                return _draft(address, wanted, place, declared=True)
        return None

    def _anywhere(self, account: str, wanted: Wanted, placed: Collection[str]) -> KeyDraft:
        """Where its usual place keeps another key's secret, under another name."""
        taken = {address.name for address in self._addresses() if address.path[0] == account}
        half_done = set() if wanted.pair else {address.name for address in self._unrecorded(account)}
        occupied = {*(taken - half_done), *placed}
        while True:
            name = naming.key_name(wanted.label, wanted.live.name, occupied)
            place = self._usual(account, name)
            if wanted.pair is None or self._keeps(place) in ("", wanted.pair.public_key):
                return _draft(key_address(account, name), wanted, place, declared=name in half_done)
            occupied.add(name)

    def _usual(self, account: str, name: str) -> SecretRef:
        return SecretRef(self.ground.workspace.default_store, f"{account}/{name}")

    def _unrecorded(self, account: str) -> list[Address]:
        keys = self.ground.desired.keys.values()
        return [key.address for key in keys if key.account == account and key.address not in self.ground.recorded.keys]

    def _addresses(self) -> Iterator[Address]:
        recorded = self.ground.recorded
        yield from self.ground.desired.keys
        yield from (trace.address for trace in recorded.traces)
        yield from recorded.generations
        yield from recorded.contained

    def _keeps(self, place: SecretRef) -> str:
        """Whose public key; empty: nothing is there; `?`: something that cannot be read, or of another workspace."""
        store = self.open_store(place.store)
        if store is None or not any(store.exists(place.path, slot) for slot in Slot):
            return ""
        with suppress(KrakenctlError):  # whatever it is, it is not written over
            entry = store.get(place.path, Slot.CURRENT)
            lineage = self.ground.recorded.lineage
            if entry is not None and lineage in ("", entry.lineage):
                return entry.public_key
        return "?"


def _draft(address: Address, wanted: Wanted, place: SecretRef, *, declared: bool) -> KeyDraft:
    return KeyDraft(
        account=address.path[0],
        name=address.name,
        label=wanted.label,
        live=wanted.live,
        scale=NonceScale.UNKNOWN if wanted.second_factor else wanted.scale,
        is_scale_known=wanted.is_scale_known,
        secret=place,
        pair=wanted.pair,
        findings=wanted.findings,
        second_factor=wanted.second_factor,
        declared=declared,
    )
