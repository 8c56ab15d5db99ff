"""With which clock a key that we hold is asked: what is under way elsewhere, or was moved, misleads nobody."""

from __future__ import annotations

from dataclasses import replace

import pytest

from krakenctl.model.description import NonceScale
from krakenctl.model.journal import Stage
from krakenctl.model.plan import OldKey
from krakenctl.model.secret import Secret
from krakenctl.observe.holdings import holdings, under_way
from krakenctl.stores.base import Entry, Slot
from krakenctl.testing.memory import MemoryStore
from plan_builders import NOW, bot, intent, recorded, spec_of


def replacing(key):
    """A run has begun to issue its successor."""
    begun, record = intent(key, 2), recorded(key)
    old = OldKey(name=record.live_name, created=record.created, spec=record.spec)
    return replace(begun, change=replace(begun.change, old=old))


@pytest.mark.parametrize(("account", "scale"), [("acme", NonceScale.UNKNOWN), ("other", NonceScale.MILLISECONDS)])
def test_a_successor_under_way_on_one_account_is_none_of_a_key_of_the_same_name_on_another(account, scale):
    declared = bot(consumer_nonce="ms")
    record = replace(recorded(declared), nonce=NonceScale.UNKNOWN)
    begun = [replacing(bot(account=account))]
    [held] = holdings([record], begun, {declared.address: declared}, lambda _: MemoryStore(), NOW)
    assert held.scale is scale


def test_what_is_under_way_is_asked_by_its_manifest_wherever_that_was_moved():
    before, store = bot(consumer_nonce="ms"), MemoryStore()
    begun = replace(intent(before, 1), stage=Stage.STORED, sent=spec_of(before), public_key="PUBLIC")
    store.put(before.secret.path, Slot.PENDING, kept(begun))
    moved = bot("robot", consumer_nonce="s", secret=before.secret, formerly=(before.address,))
    [held] = under_way([begun], {moved.address: moved}, lambda _: store, NOW)
    assert held.scale is NonceScale.SECONDS


def kept(begun):
    return Entry(
        address=str(begun.address),
        lineage="",
        live_name=begun.live_name,
        generation=1,
        created=0,
        public_key="PUBLIC",
        secret=Secret("secret"),
        spec=begun.sent,
    )
