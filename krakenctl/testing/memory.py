"""The smallest store and the smallest state that keep the contracts, in dictionaries. Nothing survives the process."""

from __future__ import annotations

from dataclasses import replace

from krakenctl.errors import StoreError
from krakenctl.model.address import Address
from krakenctl.model.recorded import Intent, Recorded, RecordedAccount, RecordedKey
from krakenctl.stores.base import Entry, Slot


class MemoryStore:
    """See `krakenctl.stores.base.Store`."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, Slot], Entry] = {}

    def prove_writable(self) -> None:
        pass

    def put(self, path: str, slot: Slot, entry: Entry) -> None:
        self._kept[path, slot] = entry

    def get(self, path: str, slot: Slot) -> Entry | None:
        return self._kept.get((path, slot))

    def exists(self, path: str, slot: Slot) -> bool:
        return (path, slot) in self._kept

    def promote(self, path: str) -> None:
        pending, current = self.get(path, Slot.PENDING), self.get(path, Slot.CURRENT)
        if pending is None and current is None:
            raise StoreError(f"nothing was ever put into {path}, so there is nothing to promote")
        if pending is None:
            return
        if current is not None:
            self.put(path, Slot.PREVIOUS, current)
        self.put(path, Slot.CURRENT, pending)
        self.remove(path, Slot.PENDING)

    def remove(self, path: str, slot: Slot) -> None:
        self._kept.pop((path, slot), None)


class MemoryState:
    """See `krakenctl.state.base.State`."""

    def __init__(self, lineage: str = "in-memory") -> None:
        self._lineage = lineage
        self._accounts: dict[str, RecordedAccount] = {}
        self._keys: dict[tuple[Address, str], RecordedKey] = {}
        self._intents: dict[tuple[Address, str], Intent] = {}
        self._generations: dict[Address, int] = {}

    def read(self) -> Recorded:
        keys = [self._keys[handle] for handle in sorted(self._keys)]
        return Recorded(
            lineage=self._lineage,
            accounts=dict(self._accounts),
            keys={key.address: key for key in keys if not key.retired_until},
            retired=tuple(key for key in keys if key.retired_until),
            intents=tuple(self._intents[handle] for handle in sorted(self._intents)),
            generations=dict(self._generations),
        )

    def remember_account(self, account: RecordedAccount) -> None:
        self._accounts[account.name] = account

    def begin(self, intent: Intent) -> None:
        self._intents[intent.address, intent.live_name] = intent
        self._burn(intent.address, intent.generation)

    def advance(self, address: Address, live_name: str, stage: str) -> None:
        intent = self._intents.get((address, live_name))
        if intent is not None:
            self._intents[address, live_name] = replace(intent, stage=stage)

    def promote(self, key: RecordedKey, retired: RecordedKey | None, former: Address | None = None) -> None:
        self.update(key, former)
        if retired is not None:
            self._put(retired)
        self._intents.pop((key.address, key.live_name), None)
        self._burn(key.address, key.generation)

    def update(self, key: RecordedKey, former: Address | None = None) -> None:
        if former is not None:
            self.forget(former)
        if not key.retired_until:
            self.forget(key.address)
        self._put(key)

    def revoked(self, address: Address, live_name: str) -> None:
        self._keys.pop((address, live_name), None)
        self._intents.pop((address, live_name), None)

    def forget(self, address: Address) -> None:
        current = self.read().keys.get(address)
        if current is not None:
            del self._keys[address, current.live_name]

    def close(self) -> None:
        pass

    def _put(self, key: RecordedKey) -> None:
        self._keys[key.address, key.live_name] = key

    def _burn(self, address: Address, generation: int) -> None:
        self._generations[address] = max(generation, self._generations.get(address, 0))
