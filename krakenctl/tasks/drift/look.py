"""Live against recorded against desired: reads exchange, state and stores, and changes none of them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from krakenctl.errors import KrakenctlError, UsageError
from krakenctl.model.address import Address
from krakenctl.model.desired import SecretRef
from krakenctl.model.drift import Drift, Drifted, Kind
from krakenctl.stores.base import Slot, Store
from krakenctl.tasks import remembered
from krakenctl.tasks.drift.compare import compare, sights
from krakenctl.tasks.drift.scene import UNKNOWN, DriftScene, Slots
from krakenctl.workflow import open_desk

if TYPE_CHECKING:
    from krakenctl.model.desired import Desired
    from krakenctl.model.recorded import Recorded
    from krakenctl.project import Project

_EDITS = ('"verb":"update"', '"verb":"retire"')  # in lines of the audit log: what changes a key after its issue
READ = 1000  # keys whose slots are read; of more, only whether the current one is taken

OpenStore = Callable[[str], Store]  # by name; raises KrakenctlError


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """`addresses`: only these keys; empty: all. `under`: only this account and those below it; empty: all."""

    addresses: tuple[Address, ...] = ()
    under: str = ""
    within: int
    ignore: frozenset[Kind] = frozenset()


def drift(
    project: Project,
    question: Question,
    *,
    parallelism: int | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Drifted:
    """Raises UsageError where it names nothing that there is, and what `plan` raises."""
    with open_desk(project, parallelism=parallelism, named=question.addresses, say=say) as desk:
        picture = desk.picture(lambda recorded: _only(project.desired, recorded, question))
        recorded, held = picture.recorded, desk.running()
        only = _only(project.desired, recorded, question)
        slots, unread = _slots(project.desired, recorded, only, picture.store)
        scene = DriftScene(
            desired=project.desired,
            recorded=recorded,
            live=picture.live,
            plan=picture.plan,
            tag=project.workspace.tag,
            now=picture.plan.now,
            within=question.within,
            slots=slots,
            stopped=picture.stopped,
            running=held.sentence() if held else "",
        )
    found = [each for each in compare(scene, only) if _is_about(each, question.addresses)]
    return _told(scene, question, only, _with_edits(found, project.root), unread)


def _told(
    scene: DriftScene, question: Question, only: Collection[str] | None, found: list[Drift], unread: tuple[str, ...]
) -> Drifted:
    left = [each for each in found if each.kind in question.ignore]
    plan = scene.plan
    return Drifted(
        workspace=plan.workspace,
        endpoint=plan.endpoint,
        at=scene.now,
        drifts=tuple(each for each in found if each.kind not in question.ignore),
        sights=sights(scene, only),
        ignored=dict(Counter(each.kind.value for each in left)),
        adopted=tuple(_adopted(scene.recorded, question, only)),
        unread=unread,
        flags=plan.flags if only is None else "",  # a limit is about a plan as a whole
    )


def _adopted(recorded: Recorded, question: Question, only: Collection[str] | None) -> Iterator[str]:
    for address, key in sorted(recorded.keys.items()):
        is_asked = address in question.addresses if question.addresses else only is None or key.account in only
        if key.without_secret and is_asked:
            yield key.live_name


def _is_about(drift: Drift, addresses: Collection[Address]) -> bool:
    """What concerns the whole account concerns each of its keys."""
    return not addresses or drift.address in addresses or drift.kind in (Kind.UNSEEN, Kind.ACCOUNT)


def _with_edits(found: list[Drift], root: Path) -> list[Drift]:
    """When each changed key was last edited by us, where that was after its issue. The log is read only for these."""
    names = {(drift.account, drift.name) for drift in found if drift.kind is Kind.CHANGED}
    edits = _edits(names, root) if names else {}
    return [replace(drift, sent=max(drift.sent, edits.get((drift.account, drift.name), 0))) for drift in found]


def _edits(names: Collection[tuple[str, str]], root: Path) -> dict[tuple[str, str], int]:
    edits = {}
    with remembered.look(root) as state:
        for line in state.log.lines() if state else ():
            if any(edit in line for edit in _EDITS):
                told = json.loads(line)
                if (key := (told.get("account", ""), told.get("name", ""))) in names and told["outcome"] == "done":
                    edits[key] = int(told["at"])
    return edits


# Which accounts


def _only(desired: Desired, recorded: Recorded, question: Question) -> frozenset[str] | None:
    """The accounts that are asked about; None: all. Raises UsageError for what nobody knows."""
    known = {*desired.accounts, *(trace.account for trace in recorded.traces)}
    names = {_account_of(address, desired, recorded) for address in question.addresses}
    if question.under:
        below = _below(question.under, desired, known)
        names = names & below if names else below
        if not names:
            raise UsageError(f"none of these addresses lies under {question.under}")
    return frozenset(names) if names else None


def _account_of(address: Address, desired: Desired, recorded: Recorded) -> str:
    if address.kind == "ApiKey":
        if address in desired.keys or any(trace.address == address for trace in recorded.traces):
            return address.path[0]
    elif address.name in desired.accounts or address.name in recorded.accounts:
        return address.name
    raise UsageError(f"nothing is declared or recorded as {address}", hint="`krakenctl tree` draws what is declared")


def _below(node: str, desired: Desired, known: Collection[str]) -> set[str]:
    name = node.removeprefix("Account/").removeprefix("SubAccount/")
    if name not in known:
        raise UsageError(f"no account is called “{name}”", hint=f"there are {', '.join(sorted(known))}")
    return {name, *(each.name for each in desired.accounts.values() if each.master == name)}


# Stores


def _slots(
    desired: Desired, recorded: Recorded, only: Collection[str] | None, open_store: OpenStore
) -> tuple[Mapping[Address, Slots], tuple[str, ...]]:
    """By address, and which stores could not be looked into. What lies in a slot costs a decryption each."""
    places = {address: key.secret for address, key in desired.keys.items()}
    places |= {address: record.secret for address, record in recorded.keys.items()}
    asked = {address: place for address, place in places.items() if only is None or address.path[0] in only}
    shelves = _Shelves(open_store, thorough=len(asked) <= READ)
    found = {address: slots for address, place in asked.items() if (slots := shelves.slots(place)) is not None}
    return found, tuple(shelves.broken.values())


class _Shelves:
    """Stores by name. One that cannot be used is asked once, and would say the same of every other key."""

    def __init__(self, open_store: OpenStore, *, thorough: bool) -> None:
        self.broken: dict[str, str] = {}
        self._open = open_store
        self._thorough = thorough

    def slots(self, place: SecretRef) -> Slots | None:
        """None: nobody can tell."""
        if place.store in self.broken:
            return None
        try:
            store = self._open(place.store)
            taken = [slot for slot in self._wanted() if store.exists(place.path, slot)]
        except KrakenctlError as problem:
            self.broken[place.store] = f"the store {place.store} cannot be looked into: {problem.message}"
            return None
        return Slots(**{slot.value: self._name(store, place.path, slot) for slot in taken})

    def _wanted(self) -> Iterable[Slot]:
        return Slot if self._thorough else (Slot.CURRENT,)

    def _name(self, store: Store, path: str, slot: Slot) -> str:
        """Only the name of what lies there is kept."""
        if self._thorough:
            with suppress(KrakenctlError):  # it is there, which is enough to say of it
                entry = store.get(path, slot)
                return entry.live_name if entry else ""
        return UNKNOWN
