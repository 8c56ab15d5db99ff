"""What is recorded and no longer there: replaced keys that expired or were deleted by a person. The plan shows no
change for these, because nothing on the exchange would change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress

from krakenctl.apply.places import Places
from krakenctl.apply.ports import Ports
from krakenctl.errors import KrakenctlError
from krakenctl.model.desired import SecretRef
from krakenctl.model.live import Coverage, Phase
from krakenctl.model.plan import Plan
from krakenctl.model.recorded import Recorded, RecordedKey
from krakenctl.stores.base import Slot


def tidy(plan: Plan, recorded: Recorded, places: Places, ports: Ports) -> None:
    """Nobody waits for it: what cannot be done now is done by the next run."""
    for key in _gone(plan, recorded.retired):
        if key.retired_until <= plan.now:
            with suppress(KrakenctlError):
                _empty(key.secret, places.of_owner(key.secret, (key.account, key.live_name)), places, ports)
                ports.state.revoked(key.address, key.live_name)


def _gone(plan: Plan, traces: Iterable[RecordedKey]) -> Iterator[RecordedKey]:
    """Those that the plan looked for and does not speak of."""
    seen = {a.name for a in plan.accounts if a.phase is Phase.READY and a.coverage is not Coverage.NONE}
    spoken = {(change.account, change.old.name) for change in plan.changes if change.old}
    for trace in traces:
        if trace.account in seen and (trace.account, trace.live_name) not in spoken:
            yield trace


def _empty(secret: SecretRef, slots: tuple[Slot, ...], places: Places, ports: Ports) -> None:
    store = ports.store(secret.store)
    for slot in slots:
        store.remove(secret.path, slot)
        places.emptied(secret, slot)
