"""What a person was told to make stays what is asked for: its end neither moves with every run nor outlives it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from krakenctl.model.address import key_address
from krakenctl.model.journal import Intent, Stage, counted_from, dated
from krakenctl.model.key import KeySpec
from krakenctl.model.permission import Permission
from krakenctl.model.plan import Action, Change, NewKey

SPEC = KeySpec(permissions=frozenset({Permission.QUERY_FUNDS}))
moments = st.integers(min_value=1_500_000_000, max_value=2_000_000_000)
spans = st.integers(min_value=3600, max_value=10 * 365 * 86_400)


def new(valid_for):
    return NewKey(name="bot.a7.g1", generation=1, spec=SPEC, valid_for=valid_for)


def shown(valid_for, at):
    change = Change(address=key_address("acme", "bot"), account="acme", action=Action.CREATE, new=new(valid_for))
    return Intent(change=change, began=at, stage=Stage.SHOWN, sent=dated(new(valid_for), at))


@given(valid_for=spans, before=spans, at=moments, now=moments)
def test_whatever_was_shown_at_least_half_of_the_time_and_at_most_all_of_it_is_left(valid_for, before, at, now):
    left = dated(new(valid_for), now, shown(before, at)).valid_until - now
    assert valid_for <= 2 * left <= 2 * valid_for


@given(valid_for=spans, at=moments, data=st.data())
def test_an_end_that_was_shown_holds_while_half_of_its_time_is_left(valid_for, at, data):
    now = at + data.draw(st.integers(min_value=0, max_value=valid_for // 2))
    told = shown(valid_for, at)
    assert dated(new(valid_for), now, told) == told.sent


@given(valid_for=spans, at=moments, later=spans)
def test_a_key_that_is_made_later_than_it_was_shown_counts_from_then(valid_for, at, later):
    """Else the very next plan would want its end moved."""
    sent = shown(valid_for, at).sent
    assert counted_from(new(valid_for), sent, at + later) + valid_for == sent.valid_until


@given(at=moments, now=moments)
def test_an_end_that_is_written_out_is_never_touched(at, now):
    assert dated(new(None), now, shown(86_400, at)) == SPEC
    assert counted_from(new(None), SPEC, at) == at
