"""Values to test with: keys, intents and entries in which only what is asked for matters. No test is here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from krakenctl.model.address import Address, key_address
from krakenctl.model.desired import SecretRef
from krakenctl.model.journal import Intent, Stage
from krakenctl.model.key import KeySpec
from krakenctl.model.permission import Permission
from krakenctl.model.plan import Action, Change, NewKey, OldKey, Strategy
from krakenctl.model.recorded import Announced, Given, RecordedAccount, RecordedKey
from krakenctl.model.secret import Secret
from krakenctl.model.silence import Answer, Refusal
from krakenctl.state.base import State
from krakenctl.stores.base import Entry

# Easy to find wherever it leaks, and base64 as Kraken's are.
SECRET = "TEVBS0VE" * 10 + "LEAKED=="
ADDRESS = key_address("mm-desk", "mm-btc")
OTHER = key_address("mm-desk", "mm-eth")
SPEC = KeySpec(
    permissions=frozenset({Permission.QUERY_FUNDS, Permission.MODIFY_TRADES}),
    ip_allowlist=("198.51.100.0/28", "203.0.113.10"),
    valid_until=1_815_552_000,
    nonce_window=10,
)


def entry(**fields: Any) -> Entry:
    some = Entry(
        address=str(ADDRESS),
        lineage="5f0c1d1e-0000-4000-8000-000000000000",
        live_name="mm-btc.a7.g3",
        generation=3,
        created=1_800_000_000,
        public_key="4/SDrDBcOOPnm3nPlNfEMMJDeRcIVqPz+QhRxIodyZbI9po/aVRiHsgX",
        secret=Secret(SECRET),
        spec=SPEC,
    )
    return replace(some, **fields)


def key(generation: int = 1, address: Address = ADDRESS, **fields: Any) -> RecordedKey:
    some = RecordedKey(
        address=address,
        live_name=f"{address.name}.a7.g{generation}",
        generation=generation,
        created=1_800_000_000,
        public_key="4/SDrDBcOOPnm3nPlNfEMMJDeRcIVqPz+QhRxIodyZbI9po/aVRiHsgX",
        spec=SPEC,
        secret=SecretRef("desk", f"bots/{address.name}"),
        issued=1_800_000_001,
    )
    return replace(some, **fields)


def announced_key(generation: int = 1, address: Address = ADDRESS, **fields: Any) -> Announced:
    some = key(generation, address)
    return replace(Announced(address=address, live_name=some.live_name, created=some.created), **fields)


def given_key(generation: int = 1, address: Address = ADDRESS, **fields: Any) -> Given:
    record = key(generation, address)
    return replace(Given(address=address, live_name=record.live_name, created=record.created), **fields)


def intent(generation: int = 1, address: Address = ADDRESS, old_name: str = "", **fields: Any) -> Intent:
    change = Change(
        address=address,
        account=address.path[0],
        action=Action.REPLACE if old_name else Action.CREATE,
        strategy=Strategy.CREATE_FIRST,
        old=OldKey(name=old_name, created=1_700_000_000, spec=SPEC) if old_name else None,
        new=NewKey(name=f"{address.name}.a7.g{generation}", generation=generation, spec=SPEC, valid_for=86_400),
        secret=SecretRef("desk", f"bots/{address.name}"),
    )
    return replace(Intent(change=change, began=1_800_000_000), **fields)


# The life of a key, one deed of the state's at a time: issued, replaced, renamed, revoked.
STORY: tuple[Callable[[State], None], ...] = (
    lambda state: state.remember_account(RecordedAccount(name="mm-desk", iiban="AA12 N84G EXAM PLE1")),
    lambda state: state.begin(intent(1)),
    lambda state: state.advance(ADDRESS, intent(1).live_name, Stage.STORED),
    lambda state: state.promote(key(1), None),
    lambda state: state.hear(key(1).public_key, "desk", answers=True, told=Answer("AA12 N84G EXAM PLE1", 21)),
    lambda state: state.count_refused("mm-desk", 1_800_000_000),
    lambda state: state.locked_out("mm-desk", 1_800_000_000),
    lambda state: state.begin(intent(2, old_name=key(1).live_name)),
    lambda state: state.promote(key(2), key(1, retired_until=1_800_086_400)),
    lambda state: state.refused(key(1).public_key, "desk", Refusal(1_800_000_000, 1, "EAPI:Invalid key")),
    lambda state: state.end_row("mm-desk"),
    lambda state: state.count_refused("acme", 1_800_000_000),
    lambda state: state.revoked(ADDRESS, key(1).live_name),
    lambda state: state.finish(ADDRESS, key(2).live_name),
    lambda state: state.update(key(2, address=OTHER, live_name=key(2).live_name), former=ADDRESS),
    lambda state: state.forget(OTHER, given_key(2, OTHER, live_name=key(2).live_name)),
)
