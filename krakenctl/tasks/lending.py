"""Key pairs for a program that is about to run: looked up in the store, and in nothing that may be down.

Neither the exchange nor a state has to be there: manifests name the place of a secret, or else the state does. Where
the state can be read, it says which keys have ended. Nothing is written, and no lease is needed: a program that starts
must not wait for an apply.
"""

from __future__ import annotations

import difflib
import os
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from queue import Empty, SimpleQueue

from krakenctl import project
from krakenctl.errors import InvalidManifests, KrakenctlError, NoKey
from krakenctl.model.address import Address
from krakenctl.model.desired import DesiredKey, SecretRef
from krakenctl.model.key import KeyPair
from krakenctl.model.recorded import Recorded, RecordedKey
from krakenctl.model.time import show_time
from krakenctl.plan.homes import recorded_as
from krakenctl.project import Project
from krakenctl.stores.base import Entry, Slot
from krakenctl.tasks import remembered
from krakenctl.wiring import opening

PATIENCE = 3.0  # seconds that a state may take to answer: one that is down must not keep a program from starting
_OURS = "KRAKENCTL_"  # our own settings, some of them secret
_COERCED = ("C.UTF-8", "C.utf8", "UTF-8")  # what Python sets LC_CTYPE to


@dataclass(frozen=True, slots=True, kw_only=True)
class Loan:
    address: Address
    live_name: str
    pair: KeyPair
    remarks: tuple[str, ...] = ()  # what whoever runs the program should know


class Lender:
    """For one workspace. Raises NoKey, or what keeps the workspace or a store from being read."""

    def __init__(self, root: Path, environ: Mapping[str, str]) -> None:
        self._root = root
        self._environ = environ
        self._project, self._problem = _opened(root)
        self._store = opening.stores(self._project, environ)

    def lend(self, address: Address, slot: Slot = Slot.CURRENT) -> Loan:
        place = self._place(address)
        self._refuse_contained(address)
        self._refuse_adopted(address, slot)
        entry = self._store(place.store).get(place.path, slot)
        if entry is None:
            raise self._nothing(address, place, slot)
        if entry.address != str(address) and not self._is_former(address, entry):
            raise NoKey(f"{place.path} in the store {place.store} holds the secret of {entry.address}")
        remarks = tuple(self._remarks(address, entry, slot))
        return Loan(address=address, live_name=entry.live_name, pair=entry.pair, remarks=remarks)

    @cached_property
    def known(self) -> frozenset[Address]:
        """Every key that may be meant."""
        memory = self._recorded
        traces = (*(trace.address for trace in memory.traces), *memory.contained) if memory else ()
        return frozenset(address for address in (*self._declared, *traces) if address.kind == "ApiKey")

    @property
    def variables(self) -> frozenset[str]:
        """The environment variables that hold credentials of krakenctl's own, whichever account's."""
        memory, workspace = self._recorded, self._project.workspace
        references = [workspace.state.dsn, *(store.identity for store in workspace.stores.values())]
        for account in (*self._project.desired.accounts.values(), *(memory.accounts.values() if memory else ())):
            refs = workspace.credentials_of(account.name, account.username)
            references += [refs.token, refs.api_key]
        return frozenset(reference.removeprefix("env:") for reference in references if reference.startswith("env:"))

    def _place(self, address: Address) -> SecretRef:
        if (key := self._declared.get(address)) is not None:
            return key.secret
        memory = self._recorded
        if memory is not None and (trace := _trace(memory, address)) is not None:
            return trace.secret
        self._refuse_contained(address)
        raise self._unknown(address)

    def _unknown(self, address: Address) -> KrakenctlError:
        if self._problem is not None:  # it may well be declared: nobody can tell
            return self._problem
        near = difflib.get_close_matches(str(address), [str(each) for each in self.known], n=1, cutoff=0.75)
        hint = f"did you mean {near[0]}?" if near else "`krakenctl tree` draws all keys"
        return NoKey(f"there is no {address} in the manifests, nor in the state", hint=hint)

    def _refuse_contained(self, address: Address) -> None:
        by = self._recorded.contained.get(address) if self._recorded else None
        if by is not None:
            why = f": {by.reason}" if by.reason else ""
            raise NoKey(
                f"{address} was revoked with the kill switch by {by.who} at {show_time(by.at)}{why}",
                hint="`krakenctl plan` says what has to be allowed before there is a new one",
            )

    def _refuse_adopted(self, address: Address, slot: Slot) -> None:
        current = self._current(address)
        if current is not None and current.without_secret and slot is Slot.CURRENT:
            raise NoKey(
                f"{current.live_name} was adopted without its secret: that was never here, only its consumer has it",
                hint=f"`krakenctl rotate {address}` replaces it with a key whose secret is kept here",
            )

    def _nothing(self, address: Address, place: SecretRef, slot: Slot) -> NoKey:
        where = f"the slot {slot} of {place.path} in the store {place.store} is empty"
        memory = self._recorded
        if new := self._unlooked(address) if slot is Slot.CURRENT else None:
            return NoKey(f"{new.why}: {where}", hint=f"{new.do}; a program can have it then")
        if memory is not None and _trace(memory, address) is None and slot is Slot.CURRENT:
            return NoKey(f"{address} was never issued: {where}", hint="`krakenctl apply` issues it")
        if slot is not Slot.CURRENT:
            return NoKey(f"{where}: {address} has no {slot} key at the moment", hint="leave --slot out for the current")
        return NoKey(
            f"{where}, as this host sees it", hint="all hosts share the stores of a workspace: copy or pull the secrets"
        )

    def _unlooked(self, address: Address) -> remembered.Unlooked | None:
        name, memory = address.path[0], self._recorded
        if memory is None:
            return None
        account = self._project.desired.accounts.get(name) or memory.accounts.get(name)
        return remembered.unlooked(memory, address, account.surface) if account else None

    def _remarks(self, address: Address, entry: Entry, slot: Slot) -> Iterable[str]:
        """What the state knows of this very key. Raises NoKey of one that has ended."""
        memory = self._recorded
        if memory is None or not memory.lineage:
            how = "cannot be read" if memory is None else "is lost, or not on this host"
            return [f"the state {how}, so nobody checked whether {entry.live_name} has been replaced or revoked"]
        current = self._current(address)
        if current is not None and current.live_name == entry.live_name:
            return _end(current, self._now)
        name = (address.path[0], entry.live_name)  # which is unique within an account
        retired = next((key for key in memory.retired if (key.account, key.live_name) == name), None)
        if retired is not None and retired.retired_until > self._now:
            return [f"{entry.live_name} has been replaced, and ends {show_time(retired.retired_until)}"]
        if slot is Slot.PENDING:
            return [f"{entry.live_name} is not the current key yet: nobody may have checked what it can do"]
        if any((intent.account, intent.live_name) == name for intent in memory.intents):
            return []  # a run is about to record it
        raise NoKey(f"{entry.live_name} was replaced or revoked, and its time is over", hint=_after(current, slot))

    @cached_property
    def _now(self) -> int:
        with suppress(KrakenctlError):  # of a sandbox that is damaged
            return remembered.offline_now(self._root)
        return int(time.time())

    @cached_property
    def _recorded(self) -> Recorded | None:
        """None: it cannot be read from here, which stops nobody."""
        settings, environ = self._project.workspace.state, self._environ
        return _within(PATIENCE, lambda: opening.state_home(self._root, settings, environ).read())

    @property
    def _declared(self) -> Mapping[Address, DesiredKey]:
        """Nothing where a mistake in a manifest hides it all: then the state has to know."""
        return self._project.desired.keys

    def _current(self, address: Address) -> RecordedKey | None:
        """As far as the state can be read. Between a rename and its apply, that has it under the address before."""
        memory, key = self._recorded, self._declared.get(address)
        if memory is None:
            return None
        return recorded_as(key, memory.keys) if key else memory.keys.get(address)

    def _is_former(self, address: Address, entry: Entry) -> bool:
        """Whether the key had the address that the store remembers when it was issued."""
        key = self._declared.get(address)
        if key is not None and entry.address in map(str, key.formerly):
            return True
        record = self._current(address)
        return record is not None and record.live_name == entry.live_name


