"""What a workspace has of the account `acme`, in memory: records, secrets and what its commands have heard."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from krakenctl.model.address import Address, key_address
from krakenctl.model.description import NonceScale
from krakenctl.model.desired import DesiredKey, SecretRef
from krakenctl.model.journal import Intent, Stage
from krakenctl.model.key import KeyPair, KeySpec
from krakenctl.model.plan import Action, Change, NewKey, Strategy
from krakenctl.model.recorded import Recorded, RecordedKey
from krakenctl.observe.estate import Estate, Share
from krakenctl.state.base import State
from krakenctl.stores.base import Entry, Slot
from krakenctl.testing.memory import MemoryState, MemoryStore
from plan_builders import bot

ACCOUNT, HOST = "acme", "desk"


@dataclass
class Ours:
    now: Callable[[], int]  # unix seconds
    forgets: bool = False  # what is heard from now on can be written down nowhere
    host: str = HOST
    state: MemoryState = field(default_factory=MemoryState)
    store: MemoryStore = field(default_factory=MemoryStore)
    declared: dict[Address, DesiredKey] = field(default_factory=dict)

    def share(self) -> Share:
        """As a new command finds it."""
        estate = Estate(
            recorded=self.state.read,
            declared=self.declared,
            open_store=lambda _: self.store,
            host=self.host,
            holding=lambda: None,
            jot=self._jot,
            now=self.now,
        )
        return estate.of(ACCOUNT)

    @property
    def recorded(self) -> Recorded:
        return self.state.read()

    def record(self, name: str) -> RecordedKey:
        [found] = (each for each in self.recorded.traces if isinstance(each, RecordedKey) and each.live_name == name)
        return found

    def keep(self, name: str, pair: KeyPair, spec: KeySpec, scale: NonceScale, **more: object) -> None:
        """A key that is made, stored and recorded. `more`: fields of its record."""
        address, secret = _place(name)
        self._declare(address, scale)
        self.put(name, pair, spec)
        usual = RecordedKey(
            address=address,
            live_name=name,
            generation=1,
            created=0,
            public_key=pair.public_key,
            spec=spec,
            secret=secret,
            issued=0,
            nonce=scale,
        )
        self.state.update(replace(usual, **more))  # type: ignore[arg-type]

    def begin(self, name: str, pair: KeyPair, spec: KeySpec, scale: NonceScale) -> None:
        """A key that is made and stored, and that nobody uses yet."""
        address, secret = _place(name)
        self._declare(address, scale)
        self.put(name, pair, spec, Slot.PENDING)
        change = Change(
            address=address,
            account=ACCOUNT,
            action=Action.CREATE,
            strategy=Strategy.CREATE_FIRST,
            new=NewKey(name=name, generation=1, spec=spec, valid_for=None),
            secret=secret,
            nonce=scale,
        )
        self.state.begin(Intent(change=change, began=0, stage=Stage.STORED, sent=spec, public_key=pair.public_key))

    def put(self, name: str, pair: KeyPair, spec: KeySpec, slot: Slot = Slot.CURRENT) -> None:
        address, secret = _place(name)
        entry = Entry(
            address=str(address),
            lineage="",
            live_name=name,
            generation=1,
            created=0,
            public_key=pair.public_key,
            secret=pair.secret,
            spec=spec,
        )
        self.store.put(secret.path, slot, entry)

    def _declare(self, address: Address, scale: NonceScale) -> None:
        self.declared[address] = bot(address.name, ACCOUNT, consumer_nonce=scale.value)

    def _jot(self, deed: Callable[[State], None]) -> bool:
        if not self.forgets:
            deed(self.state)
        return not self.forgets


def _place(name: str) -> tuple[Address, SecretRef]:
    return key_address(ACCOUNT, name.partition(".")[0]), SecretRef("main", name)
