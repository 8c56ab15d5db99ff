"""Earn: strategies, and what is allocated to them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from krakenctl.sandbox.people import seed

ETHER = {"strategy_id": "ESDQCOL-WTZEU-NU55QF"}
NOT_ENOUGH = "EEarnings:Insufficient funds:Insufficient funds to complete the (de)allocation request"


def held(kraken):
    return Decimal(kraken.signed("Balance").result["XETH"])


def allocated(kraken):
    items = kraken.signed("Earn/Allocations").result["items"]
    return [Decimal(item["amount_allocated"]["total"]["native"]) for item in items]


def test_what_is_allocated_leaves_the_balance_and_comes_back(kraken):
    assert kraken.signed("Earn/Allocate", **ETHER, amount="1.5").result is True
    assert (held(kraken), allocated(kraken)) == (Decimal("60"), [Decimal("1.5")])
    assert kraken.signed("Earn/Deallocate", **ETHER, amount="1.5").result is True
    assert (held(kraken), allocated(kraken)) == (Decimal("61.5"), [Decimal("0")])
    assert kraken.signed("Earn/Allocations", hide_zero_allocations="true").result["items"] == []
    subtypes = [entry["subtype"] for entry in kraken.signed("Ledgers").result["ledger"].values()]
    assert sorted(subtypes) == ["allocation", "deallocation"]


@pytest.mark.parametrize(
    ("call", "given", "error"),
    [
        ("Allocate", {"amount": "100"}, NOT_ENOUGH),
        ("Deallocate", {"amount": "1"}, NOT_ENOUGH),
        ("Allocate", {"amount": "0.0001"}, "EEarnings:Below min:(De)allocation operation amount less than minimum"),
        ("Allocate", {"amount": "x"}, "EGeneral:Invalid arguments:amount"),
        ("Allocate", {"amount": "1.00000000001"}, "EGeneral:Invalid arguments:amount"),
        ("Allocate", {"strategy_id": "ES"}, "EGeneral:Invalid arguments:Invalid strategy ID"),
        ("AllocateStatus", {"strategy_id": ""}, "EGeneral:Invalid arguments:strategy_id"),
    ],
)
def test_what_cannot_be_is_refused_and_moves_nothing(kraken, call, given, error):
    assert kraken.signed(f"Earn/{call}", **ETHER | given).error == error
    assert (held(kraken), allocated(kraken)) == (Decimal("61.5"), [])


def test_nothing_is_ever_pending(kraken):
    kraken.signed("Earn/Allocate", **ETHER, amount="1")
    assert kraken.signed("Earn/AllocateStatus", **ETHER).result == {"pending": False}
    assert kraken.signed("Earn/DeallocateStatus", **ETHER).result == {"pending": False}


def test_strategies_can_be_chosen_by_asset_and_lock(kraken):
    everything = kraken.signed("Earn/Strategies").result["items"]
    bonded = kraken.signed("Earn/Strategies", as_json=True, asset="DOT", lock_type=["bonded"]).result["items"]
    assert [item["id"] for item in bonded] == ["ESMWVX6-JAPVY-23L3CV"]
    turned = kraken.signed("Earn/Strategies", ascending="true").result["items"]
    assert turned == everything[::-1]


def test_allocations_are_worth_something_in_another_currency(kraken):
    kraken.signed("Earn/Allocate", **ETHER, amount="2")
    in_dollars = kraken.signed("Earn/Allocations").result
    in_bitcoin = kraken.signed("Earn/Allocations", converted_asset="XBT").result
    assert (in_dollars["converted_asset"], in_bitcoin["converted_asset"]) == ("USD", "XBT")
    assert Decimal(in_dollars["total_allocated"]) > Decimal(in_bitcoin["total_allocated"]) > 0


def test_a_key_sees_allocations_only_with_query_funds(kraken):
    key = seed.seed_website_key(kraken.sandbox, "acme", "earner", ["earn-funds"])
    assert kraken.signed("Earn/Allocate", key, **ETHER, amount="1").result is True
    assert kraken.signed("Earn/Allocations", key).error == "EGeneral:Permission denied"
    assert kraken.signed("Earn/AllocateStatus", key, **ETHER).result == {"pending": False}
