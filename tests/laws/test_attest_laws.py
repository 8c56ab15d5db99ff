"""What a key said of itself ends its wait only if it is the very key, said in its time: whoever brings it."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from krakenctl.model.address import key_address
from krakenctl.model.attestation import Attestation
from krakenctl.model.journal import Intent, Stage
from krakenctl.model.key import KeySpec
from krakenctl.model.permission import Permission
from krakenctl.model.plan import Action, Change, NewKey
from krakenctl.tasks.attesting import judging

NOW = 1_800_000_000
DAY = 86_400
MINE, OTHER = "AA12 N84G EXAM PLE1", "AA99 N84G EXAM PLE2"

specs = st.builds(
    KeySpec,
    permissions=st.frozensets(st.sampled_from(list(Permission)), min_size=1),
    ip_allowlist=st.sampled_from([(), ("198.51.100.7",), ("198.51.100.7", "203.0.113.0/28")]),
    valid_until=st.sampled_from([0, NOW + 10 * DAY, NOW + 90 * DAY]),
    query_from=st.sampled_from([0, NOW - DAY]),
    nonce_window=st.sampled_from([0, 5000]),
)


def wanted_of(spec, iiban=MINE):
    new = NewKey(name="bot.a7.g1", generation=1, spec=spec, valid_for=None)
    address = key_address("acme", "bot")
    change = Change(address=address, account="acme", action=Action.CREATE, new=new)
    intent = Intent(change=change, began=NOW, stage=Stage.STORED, sent=spec, public_key="the key")
    return judging.Wanted(intent=intent, public_key="the key", iiban=iiban, others={OTHER: "zulu"}, endpoint="sandbox")


def said_of(spec, **other):
    usual = Attestation(
        at=NOW,
        endpoint="sandbox",
        host="far",
        who="alice",
        public_key="the key",
        name="bot.a7.g1",
        iiban=MINE,
        spec=spec,
    )
    return replace(usual, **other)


@given(specs, st.integers(0, DAY), st.text(max_size=5), st.booleans(), st.sampled_from([MINE, ""]))
def test_the_very_key_is_taken_whoever_asked_it_on_whatever_host(spec, later, who, brought, iiban):
    said = said_of(spec, who=who, host=who)
    assert judging.differences(wanted_of(spec, iiban), said, NOW + later, brought=brought) == ()


@given(specs, specs, st.booleans())
def test_a_key_that_differs_by_one_bit_is_not(spec, other, brought):
    differs = judging.differences(wanted_of(spec), said_of(other), NOW, brought=brought)
    assert bool(differs) == (spec != other)


wrong = st.sampled_from(
    [
        {"name": "bot.a7.g2"},
        {"iiban": OTHER},
        {"endpoint": "https://api.kraken.com"},
        {"at": NOW - 60},
        {"at": NOW + 2 * DAY},
        {"public_key": "another", "name": "another"},
        {"public_key": "another", "iiban": OTHER},
    ]
)


@given(specs, wrong, st.booleans())
def test_nor_one_of_another_name_account_exchange_or_time_and_what_to_do_is_said(spec, other, brought):
    wanted, said = wanted_of(spec), said_of(spec, **other)
    assert judging.differences(wanted, said, NOW + DAY, brought=brought)
    assert judging.advice(wanted, said, NOW + DAY, brought=brought)


@given(specs, st.integers(DAY + 1, 900 * DAY))
def test_what_was_said_is_good_for_a_day(spec, later):
    assert judging.differences(wanted_of(spec), said_of(spec), NOW + later, brought=True)


@given(specs, st.booleans(), st.sampled_from([MINE, ""]))
def test_another_pair_under_the_keys_name_is_it_only_where_the_account_is_known_and_it_was_asked_here(
    spec, brought, iiban
):
    said = said_of(spec, public_key="typed in rightly this time")
    taken = judging.differences(wanted_of(spec, iiban), said, NOW, brought=brought) == ()
    assert taken == (not brought and bool(iiban))


@given(specs, st.booleans())
def test_the_first_key_of_an_account_is_of_no_other_that_is_known(spec, brought):
    assert judging.differences(wanted_of(spec, ""), said_of(spec, iiban=OTHER), NOW, brought=brought)
