"""What is recorded and no longer there: replaced keys that expired or were deleted by a person. They are no change of
the plan, because nothing on the exchange would change; and only a list without them says that they are gone, never that
the plan has no change for them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from krakenctl.apply.places import Places
from krakenctl.apply.ports import Ports
from krakenctl.apply.steps.foreign import empty
from krakenctl.apply.work import FOUND
from krakenctl.errors import KrakenctlError
from krakenctl.model.plan import Forgettable, Plan, Verb
from krakenctl.model.recorded import Recorded, RecordedKey
from krakenctl.model.run import Deed


def tidy(plan: Plan, recorded: Recorded, places: Places, ports: Ports) -> None:
    """Nobody waits for it: what cannot be done now is done by the next run."""
    gone = set(plan.gone)
    for key in recorded.retired:
        if key.retired_until <= plan.now and Forgettable(account=key.account, name=key.live_name) in gone:
            with suppress(KrakenctlError):
                _empty(key, recorded.lineage, places, ports)
                ports.state.revoked(key.address, key.live_name, deeds=[*_untold(key, recorded, ports)])


def _untold(key: RecordedKey, recorded: Recorded, ports: Ports) -> Iterator[Deed]:
    """A kill switch tells of a key and forgets it at once: one that was killed in between has told of neither."""
    if contained := recorded.contained.get(key.address):
        yield Deed(
            at=ports.now(),
            run=ports.run,
            verb=Verb.REVOKE.value,
            outcome=FOUND,
            address=key.address,
            account=key.account,
            name=key.live_name,
            message=f"found gone; {contained.who}'s kill switch was to revoke it",
        )


def _empty(key: RecordedKey, lineage: str, places: Places, ports: Ports) -> None:
    store, secret = ports.store(key.secret.store), key.secret
    for slot in places.of_owner(secret, (key.account, key.live_name)):
        empty(store, secret.path, slot, lineage=lineage, name=key.live_name)
        places.emptied(secret, slot)
