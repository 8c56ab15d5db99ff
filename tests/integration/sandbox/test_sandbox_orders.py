"""Orders: placed, changed, cancelled, looked up. Nothing is matched."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sandbox_caller import NOW

from krakenctl.sandbox import accounts, clock
from krakenctl.sandbox.context import read_context
from krakenctl.sandbox.envelope import Refusal
from krakenctl.sandbox.money import books
from krakenctl.sandbox.money.terms import Terms, read_terms, restored
from krakenctl.sandbox.people import seed

BUY = {"pair": "XBTUSD", "type": "buy", "ordertype": "limit", "price": "27500", "volume": "1.25"}
DENIED, UNKNOWN = "EGeneral:Permission denied", "EOrder:Unknown order"
BAD = "EGeneral:Invalid arguments:"


def place(kraken, **more):
    [txid] = kraken.signed("AddOrder", **BUY | more).result["txid"]
    return txid


def open_ids(kraken, **filters):
    return set(kraken.signed("OpenOrders", **filters).result["open"])


def seeded(kraken, status, **times):
    with kraken.sandbox.database.write() as connection:
        owner = accounts.known(connection, "acme").id
        return books.add_order(read_context(connection), owner, BUY, status=status, **times)


def test_an_order_rests_until_it_is_cancelled(kraken):
    txid = place(kraken)
    clock.advance(kraken.sandbox, 86400)
    assert open_ids(kraken) == {txid}
    assert kraken.signed("CancelOrder", txid=txid).result == {"count": 1}
    assert open_ids(kraken) == set()
    ended = kraken.signed("ClosedOrders").result["closed"][txid]
    assert (ended["status"], ended["reason"], ended["closetm"]) == ("canceled", "User requested", NOW + 86400)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({}, "buy 1.25000000 XBTUSD @ limit 27500.0"),
        ({"leverage": "2"}, "buy 1.25000000 XBTUSD @ limit 27500.0 with 2:1 leverage"),
        ({"ordertype": "market"}, "buy 1.25000000 XBTUSD @ market"),
        ({"ordertype": "stop-loss"}, "buy 1.25000000 XBTUSD @ stop loss 27500.0"),
        (
            {"ordertype": "take-profit-limit", "price2": "+1%"},
            "buy 1.25000000 XBTUSD @ take profit 27500.0 -> limit +1%",
        ),
        ({"pair": "BTC/USD", "type": "sell", "price": "#5%"}, "sell 1.25000000 XBTUSD @ limit #5%"),
    ],
)
def test_an_order_is_put_into_words(kraken, more, words):
    assert kraken.signed("AddOrder", **BUY | more).result["descr"] == {"order": words}


def test_a_conditional_close_is_said_too_in_a_form_and_in_json(kraken):
    form = {"close[ordertype]": "stop-loss-limit", "close[price]": "22000", "close[price2]": "21000"}
    nested = {"close": {"ordertype": "stop-loss-limit", "price": "22000", "price2": "21000"}}
    answers = kraken.signed("AddOrder", **BUY, **form), kraken.signed("AddOrder", as_json=True, **BUY, **nested)
    for answer in answers:
        assert answer.result["descr"]["close"] == "close position @ stop loss 22000.0 -> limit 21000.0"


@pytest.mark.parametrize("yes", [True, "true", "True", "1"])
def test_an_order_that_is_only_validated_is_not_placed(kraken, yes):
    assert kraken.signed("AddOrder", as_json=True, validate=yes, **BUY).result.keys() == {"descr"}
    assert open_ids(kraken) == set()


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"pair": "NOPE"}, "EQuery:Unknown asset pair"),
        ({"volume": "-1"}, BAD + "volume"),
        ({"volume": "0"}, BAD + "volume"),
        ({"volume": "1e400"}, BAD + "volume"),
        ({"volume": "NaN"}, BAD + "volume"),
        ({"price": ""}, BAD + "price"),
        ({"price": "0.01"}, "EOrder:Tick size check failed"),
        ({"type": "hold"}, BAD + "type"),
        ({"ordertype": "wish"}, BAD + "ordertype"),
        ({"ordertype": "stop-loss-limit"}, BAD + "price2"),
        ({"ordertype": "trailing-stop"}, BAD + "price"),
        ({"leverage": "77"}, BAD + "leverage"),
        ({"oflags": "post,wish"}, BAD + "oflags"),
        ({"oflags": "fcib,fciq"}, BAD + "oflags"),
        ({"timeinforce": "GTD"}, BAD + "expiretm"),
        ({"timeinforce": "NOW"}, BAD + "timeinforce"),
        ({"userref": 2**31}, BAD + "userref"),
        ({"userref": 1, "cl_ord_id": "a"}, BAD + "cl_ord_id"),
        ({"cl_ord_id": "x" * 19}, BAD + "cl_ord_id"),
        ({"displayvol": "1"}, BAD + "displayvol"),
        ({"reduce_only": "maybe"}, BAD + "reduce_only"),
        ({"deadline": "2027-01-15T07:59:59Z"}, "EService:Deadline elapsed"),
        ({"deadline": "2027-01-15T08:02:00Z"}, BAD + "deadline"),
        ({"deadline": "tomorrow"}, BAD + "deadline"),
        ({"close": "yes"}, BAD + "close"),
    ],
)
def test_what_makes_no_sense_is_named_and_not_placed(kraken, more, error):
    assert kraken.signed("AddOrder", **BUY | more).error == error
    assert open_ids(kraken) == set()


def test_a_clients_own_text_names_one_open_order(kraken):
    txid = place(kraken, cl_ord_id="arb-1")
    assert kraken.signed("AddOrder", **BUY, cl_ord_id="arb-1").error == BAD + "cl_ord_id"
    assert open_ids(kraken, cl_ord_id="arb-1") == {txid}
    assert kraken.signed("CancelOrder", cl_ord_id="arb-1").result["count"] == 1
    assert place(kraken, cl_ord_id="arb-1") != txid


def test_a_clients_own_number_may_name_many(kraken):
    mine = {place(kraken, userref=-7), place(kraken, userref=-7)}
    other = place(kraken, userref=8)
    assert open_ids(kraken, userref=-7) == mine
    assert kraken.signed("CancelOrder", txid=-7).result["count"] == 2
    assert open_ids(kraken) == {other}


def test_an_order_nobody_knows_cannot_be_cancelled_changed_or_seen(kraken):
    done = place(kraken)
    kraken.signed("CancelOrder", txid=done)
    for txid in ("OAAAAA-AAAAA-AAAAAA", "5", done):
        assert kraken.signed("CancelOrder", txid=txid).error == UNKNOWN
        assert kraken.signed("AmendOrder", txid=txid, order_qty="1").error == UNKNOWN
        assert kraken.signed("EditOrder", txid=txid, pair="XBTUSD", volume="1").error == UNKNOWN
    assert kraken.signed("QueryOrders", txid="OAAAAA-AAAAA-AAAAAA").error == UNKNOWN


def test_nobody_touches_or_sees_anothers_orders(kraken):
    txid = place(kraken)
    seed.seed_account(kraken.sandbox, username="rival", email="desk@rival.example")
    rival = seed.seed_website_key(kraken.sandbox, "rival", "all", ["query-open-trades", "close-trades"])
    assert kraken.signed("QueryOrders", rival, txid=txid).error == UNKNOWN
    assert kraken.signed("CancelOrder", rival, txid=txid).error == UNKNOWN
    assert kraken.signed("CancelAll", rival).result["count"] == 0
    assert open_ids(kraken) == {txid}


def test_a_batch_is_placed_whole_or_not_at_all(kraken):
    order = {field: value for field, value in BUY.items() if field != "pair"}
    batch = [order, order | {"type": "sell", "price": "40000"}]
    placed = kraken.signed("AddOrderBatch", as_json=True, pair="XBTUSD", orders=batch).result["orders"]
    assert {one["txid"] for one in placed} == open_ids(kraken)
    assert placed[1]["descr"]["order"] == "sell 1.25000000 XBTUSD @ limit 40000.0"
    bad = [order, order | {"volume": "-1"}]
    assert kraken.signed("AddOrderBatch", as_json=True, pair="XBTUSD", orders=bad).error == BAD + "volume"
    assert len(open_ids(kraken)) == 2


@pytest.mark.parametrize("count", [0, 1, 16])
def test_a_batch_is_of_two_to_fifteen(kraken, count):
    assert kraken.signed("AddOrderBatch", as_json=True, pair="XBTUSD", orders=[BUY] * count).error == BAD + "orders"


def test_twins_in_a_batch_are_refused(kraken):
    twins = [BUY | {"cl_ord_id": "a"}] * 2
    assert kraken.signed("AddOrderBatch", as_json=True, pair="XBTUSD", orders=twins).error == BAD + "cl_ord_id"


def test_an_amended_order_keeps_its_id_and_its_history(kraken):
    txid = place(kraken)
    clock.advance(kraken.sandbox, 3)
    amend_id = kraken.signed("AmendOrder", txid=txid, order_qty="2", limit_price="27000").result["amend_id"]
    order = kraken.signed("OpenOrders").result["open"][txid]
    assert (order["vol"], order["descr"]["price"], order["misc"]) == ("2.00000000", "27000.0", "amended")
    history = kraken.signed("OrderAmends", order_id=txid).result
    assert history["count"] == 2
    assert [(a["amend_type"], a["order_qty"], a["timestamp"]) for a in history["amends"]] == [
        ("original", "1.25000000", NOW * 10**9),
        ("user", "2.00000000", (NOW + 3) * 10**9),
    ]
    assert history["amends"][1]["amend_id"] == amend_id


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({}, BAD + "order_qty"),
        ({"order_qty": "0"}, BAD + "order_qty"),
        ({"trigger_price": "1"}, BAD + "trigger_price"),
        ({"display_qty": "1"}, BAD + "display_qty"),
        ({"limit_price": "1.55"}, "EOrder:Tick size check failed"),
    ],
)
def test_an_amendment_must_fit_the_order(kraken, more, error):
    assert kraken.signed("AmendOrder", txid=place(kraken), **more).error == error


def test_an_edited_order_is_another_one(kraken):
    old = place(kraken, userref=5, oflags="post")
    answer = kraken.signed("EditOrder", txid=old, pair="XBTUSD", price="28000").result
    assert (answer["originaltxid"], answer["olduserref"], answer["orders_cancelled"]) == (old, "5", 1)
    [(txid, order)] = kraken.signed("OpenOrders").result["open"].items()
    assert txid == answer["txid"]
    assert (order["refid"], order["userref"], order["vol"]) == (old, None, "1.25000000")
    assert (order["descr"]["price"], order["oflags"]) == ("28000.0", "fciq")


def test_an_edit_can_be_tried_and_names_its_pair(kraken):
    old = place(kraken)
    assert kraken.signed("EditOrder", txid=old, pair="ETHUSD", price="1").error == BAD + "pair"
    assert kraken.signed("EditOrder", txid=old, pair="XBTUSD", price="1", validate=1).result.keys() == {"descr"}
    assert open_ids(kraken) == {old}


def test_an_edit_by_a_number_of_several_orders_is_refused(kraken):
    place(kraken, userref=5)
    place(kraken, userref=5)
    assert kraken.signed("EditOrder", txid="5", pair="XBTUSD", price="1").error == BAD + "txid"


def test_all_orders_are_cancelled_at_once(kraken):
    place(kraken)
    place(kraken)
    assert kraken.signed("CancelAll").result == {"count": 2}
    assert kraken.signed("CancelAll").result == {"count": 0}


def test_a_batch_is_cancelled_by_any_of_its_names(kraken):
    first, _, _, left = place(kraken), place(kraken, userref=5), place(kraken, cl_ord_id="a"), place(kraken)
    asked = {"orders": [first, 5, {"txid": first}], "cl_ord_ids": [{"cl_ord_id": "a"}]}
    assert kraken.signed("CancelOrderBatch", as_json=True, **asked).result == {"count": 3}
    assert open_ids(kraken) == {left}
    assert kraken.signed("CancelOrderBatch", as_json=True, orders=[left, first]).error == UNKNOWN
    assert open_ids(kraken) == {left}
    assert kraken.signed("CancelOrderBatch", as_json=True).error == BAD + "orders"


def test_a_dead_mans_switch_ends_every_order_when_its_time_is_over(kraken):
    txid = place(kraken)
    answer = kraken.signed("CancelAllOrdersAfter", timeout=60).result
    assert answer == {"currentTime": "2027-01-15T08:00:00Z", "triggerTime": "2027-01-15T08:01:00Z"}
    clock.advance(kraken.sandbox, 59)
    assert open_ids(kraken) == {txid}
    clock.advance(kraken.sandbox, 5)
    assert open_ids(kraken) == set()
    assert kraken.signed("ClosedOrders").result["closed"][txid]["closetm"] == NOW + 60
    assert open_ids(kraken) != {place(kraken)}


def test_a_dead_mans_switch_is_put_off_and_called_off(kraken):
    txid = place(kraken)
    kraken.signed("CancelAllOrdersAfter", timeout=60)
    clock.advance(kraken.sandbox, 50)
    kraken.signed("CancelAllOrdersAfter", timeout=60)
    clock.advance(kraken.sandbox, 50)
    assert open_ids(kraken) == {txid}
    kraken.signed("CancelAllOrdersAfter", timeout=0)
    clock.advance(kraken.sandbox, 50)
    assert open_ids(kraken) == {txid}
    assert kraken.signed("CancelAllOrdersAfter", timeout=86401).error == BAD + "timeout"


def test_an_order_placed_after_the_switch_struck_lives(kraken):
    kraken.signed("CancelAllOrdersAfter", timeout=60)
    clock.advance(kraken.sandbox, 61)
    txid = place(kraken)
    assert open_ids(kraken) == {txid}


def test_an_order_with_an_end_expires(kraken):
    txid = place(kraken, timeinforce="GTD", expiretm="+30")
    clock.advance(kraken.sandbox, 30)
    assert open_ids(kraken) == set()
    assert kraken.signed("ClosedOrders").result["closed"][txid]["status"] == "expired"


@pytest.mark.parametrize("call", [("QueryOrders", "txid"), ("OrderAmends", "order_id")])
def test_an_orders_status_says_which_permission_shows_it(kraken, call):
    endpoint, field = call
    resting, done = place(kraken), seeded(kraken, "closed")
    sees_open = seed.seed_website_key(kraken.sandbox, "acme", "open", ["query-open-trades"])
    sees_closed = seed.seed_website_key(kraken.sandbox, "acme", "closed", ["query-closed-trades"])
    assert kraken.signed(endpoint, sees_open, **{field: resting}).result
    assert kraken.signed(endpoint, sees_closed, **{field: done}).result
    assert kraken.signed(endpoint, sees_open, **{field: done}).error == DENIED
    assert kraken.signed(endpoint, sees_closed, **{field: resting}).error == DENIED


def test_one_order_that_may_not_be_seen_refuses_the_whole_question(kraken):
    both = f"{place(kraken)}, {seeded(kraken, 'closed')}"
    half = seed.seed_website_key(kraken.sandbox, "acme", "open", ["query-open-trades"])
    assert kraken.signed("QueryOrders", half, txid=both).error == DENIED
    assert len(kraken.signed("QueryOrders", txid=both).result) == 2


def test_a_seeded_order_that_is_closed_was_filled(kraken):
    txid = seeded(kraken, "closed", opened=NOW - 100, closed=NOW - 50)
    order = kraken.signed("ClosedOrders").result["closed"][txid]
    assert (order["vol_exec"], order["price"], order["cost"]) == ("1.25000000", "27500.0", "34375.00000")
    assert (order["opentm"], order["closetm"]) == (NOW - 100, NOW - 50)


def test_a_seeded_order_is_checked_like_any(kraken):
    with kraken.sandbox.database.write() as connection, pytest.raises(Refusal, match="Unknown asset pair"):
        books.add_order(read_context(connection), 1, BUY | {"pair": "NOPE"})


def test_the_trades_of_an_order_show_when_they_are_asked_for(kraken):
    txid = seeded(kraken, "closed")
    with kraken.sandbox.database.write() as connection:
        owner = accounts.known(connection, "acme").id
        more = {"type": "buy", "price": "27500", "vol": "1.25", "ordertxid": txid}
        made = books.add_trade(connection, owner, at=NOW, pair="XBTUSD", **more)
    assert kraken.signed("QueryOrders", txid=txid, trades=True).result[txid]["trades"] == [made]
    assert "trades" not in kraken.signed("QueryOrders", txid=txid).result[txid]


def test_the_book_shows_everybodys_resting_orders_best_price_first(kraken):
    seed.seed_account(kraken.sandbox, username="rival", email="desk@rival.example")
    rival = seed.seed_website_key(kraken.sandbox, "rival", "all", ["modify-trades"])
    [theirs] = kraken.signed("AddOrder", rival, **BUY | {"price": "28000"}).result["txid"]
    mine, sale = place(kraken), place(kraken, type="sell", price="40000")
    place(kraken, ordertype="stop-loss")
    place(kraken, pair="ETHUSD")
    book = kraken.signed("Level3", pair="BTC/USD").result
    assert [bid["order_id"] for bid in book["bids"]] == [theirs, mine]
    assert book["asks"] == [{"price": "40000.0", "qty": "1.25000000", "order_id": sale, "timestamp": NOW * 10**9}]
    assert kraken.signed("Level3", pair="XBTUSD", depth=7).error == BAD + "depth"


prices = st.decimals("0.1", 10**9, places=1).map(str)
volumes = st.decimals("0.00000001", 10**9, places=8).map("{:f}".format)
asked = st.fixed_dictionaries(
    {
        "pair": st.sampled_from(["XBTUSD", "BTC/EUR", "XXBTZGBP"]),
        "type": st.sampled_from(["buy", "sell"]),
        "ordertype": st.sampled_from(["market", "limit", "iceberg", "stop-loss", "stop-loss-limit"]),
        "volume": volumes,
        "price": prices | st.sampled_from(["+5%", "#10", "-0.5"]),
        "price2": prices,
    },
    optional={
        "userref": st.integers(-(2**31), 2**31 - 1),
        "leverage": st.sampled_from([2, "3", "none", "5:1"]),
        "close": st.just({"ordertype": "limit", "price": "5"}),
    },
)


@given(asked)
def test_what_an_order_asks_for_survives_being_stored(fields):
    terms = read_terms(fields, NOW)
    assert restored(terms.stored()) == terms


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["ordertype", "price", "x"]), inner),
    max_leaves=4,
)


@given(st.fixed_dictionaries({}, optional={f: st.just(v) | anything for f, v in BUY.items()}), anything, anything)
def test_whatever_is_asked_is_terms_or_a_refusal(fields, close, other):
    more = {"close": close, **dict.fromkeys(("leverage", "oflags", "expiretm", "deadline", "cl_ord_id"), other)}
    for given_ in (fields, fields | {"close": close}, fields | more):
        with suppress(Refusal):
            assert isinstance(read_terms(given_, NOW), Terms)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(st.lists(st.sampled_from(["place", "cancel", "edit", "amend"]), max_size=10))
def test_every_order_is_open_or_over_and_none_is_lost(kraken, steps):
    with kraken.sandbox.database.write() as connection:
        connection.execute("DELETE FROM trade_order")
        connection.execute("UPDATE key SET counter = 0")
    placed = []
    for step in steps:
        if step == "place" or not open_ids_in(kraken):
            placed.append(place(kraken))
        elif step == "cancel":
            kraken.signed("CancelOrder", txid=open_ids_in(kraken)[0])
        elif step == "edit":
            edited = kraken.signed("EditOrder", txid=open_ids_in(kraken)[0], pair="XBTUSD", volume="3")
            placed.append(edited.result["txid"])
        else:
            kraken.signed("AmendOrder", txid=open_ids_in(kraken)[0], order_qty="2")
    over = set(kraken.signed("ClosedOrders").result["closed"])
    assert over | set(open_ids_in(kraken)) == set(placed)
    assert not over & set(open_ids_in(kraken))


def open_ids_in(kraken):
    """Without a call, which would be counted."""
    connection = kraken.sandbox.database.connection()
    return [order.txid for order in books.open_orders(connection, accounts.known(connection, "acme").id)]


def test_an_open_order_is_found_by_its_own_id_without_looking_at_the_others(kraken):
    connection = kraken.sandbox.database.connection()
    asked = []
    connection.set_trace_callback(asked.append)
    kraken.signed("AddOrder", pair="XBTUSD", type="buy", ordertype="limit", price="1", volume="1", cl_ord_id="mine-1")
    connection.set_trace_callback(None)
    [query] = [text for text in asked if "cl_ord_id =" in text]
    [(*_, plan)] = connection.execute(f"EXPLAIN QUERY PLAN {query}")
    assert "cl_ord_id=?" in plan
