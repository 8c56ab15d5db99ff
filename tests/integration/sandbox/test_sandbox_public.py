"""The public calls: what anybody may ask without a key."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakenctl.sandbox.money import markets
from krakenctl.sandbox.switches import set_switch


def ask(kraken, call):
    return kraken.send("GET", f"/0/public/{call}")


def test_the_system_is_online(kraken):
    assert ask(kraken, "SystemStatus").result == {"status": "online", "timestamp": "2027-01-15T08:00:00Z"}


def test_assets_are_found_by_any_of_their_names(kraken):
    for name in ("XXBT", "XBT", "BTC"):
        assert list(ask(kraken, f"Assets?asset={name}").result) == ["XXBT"]
    assert list(ask(kraken, "Assets?asset=ETH,ZUSD").result) == ["XETH", "ZUSD"]


def test_pairs_are_found_by_any_of_their_names(kraken):
    for name in ("XXBTZUSD", "XBTUSD", "XBT/USD", "BTC/USD"):
        assert list(ask(kraken, f"AssetPairs?pair={name}").result) == ["XXBTZUSD"]
    assert ask(kraken, "AssetPairs?pair=XDG/USD").result == ask(kraken, "AssetPairs?pair=DOGE/USD").result


def test_an_unknown_asset_or_pair_is_named_as_kraken_does(kraken):
    assert ask(kraken, "Assets?asset=NOPE").error == "EQuery:Unknown asset"
    assert ask(kraken, "AssetPairs?pair=XBTUSD,NOPE").error == "EQuery:Unknown asset pair"


def test_there_are_no_tokenized_assets(kraken):
    assert ask(kraken, "Assets?aclass=tokenized_asset").result == {}
    assert ask(kraken, "AssetPairs?aclass_base=tokenized_asset").result == {}
    assert ask(kraken, "Assets?aclass=shells").error == "EGeneral:Invalid arguments:aclass"


@pytest.mark.parametrize(
    ("info", "fields"),
    [
        ("leverage", {"leverage_buy", "leverage_sell"}),
        ("fees", {"fees", "fees_maker", "fee_volume_currency"}),
        ("margin", {"margin_call", "margin_stop"}),
    ],
)
def test_a_part_of_a_pair_can_be_asked_for(kraken, info, fields):
    assert ask(kraken, f"AssetPairs?pair=XBTUSD&info={info}").result["XXBTZUSD"].keys() == fields


def test_every_pair_trades_two_assets_that_are_listed(kraken):
    assets, pairs = ask(kraken, "Assets").result, ask(kraken, "AssetPairs").result
    assert len(assets) >= 12
    assert len(pairs) >= 12
    for pair in pairs.values():
        assert {pair["base"], pair["quote"]} <= assets.keys()
        assert pair["altname"] == assets[pair["base"]]["altname"] + assets[pair["quote"]]["altname"]


@given(st.sampled_from(list(markets.PAIRS.values())))
def test_every_name_of_a_pair_leads_to_it(pair):
    assert {markets.pair(name) for name in (pair.name, pair.altname, pair.wsname)} == {pair}


def test_a_post_of_a_public_call_is_refused_in_json_or_in_plain_words(kraken):
    assert (kraken.send("POST", "/0/public/Time").status, kraken.send("POST", "/0/public/Time").error) == (
        405,
        "EAPI:Bad request",
    )
    set_switch(kraken.sandbox, "public-post", "not-allowed")
    reply = kraken.send("POST", "/0/public/Time")
    assert (reply.status, reply.body) == (405, b"Not Allowed")
    assert ask(kraken, "Time").result
