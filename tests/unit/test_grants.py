"""What an earlier run asked for, beside what the manifest grants today."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakenctl.apply.grants import beyond, renewed
from krakenctl.model.journal import Intent
from krakenctl.model.key import KeySpec
from plan_builders import NOW, READ, TRADE, bot, draw, on, wish

SPEC = KeySpec(permissions=READ)
INSIDE = [
    (("203.0.113.10",), ()),
    (("203.0.113.10",), ("203.0.113.0/24",)),
    (("203.0.113.0/25", "198.51.100.7"), ("198.51.100.7", "203.0.113.0/24")),
    (("2001:db8::1",), ("2001:db8::/32",)),
    ((), ()),
]
OUTSIDE = [
    ((), ("203.0.113.10",)),
    (("203.0.113.0/24",), ("203.0.113.10",)),
    (("203.0.113.10", "198.51.100.7"), ("203.0.113.10",)),
    (("::ffff:0:0/96",), ("203.0.113.0/24",)),
    (("203.0.113.10",), ("no address",)),
]


def _may_more(asked: tuple[str, ...], allowed: tuple[str, ...]) -> bool:
    return any(beyond(replace(SPEC, ip_allowlist=asked), replace(SPEC, ip_allowlist=allowed)))


@pytest.mark.parametrize(("asked", "allowed"), INSIDE)
def test_fewer_addresses_are_no_surplus(asked, allowed):
    assert not _may_more(asked, allowed)


@pytest.mark.parametrize(("asked", "allowed"), OUTSIDE)
def test_other_addresses_are(asked, allowed):
    assert _may_more(asked, allowed)


def test_nobody_may_more_than_itself():
    full = KeySpec(permissions=TRADE, ip_allowlist=("203.0.113.10",), query_from=NOW, query_to=NOW + 1)
    assert not any(beyond(full, full))


def test_a_later_end_of_the_query_window_is_a_surplus_and_none_at_all_the_greatest():
    ended = replace(SPEC, query_to=NOW)
    assert not any(beyond(replace(SPEC, query_to=NOW - 1), ended))
    assert any(beyond(replace(SPEC, query_to=NOW + 1), ended))
    assert any(beyond(SPEC, ended))


@given(burned=st.integers(0, 9), taken=st.sets(st.integers(1, 12)))
def test_the_next_name_was_never_used_and_no_list_shows_it(burned, taken):
    [change] = draw(wish(bot()), on()).changes
    names = frozenset(f"bot.a7.g{number}" for number in taken)
    intent = Intent(change=change, began=NOW, sent=change.new.spec)
    fresh = renewed(intent, {intent.address: burned}, names)
    assert fresh.live_name not in names
    assert fresh.generation > max(burned, intent.generation)
    assert fresh.live_name == f"bot.a7.g{fresh.generation}"
    assert {step.name for step in fresh.change.steps} == {fresh.live_name}
