"""With which clock a key of ours is asked, whatever was recorded of it and whatever is declared since."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as some

from krakenctl.model.description import CLOCKS, NonceScale, coarser, nonce_at, sent_by
from krakenctl.model.permission import Permission
from krakenctl.plan.clocks import clock_of, remembered
from plan_builders import DAY, NOW, bot, recorded

SCALES = some.sampled_from(NonceScale)
GRANTS = some.sampled_from([frozenset({Permission.QUERY_FUNDS}), frozenset({Permission.QUERY_LEDGER})])
MANIFESTS = some.none() | some.builds(
    lambda scale, grants, age: bot(consumer_nonce=scale.value, grants=grants, max_age=age),
    SCALES,
    GRANTS,
    some.sampled_from([None, 30 * DAY]),
)


@some.composite
def keys_of_ours(draw):
    record = recorded(bot(grants=draw(GRANTS)), issued=NOW - draw(some.sampled_from([0, 40 * DAY])))
    return replace(record, nonce=draw(SCALES))


def number(scale):
    """What it sends at one moment; what is no clock sends nothing of ours."""
    return nonce_at(scale, NOW * 1_000_000_000) if scale in CLOCKS else 0


@given(keys_of_ours(), MANIFESTS, some.booleans(), some.booleans())
def test_no_manifest_raises_what_a_replaced_or_claimed_key_is_sent(record, declared, is_claimed, is_replaced):
    ends = {"claimed_by": "ann"} if is_claimed else {"retired_until": NOW + DAY}
    asked = clock_of(replace(record, **ends), declared, NOW, is_replaced=is_replaced)
    assert number(asked) <= number(record.nonce)


@given(keys_of_ours(), MANIFESTS, some.booleans())
def test_no_key_is_sent_more_than_it_was_recorded_and_is_declared_to_take(record, declared, is_replaced):
    asked = clock_of(record, declared, NOW, is_replaced=is_replaced)
    assert number(asked) <= max(number(record.nonce), number(declared.nonce) if declared else 0)
    if declared is not None:
        assert number(asked) <= number(declared.nonce)


@given(keys_of_ours(), MANIFESTS)
def test_a_key_whose_successor_is_under_way_is_never_sent_more_than_before(record, declared):
    assert number(clock_of(record, declared, NOW, is_replaced=True)) <= number(record.nonce)


@given(keys_of_ours(), MANIFESTS, some.booleans(), some.integers(0, 2 * NOW * 10**9))
def test_what_is_on_record_is_outdone_only_by_what_a_key_has_seen(record, declared, is_replaced, seen):
    asked = clock_of(record, declared, NOW, seen=seen, is_replaced=is_replaced)
    if record.nonce is not NonceScale.UNKNOWN:
        assert number(asked) <= max(number(record.nonce), number(sent_by(seen)))


@given(some.sampled_from(CLOCKS), some.integers(10**18, 10**19))
def test_a_number_tells_which_clock_has_sent_it(scale, at):
    assert sent_by(nonce_at(scale, at)) is scale


@given(keys_of_ours(), MANIFESTS)
def test_what_nobody_says_any_more_stays_on_record(record, declared):
    if declared is not None:
        kept = remembered(record, declared, NOW, seen=0, is_replaced=False)
        assert kept is not NonceScale.UNKNOWN or record.nonce is NonceScale.UNKNOWN


@given(SCALES, SCALES)
def test_the_coarser_of_two_is_below_both(one, other):
    assert number(coarser(one, other)) <= min(number(one), number(other))
