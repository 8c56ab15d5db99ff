"""What who-can prints: its JSON as the schema says, and text that no foreign name can deface."""

from __future__ import annotations

import jsonschema_rs
from hypothesis import given
from hypothesis import strategies as st

from krakenctl import schema_files
from krakenctl.model.access import AccessSight, Holder, Holders, Standing
from krakenctl.model.address import key_address
from krakenctl.model.coverage import Coverage
from krakenctl.render.access import Asked, who_json, who_text
from krakenctl.render.paint import Paint

JUDGE = jsonschema_rs.validator_for(schema_files.load("who-can"))
ASKED = Asked(what="withdraw-funds", is_call=False, needs="withdraw-funds", ways=(("withdraw-funds",),))
NOW = 1_800_000_000

texts = st.text(max_size=12)
times = st.sampled_from([0, NOW])
standings = st.sampled_from(Standing)
holders = st.builds(
    Holder,
    account=texts,
    address=st.sampled_from([None, key_address("acme", "bot")]),
    name=texts,
    desired=standings,
    recorded=standings,
    live=standings,
    ip_allowlist=st.sampled_from([(), ("203.0.113.10",)]),
    valid_until=times,
    retired_until=times,
    unknown=st.lists(texts, max_size=2).map(tuple),
)
sights = st.builds(
    AccessSight,
    account=texts,
    coverage=st.sampled_from(Coverage),
    looked=st.booleans(),
    keys=st.integers(0, 9),
    reason=texts,
)
found = st.builds(
    Holders,
    holders=st.lists(holders, max_size=4).map(tuple),
    doubtful=st.lists(holders, max_size=2).map(tuple),
    sights=st.lists(sights, max_size=3).map(tuple),
    at=st.just(NOW),
    sound=st.booleans(),
)


@given(found)
def test_the_json_is_as_its_schema_says(told: Holders) -> None:
    JUDGE.validate(who_json(ASKED, told))


@given(found, st.sampled_from([40, 80, 200]))
def test_nothing_foreign_reaches_the_terminal_unclothed(told: Holders, width: int) -> None:
    text = who_text(ASKED, told, Paint(width=width))
    assert all(char.isprintable() or char == "\n" for char in text)


def _one(**standing: Standing) -> Holders:
    usual = {"desired": Standing.HOLDS, "recorded": Standing.HOLDS, "live": Standing.HOLDS} | standing
    holder = Holder(account="acme", address=key_address("acme", "bot"), name="bot.a7.g1", **usual)
    sight = AccessSight(account="acme", coverage=Coverage.COMPLETE, looked=True, keys=1)
    return Holders(holders=(holder,), doubtful=(), sights=(sight,), at=NOW)


def test_a_key_stands_in_a_line_with_what_each_of_the_three_says() -> None:
    assert who_text(ASKED, _one(), Paint()).splitlines() == [
        "1 live key holds withdraw-funds.",
        "",
        "key                        declared  recorded  live",
        "ApiKey/acme/bot bot.a7.g1  yes       yes       yes",
        "  from any address",
        "",
        "acme: every key is seen.",
    ]


def test_where_nothing_is_live_the_first_line_says_so() -> None:
    head = who_text(ASKED, _one(live=Standing.UNSEEN), Paint()).splitlines()[0]
    assert head == "No live key that is seen holds withdraw-funds; 1 key does, as declared or recorded."
