"""The state is lost: put it together again from what exchange and stores still hold. Changes neither of the two."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from krakenctl.errors import StateError, StoreError, UsageError
from krakenctl.model.desired import SecretRef
from krakenctl.model.live import LiveAccount
from krakenctl.model.rebuilt import Evidence, Heard, Kept, Rebuilt
from krakenctl.model.recorded import Recorded
from krakenctl.model.run import Deed, Run
from krakenctl.plan.names import carries_tag
from krakenctl.plan.rebuild.memory import rebuild
from krakenctl.plan.rebuild.places import places
from krakenctl.state.base import State
from krakenctl.stores.base import Entry, Slot, Store

if TYPE_CHECKING:
    from krakenctl.project import Project

OpenStore = Callable[[str], Store]  # by name; raises KrakenctlError
Evidences = Mapping[SecretRef, tuple[Kept, ...]]
# What is kept, and of which lineage ours is → every account, and what the keys say that a person made.
Recollect = Callable[[Evidences, str], tuple[Mapping[str, LiveAccount], tuple[Heard, ...]]]


def has_content(recorded: Recorded) -> bool:
    """Whether there is anything to lose: accounts alone are found again."""
    return bool(recorded.traces or recorded.generations)


def refuse_content(recorded: Recorded) -> None:
    """A state that remembers keys is better than any that is rebuilt. Burned numbers outlive it. Raises StateError."""
    if recorded.traces:
        raise StateError(
            "this workspace has a state, and it remembers keys; nothing was done",
            hint="`krakenctl state list` shows them; add --replace to rebuild it all the same (a copy is kept)",
        )


def draw(
    project: Project,
    recorded: Recorded,
    live: Mapping[str, LiveAccount],
    open_store: OpenStore,
    *,
    now: int,
    lineage: str,
    recollect: Recollect,
    without_secrets: bool = False,
) -> Rebuilt:
    """What would be recorded. `lineage`: whose keys are ours, where the stores hold keys of several; empty: find out.

    `recorded`: a state that is doubted; what it has handed over, says is under way, and says was adopted without its
    secret, is taken over.
    `live`: the accounts that have a list of their keys; `recollect` gives all, and what keys without one say.
    Raises StoreError when a store cannot be read here, or holds nothing at all: what is in it would be taken for lost.
    `without_secrets`: somebody knows that nothing is.
    """
    default_store = project.workspace.default_store
    kept = _kept(places(project.desired, default_store), open_store)
    if not kept and not without_secrets:
        _refuse_empty_stores(live, project.workspace.tag)
    lineage = _lineage(kept, lineage)
    live, heard = recollect(kept, lineage)
    return rebuild(
        Evidence(
            desired=project.desired,
            live=live,
            kept=kept,
            default_store=default_store,
            tag=project.workspace.tag,
            lineage=lineage,
            heard=heard,
            now=now,
            lost=not has_content(recorded),
            given=recorded.given,
            begun=recorded.intents,
            adopted=tuple(key for key in recorded.keys.values() if key.without_secret),
        )
    )


def _refuse_empty_stores(live: Mapping[str, LiveAccount], tag: str) -> None:
    """Then every live key would be left alone, and a new one issued beside it once somebody revokes it."""
    if ours := sum(carries_tag(key.name, tag) for account in live.values() for key in account.keys):
        raise StoreError(
            f"live keys with this workspace's tag: {ours}; and the stores hold the secret of none; nothing was done",
            hint="bring the stores' folders back; or add --without-secrets, if they are gone for good: then these keys"
            " are left alone, for you to revoke",
        )


def write(state: State, run: Run, rebuilt: Rebuilt, now: int) -> str:
    """Remember it, on the record: the log says what was not known before anything depends on it.

    Returns what the copy of the state before is called; empty: it remembered no key, and there is none.
    """
    aside = state.set_aside() if has_content(state.read()) else ""
    deed = Deed(at=now, run=run, verb="rebuild", outcome="begun", message=_summary(rebuilt))
    state.log.append(deed)
    for note in rebuilt.notes:
        about = f"{note.about}: " if note.about else ""
        state.log.append(replace(deed, outcome=note.sort.value, message=f"{about}{note.message}"))
    state.restore(rebuilt.recorded)
    state.log.append(replace(deed, outcome="done", message=f"the state before is kept as {aside}" if aside else ""))
    return aside


def _summary(rebuilt: Rebuilt) -> str:
    recorded = rebuilt.recorded
    found = {"current": len(recorded.keys), "replaced": len(recorded.retired), "unfinished": len(recorded.intents)}
    told = ", ".join(f"{number} {sort}" for sort, number in found.items())
    return f"the state is rebuilt from exchange and stores; keys: {told}; not known: {len(rebuilt.unknown)}"


def _lineage(kept: Evidences, wish: str) -> str:
    """Raises UsageError when it has to be asked."""
    found = Counter(one.lineage for entries in kept.values() for one in entries)
    if wish and found and wish not in found:
        raise UsageError(f"no slot holds a key of the lineage {wish}; nothing was done", hint=_choose(found))
    if not wish and len(found) > 1:
        raise UsageError(f"the stores hold keys of {len(found)} lineages; nothing was done", hint=_choose(found))
    return wish or next(iter(found), "")


def _choose(found: Counter[str]) -> str:
    counted = ", ".join(f"{lineage} ({number} slots)" for lineage, number in found.most_common())
    return f"say with --lineage whose keys are this workspace's: {counted}"


def _kept(refs: Iterable[SecretRef], open_store: OpenStore) -> Evidences:
    return {ref: kept for ref in refs if (kept := tuple(_slots(ref, open_store)))}


def _slots(ref: SecretRef, open_store: OpenStore) -> Iterator[Kept]:
    try:
        store = open_store(ref.store)
        for slot in Slot:
            if (entry := store.get(ref.path, slot)) is not None:
                yield _without_secret(ref, slot, entry)
    except StoreError as problem:
        message = f"{problem.message}; what cannot be read would be taken for lost, so nothing was done"
        raise StoreError(message, hint=problem.hint) from None


def _without_secret(ref: SecretRef, slot: Slot, entry: Entry) -> Kept:
    return Kept(
        place=ref,
        slot=slot.value,
        address=entry.address,
        lineage=entry.lineage,
        live_name=entry.live_name,
        generation=entry.generation,
        created=entry.created,
        public_key=entry.public_key,
        spec=entry.spec,
    )
