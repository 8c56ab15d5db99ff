"""What a person is told to do: whole, in the website's own words, and the same on a terminal and in a runbook."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golden import golden
from krakenctl.model.address import key_address
from krakenctl.model.desired import SecretRef
from krakenctl.model.human import HumanStep, Successor
from krakenctl.model.key import KeySpec
from krakenctl.model.permission import Permission
from krakenctl.model.plan import Verb
from krakenctl.render import human
from krakenctl.render.paint import Paint

SPEC = KeySpec(
    permissions=frozenset({Permission.QUERY_FUNDS, Permission.MODIFY_TRADES, Permission.CREATE_WS_TOKEN}),
    ip_allowlist=("198.51.100.0/28", "203.0.113.10"),
    valid_until=1_815_552_000,
    query_from=1_735_689_600,
    nonce_window=5000,
)
STEP = HumanStep(
    verb=Verb.ISSUE,
    account="mm-desk",
    username="acme-mm-desk",
    iiban="AA12 N84G EXAM PLE1",
    name="mm-btc.a7.g2",
    page="https://pro.kraken.com/app/settings/api",
    wanted=SPEC,
    of=3,
)
STEPS = (
    STEP,
    replace(
        STEP,
        verb=Verb.UPDATE,
        number=2,
        before=SPEC,
        wanted=replace(SPEC, ip_allowlist=(), valid_until=0, query_from=0),
    ),
    replace(
        STEP,
        verb=Verb.REVOKE,
        number=3,
        name="mm-btc.a7.g1",
        wanted=None,
        successor=Successor(key_address("mm-desk", "mm-btc"), "mm-btc.a7.g2", SecretRef("desk", "bots/mm-btc")),
    ),
)


@pytest.mark.parametrize("width", [60, 100])
def test_a_step_on_a_terminal(width):
    told = "\n".join(human.text(step, Paint(width=width)) for step in STEPS)
    got, kept = golden(f"person-{width}.txt", told)
    assert got == kept


def test_a_runbook():
    got, kept = golden("runbook.md", human.runbook("acme", "https://api.kraken.com", STEPS))
    assert got == kept


@given(st.frozensets(st.sampled_from(Permission)))
def test_every_box_is_told_once_and_is_ticked_where_it_is_wanted(permissions):
    step = replace(STEP, wanted=replace(SPEC, permissions=permissions))
    lines = human.text(step, Paint()).splitlines()
    assert sum(line.startswith("       [x] ") for line in lines) == len(permissions)
    assert sum(line.startswith("       [ ] ") for line in lines) == len(Permission) - len(permissions)


def test_what_is_to_be_copied_stands_alone_at_the_left_edge():
    lines = human.text(STEP, Paint(width=60)).splitlines()
    assert {STEP.page, STEP.name, "198.51.100.0/28, 203.0.113.10", "5000"} <= set(lines)


def test_a_time_is_told_in_utc_and_as_the_readers_clock_has_it():
    assert "2027-07-14 08:00:00 UTC (10:00 CEST here)." in human.text(STEP, Paint(width=200), lambda _: "10:00 CEST")


def test_a_difference_is_named_in_the_words_of_the_website():
    told = human.differences(STEP, ["it may withdraw-funds, which was not asked for"], Paint())
    assert "one thing is not right" in told
    assert "withdraw-funds (“Funds permissions – Withdraw”)" in told


def test_a_foreign_text_moves_no_cursor():
    assert "\x1b" not in human.differences(STEP, ["Kraken calls it “\x1b[2J”"], Paint())
