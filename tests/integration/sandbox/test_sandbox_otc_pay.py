"""OTC, whose desk is closed, and Pay, where nobody ever pays."""

from __future__ import annotations

import pytest

QUOTE = {"base": "BTC", "quote": "USD", "type": "buy", "amount": "2.5"}
WISH = {"amount": "1", "asset": "XBT", "external_id": "AAECAwQFBgcICQoLDA0ODw"}


def test_no_account_is_a_client_of_the_desk(kraken):
    assert kraken.signed("CheckOtcClient").result == {"permissions": []}
    assert kraken.signed("GetOtcPairs").result == {"spot_pairs": []}
    assert kraken.signed("GetOtcActiveQuotes").result == kraken.signed("GetOtcHistoricalQuotes").result == []
    assert set(kraken.signed("GetOtcExposures").result.values()) == {"0"}


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({}, "EAccount:Invalid permissions"),
        ({"base": ""}, "EGeneral:Invalid arguments:base"),
        ({"type": "hold"}, "EGeneral:Invalid arguments:type"),
        ({"total": "5"}, "EGeneral:Invalid arguments:amount"),
        ({"amount": "0"}, "EGeneral:Invalid arguments:amount"),
    ],
)
def test_a_quote_is_asked_for_in_order_and_then_refused(kraken, changed, error):
    assert kraken.signed("CreateOtcQuoteRequest", **QUOTE | changed).error == error


def test_there_is_no_quote_to_accept(kraken):
    assert (
        kraken.signed("UpdateOtcQuote", quote_id="x", status="accepted").error == "EGeneral:Invalid arguments:quote_id"
    )
    assert kraken.signed("UpdateOtcQuote", quote_id="x", status="maybe").error == "EGeneral:Invalid arguments:status"


def test_a_paylink_is_looked_up_by_the_id_it_was_made_with_until_it_is_cancelled(kraken):
    kraken.signed("Pay/paylink/create", **WISH)
    asked = {"external_id": WISH["external_id"]}
    link = kraken.signed("Pay/paylink/get", **asked).result["claim_link"]
    assert link == kraken.signed("Pay/paylink/get", **asked).result["claim_link"]
    assert kraken.signed("Pay/transfer/cancel", **asked).result == {}
    assert kraken.signed("Pay/paylink/get", **asked).error == "EGeneral:Invalid arguments:external_id"


def test_an_id_is_used_once_whatever_for(kraken):
    before = kraken.signed("Balance").result
    assert kraken.signed("Pay/transfer/create", **WISH, to="friend").result == {}
    assert kraken.signed("Pay/request/create", **WISH).error == "EGeneral:Invalid arguments:external_id"
    assert kraken.signed("Balance").result == before


def test_a_request_shows_a_link_unless_it_goes_to_somebody_by_name(kraken):
    assert kraken.signed("Pay/request/create", **WISH).result["view_link"].startswith("https://")
    named = WISH | {"external_id": "AQ", "from": "friend"}
    assert kraken.signed("Pay/request/create", **named).result == {"view_link": None}
    assert kraken.signed("Pay/request/cancel", external_id="AQ").result == {}
    assert kraken.signed("Pay/request/cancel", external_id="AQ").error == "EGeneral:Invalid arguments:external_id"


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"to": ""}, "EGeneral:Invalid arguments:to"),
        ({"external_id": ""}, "EGeneral:Invalid arguments:external_id"),
        ({"external_id": "!"}, "EGeneral:Invalid arguments:external_id"),
        ({"external_id": "A"}, "EGeneral:Invalid arguments:external_id"),
        ({"external_id": "A" * 23}, "EGeneral:Invalid arguments:external_id"),
        ({"external_id": "é"}, "EGeneral:Invalid arguments:external_id"),
        ({"asset": "NOPE"}, "EFunding:Unknown asset"),
        ({"amount": "x"}, "EFunding:Invalid amount"),
    ],
)
def test_a_payment_that_cannot_be_is_refused_and_its_id_stays_free(kraken, changed, error):
    assert kraken.signed("Pay/transfer/create", **WISH | {"to": "friend"} | changed).error == error
    assert kraken.signed("Pay/transfer/create", **WISH | {"to": "friend"}).result == {}