def _within(seconds: float, read: Callable[[], Recorded]) -> Recorded | None:
    """None: it failed, or has not come to an end by then. Whatever still waits ends when we become the program."""
    told: SimpleQueue[Recorded | None] = SimpleQueue()

    def ask() -> None:
        found = None
        with suppress(KrakenctlError):  # the program starts all the same
            found = read()
        told.put(found)

    threading.Thread(target=ask, daemon=True).start()
    try:
        return told.get(timeout=seconds)
    except Empty:
        return None


def _opened(root: Path) -> tuple[Project, KrakenctlError | None]:
    """A mistake in a manifest must not keep a program from starting."""
    try:
        return project.open_project(root), None
    except InvalidManifests as problem:
        return project.without_manifests(root), problem


def slot(text: str) -> Slot:
    """Raises ValueError with a sentence."""
    try:
        return Slot(text)
    except ValueError:
        raise ValueError(f"there is no slot “{text}”: write current, pending or previous") from None


def as_started(environ: Mapping[str, str]) -> dict[str, str]:
    """As whoever started us had it: where the locale is C, Python sets LC_CTYPE for itself and whatever it starts (PEP
    538). Where the system does not tell what we were started with, it stays: it may be theirs."""
    if environ.get("LC_CTYPE") not in _COERCED:
        return dict(environ)
    given = _given("LC_CTYPE", environ["LC_CTYPE"])
    rest = {name: value for name, value in environ.items() if name != "LC_CTYPE"}
    return rest if given is None else {**rest, "LC_CTYPE": given}


def _given(name: str, otherwise: str) -> str | None:
    """A variable as this process was started with it; None: without it. `otherwise`: where nobody can tell."""
    mark = os.fsencode(name) + b"="
    try:
        started = Path("/proc/self/environ").read_bytes().split(b"\0")
    except OSError:
        return otherwise
    return next((os.fsdecode(each.removeprefix(mark)) for each in started if each.startswith(mark)), None)


def without_ours(environ: Mapping[str, str], secret: Collection[str], keep: Collection[str]) -> dict[str, str]:
    """An environment for another program: without our settings, and without these `secret` variables."""
    return {
        name: value for name, value in environ.items() if name in keep or not (name.startswith(_OURS) or name in secret)
    }


def _trace(memory: Recorded, address: Address) -> RecordedKey | None:
    retired = (key for key in memory.retired if key.address == address)
    return memory.keys.get(address) or next(retired, None)


def _end(record: RecordedKey, now: int) -> list[str]:
    spec = record.spec
    return [f"{record.live_name} has expired at {show_time(spec.valid_until)}"] if spec.has_ended(now) else []


def _after(current: RecordedKey | None, slot: Slot) -> str:
    if current is None:
        return "it is not issued any more; `krakenctl plan` shows what is"
    if slot is not Slot.CURRENT:
        return "leave --slot out for the current one"
    return f"{current.live_name} is the current one: copy or pull the secrets to this host"


def pair_variables(loan: Loan, key_name: str, secret_name: str) -> dict[str, str]:
    """For the environment of one program. To be called where it goes there, and kept in no variable."""
    return {key_name: loan.pair.public_key, secret_name: loan.pair.secret.reveal()}
