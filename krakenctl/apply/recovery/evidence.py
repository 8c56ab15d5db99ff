"""How each intent stands: what the store keeps of it, what is recorded beside it, and what is to be done about it.

Looks into stores, and changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from krakenctl.apply.grants import successor
from krakenctl.apply.recovery.decide import decide
from krakenctl.apply.recovery.sight import Bounds, Kept, Sight
from krakenctl.errors import KrakenctlError
from krakenctl.model.journal import Intent, Stage
from krakenctl.model.live import LiveAccount, Phase
from krakenctl.model.recorded import Containment, Recorded
from krakenctl.model.recovery import Move, Recovery
from krakenctl.stores.base import Slot, Store


@dataclass(frozen=True, slots=True)
class Decided:
    intent: Intent
    kept: Kept
    recovery: Recovery
    fresh: Intent  # what is begun in its place, where another key is issued

    @property
    def is_news(self) -> bool:
        """A name that was given up is looked for by every run, and spoken of when it shows up.

        What a person was told to make is asked for by the plan.
        """
        is_quiet = (self.intent.stage, self.recovery.move) == (Stage.SHOWN, Move.SHOW)
        return not is_quiet and (self.intent.stage is not Stage.LOST or self.recovery.move is Move.REVOKE)


def decide_all(
    recorded: Recorded,
    live: Mapping[str, LiveAccount],
    bounds: Bounds,
    open_store: Callable[[str], Store],
    now: int,
    *,
    trying: bool,
) -> tuple[Decided, ...]:
    """For every intent. `trying`: it is about to be done."""
    return tuple(
        _decided(intent, recorded, live, bounds, open_store, now=now, trying=trying) for intent in recorded.intents
    )


def _decided(
    intent: Intent,
    recorded: Recorded,
    live: Mapping[str, LiveAccount],
    bounds: Bounds,
    open_store: Callable[[str], Store],
    *,
    now: int,
    trying: bool,
) -> Decided:
    kept = _look(intent, open_store)
    memory, containment = recorded.accounts.get(intent.address.name), _containment(intent, recorded, bounds)
    sight = Sight(
        account=live.get(intent.home) or LiveAccount(name=intent.home, phase=Phase.ABSENT),
        bounds=bounds,
        kept=kept,
        outgrown=intent.issues and _is_outgrown(intent, recorded),
        requested=memory is not None and memory.requested,
        in_use=intent.mistaken and _is_in_use(intent, recorded),
        contained=containment.who if containment else "",
        now=now,
        trying=trying,
    )
    taken = frozenset(key.name for key in sight.account.keys)
    asked = replace(intent, sent=None) if intent.stage is Stage.SHOWN else intent  # its name is asked for once more
    fresh = successor(asked, recorded.generations, taken, bounds.declared.get(intent.address))
    return Decided(intent, kept, decide(intent, sight), fresh)


def _containment(intent: Intent, recorded: Recorded, bounds: Bounds) -> Containment | None:
    """Also of the address that its key had before, or has by now: whoever used the kill switch need not have heard of
    the rename."""
    addresses = (intent.address, intent.change.renamed_from, bounds.moved.get(intent.address))
    return next((recorded.contained[each] for each in addresses if each and each in recorded.contained), None)


def _look(intent: Intent, open_store: Callable[[str], Store]) -> Kept:
    """Only where a secret may be: of an issue that is not over."""
    secret = intent.secret
    if secret is None or not intent.issues or intent.stage in (Stage.PROMOTED, Stage.LOST):
        return Kept()
    try:
        store = open_store(secret.store)
        return Kept(pending=store.get(secret.path, Slot.PENDING), current=store.get(secret.path, Slot.CURRENT))
    except KrakenctlError as problem:
        return Kept(problem=problem.message, pending_taken=_is_taken(intent, open_store))


def _is_taken(intent: Intent, open_store: Callable[[str], Store]) -> bool:
    """Where not even that can be seen, it may be."""
    try:
        return intent.secret is not None and open_store(intent.secret.store).exists(intent.secret.path, Slot.PENDING)
    except KrakenctlError:
        return True


def _is_in_use(intent: Intent, recorded: Recorded) -> bool:
    return bool(intent.public_key) and any(key.public_key == intent.public_key for key in recorded.ours)


def _is_outgrown(intent: Intent, recorded: Recorded) -> bool:
    current = recorded.keys.get(intent.address)
    later = [other.generation for other in recorded.intents if other.address == intent.address and other.issues]
    return max([*later, current.generation if current else 0]) > intent.generation
