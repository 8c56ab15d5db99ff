"""From the top of a seed to its parts: clock and switches first, because all the rest is judged and dated by them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from krakenctl.sandbox import clock as clocks
from krakenctl.sandbox import faults
from krakenctl.sandbox import switches as all_switches
from krakenctl.sandbox.connect import clients
from krakenctl.sandbox.context import read_context
from krakenctl.sandbox.database import opened
from krakenctl.sandbox.faults import late
from krakenctl.sandbox.faults.kinds import checked
from krakenctl.sandbox.people.sowing.ground import SeedGround, Unsown
from krakenctl.sandbox.people.sowing.people import sow_account
from krakenctl.sandbox.people.sowing.sown import Sown, SownClient, SownClock, SownFault, SownSwitch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from krakenctl.sandbox.database import Database, Where
    from krakenctl.sandbox.people.sowing.ground import Spec
    from krakenctl.sandbox.people.sowing.sown import SownAccount


def sow(db: Where, spec: Spec) -> Sown:
    """Put a seed's `spec`, which has the shape of its schema, into a sandbox.

    Raises Unsown with every mistake; then nothing was changed.
    """
    with opened(db) as database:
        late.catch_up(database)  # what was due before the seed has happened before it
        return _sow(database, spec)


def _sow(database: Database, spec: Spec) -> Sown:
    with database.write() as connection:
        ground = SeedGround(database, read_context(connection))
        clock, switches = _clock(ground, spec), tuple(_switches(ground, spec))
        ground = SeedGround(database, read_context(connection), ground.mistakes)  # under the switches and time just set
        sown = Sown(
            clock=clock,
            switches=switches,
            clients=tuple(_clients(ground, spec)),
            accounts=tuple(_accounts(ground, spec)),
            faults=tuple(_faults(ground, spec)),
        )
        if ground.mistakes:
            raise Unsown(ground.mistakes)
    return sown


def _clock(ground: SeedGround, spec: Spec) -> SownClock | None:
    if "clock" not in spec:
        return None
    with ground.at("spec"):
        moment = ground.time(spec, "clock")
        standing = clocks.state(ground.database)
        is_new = not standing.frozen and not standing.offset
        if is_new:
            clocks.freeze(ground.database, moment)
        return SownClock(int(clocks.now(ground.database)), is_new)
    return None


def _switches(ground: SeedGround, spec: Spec) -> Iterator[SownSwitch]:
    before = all_switches.all_switches(ground.database)
    for name, value in spec.get("switches", {}).items():
        with ground.at("spec", "switches", name):
            all_switches.set_switch(ground.database, name, str(value))
            yield SownSwitch(name, str(value), before[name])


def _clients(ground: SeedGround, spec: Spec) -> Iterator[SownClient]:
    for number, wanted in enumerate(spec.get("oauthClients", ())):
        path = ("spec", "oauthClients", number)
        with ground.at(*path):
            ground.once("OAuth client", wanted["id"])
            known = clients.by_id(ground.connection, wanted["id"])
            yield _new_client(ground, wanted) if known is None else _known_client(ground, path, known, wanted)


def _new_client(ground: SeedGround, wanted: Spec) -> SownClient:
    secret = clients.add(
        ground.context,
        wanted["id"],
        name=wanted["name"],
        redirect_uris=wanted["redirectUris"],
        scopes=wanted.get("scopes", ()),
        confidential=wanted.get("confidential", False),
    )
    return SownClient(wanted["id"], secret, is_new=True)


def _known_client(ground: SeedGround, path: tuple[str | int, ...], known: clients.Client, wanted: Spec) -> SownClient:
    there = {
        "id": known.id,
        "name": known.name,
        "redirectUris": known.uris.split(),
        "scopes": known.scope_text.split(),
        "confidential": known.is_confidential,
    }
    ground.compare(path, there, {"scopes": [], "confidential": False, **wanted})
    return SownClient(known.id, None, is_new=False)


def _accounts(ground: SeedGround, spec: Spec) -> Iterator[SownAccount]:
    for number, wanted in enumerate(spec.get("accounts", ())):
        path = ("spec", "accounts", number)
        master = sow_account(ground, path, wanted)
        if master is None:
            continue  # what is below it has nothing to stand on
        yield master
        for below, sub in enumerate(wanted.get("subAccounts", ())):
            sown = sow_account(ground, (*path, "subAccounts", below), sub, parent=master.username)
            if sown is not None:
                yield sown


def _faults(ground: SeedGround, spec: Spec) -> Iterator[SownFault]:
    """A fault that is set already, word for word, is left with its counts."""
    set_before = faults.listing(ground.database)
    for place, wanted in enumerate(spec.get("faults", ())):
        with ground.at("spec", "faults", place):
            fault = {"kind": wanted["kind"], **checked(wanted)}
            same = next((row for row in set_before if {**row, **fault} == row and len(row) == len(fault) + 3), None)
            number = faults.add(ground.database, wanted) if same is None else same["id"]
            yield SownFault(number, fault["kind"], is_new=same is None)
