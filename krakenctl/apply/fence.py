"""Leave is asked right before everything that changes an exchange or a store: of the lease, and of the kill switch.

The journal may be ahead of the deeds, never behind. To keep a secret and to take rights away is never refused by the
kill switch: it finishes what is in hand.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from krakenctl.apply.ports import Ports
from krakenctl.errors import Contained, StateError
from krakenctl.model.human import Mended, Revocation
from krakenctl.model.key import IssuedKey, KeyPair, KeySpec, LiveKey
from krakenctl.model.plan import Verb
from krakenctl.stores.base import Entry, Slot, Store
from krakenctl.surfaces.base import Listing, Master, Surface

Check = Callable[[], None]  # raises LeaseLost, Contained or StateError


def fenced(ports: Ports) -> Ports:
    """The same ports, through which nothing is changed without leave."""
    check = ports.state.check
    return replace(
        ports,
        surface=lambda name: FencedSurface(ports.surface(name), check),
        master=lambda name: FencedMaster(ports.master(name), check),
        store=lambda name: FencedStore(ports.store(name), check),
    )


class FencedSurface:
    """See `surfaces.base.Surface`."""

    def __init__(self, surface: Surface, check: Check) -> None:
        self._surface = surface
        self._check = check

    def iiban(self) -> str:
        return self._surface.iiban()

    def list_keys(self) -> Listing:
        return self._surface.list_keys()

    def issue(self, name: str, spec: KeySpec) -> IssuedKey:
        self._check()
        return self._surface.issue(name, spec)

    def update(self, name: str, spec: KeySpec) -> None:
        self._check()
        self._surface.update(name, spec)

    def revoke(self, name: str) -> Revocation:
        with suppress(Contained):
            self._check()
        return self._surface.revoke(name)

    def ready(self, verb: Verb, name: str) -> None:
        self._surface.ready(verb, name)

    def amend(self, name: str, spec: KeySpec, wrong: tuple[str, ...]) -> Mended | None:
        self._check()
        return self._surface.amend(name, spec, wrong)

    def accept(self, name: str, spec: KeySpec, why: str) -> str:
        return self._surface.accept(name, spec, why)

    def inspect(self, pair: KeyPair, nonce: int) -> LiveKey:
        return self._surface.inspect(pair, nonce)

    def take_request(self) -> str:
        return self._surface.take_request()


class FencedMaster:
    """See `surfaces.base.Master`."""

    def __init__(self, master: Master, check: Check) -> None:
        self._master = master
        self._check = check

    def request_subaccount(self, username: str, email: str) -> None:
        self._check()
        self._master.request_subaccount(username, email)

    def take_request(self) -> str:
        return self._master.take_request()


class FencedStore:
    """See `stores.base.Store`."""

    def __init__(self, store: Store, check: Check) -> None:
        self._store = store
        self._check = check

    def prove_writable(self) -> None:
        self._store.prove_writable()

    def put(self, path: str, slot: Slot, entry: Entry) -> None:
        """What was issued is kept although the state cannot be asked: nobody would ever see the secret again."""
        with suppress(Contained, *([StateError] if slot is Slot.PENDING else [])):
            self._check()
        self._store.put(path, slot, entry)

    def get(self, path: str, slot: Slot) -> Entry | None:
        return self._store.get(path, slot)

    def exists(self, path: str, slot: Slot) -> bool:
        return self._store.exists(path, slot)

    def promote(self, path: str, live_name: str) -> None:
        with suppress(Contained):
            self._check()
        self._store.promote(path, live_name)

    def remove(self, path: str, slot: Slot) -> None:
        with suppress(Contained):
            self._check()
        self._store.remove(path, slot)
