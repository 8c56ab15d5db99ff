"""Which keys the kill switch takes for one and the same, and which for renamed by a person."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import plan_builders as b
from krakenctl.model.address import Address, key_address
from krakenctl.model.journal import Intent, Stage
from krakenctl.model.recovery import JOURNAL_SLACK
from krakenctl.tasks.containment.known import Known
from krakenctl.tasks.containment.strayed import is_asked_for, strayed, to_come

_ADDRESSES = [key_address("acme", name) for name in "abcdef"]
_asked = st.lists(st.sampled_from(_ADDRESSES), max_size=2)


@st.composite
def _worlds(draw: st.DrawFn) -> Known:
    """A history of renames, as far as manifests and the names of live keys still tell it."""
    declared, *former = draw(st.permutations(_ADDRESSES))
    other = former.pop() if draw(st.booleans()) else None
    claimed = former[: draw(st.integers(0, len(former)))]
    keys = [b.bot(declared.name, formerly=tuple(claimed)), *([b.bot(other.name)] if other else [])]
    recorded = [_recorded(draw(st.sampled_from(_ADDRESSES)), draw(st.sampled_from("abcdef"))) for _ in range(2)]
    return Known(
        workspace=b.WORKSPACE,
        desired=draw(st.sampled_from([None, b.wish(*keys)])),
        recorded=b.memory(*recorded),
        stateless=False,
        credentialed=(),
        notes=(),
    )


def _recorded(address: Address, called: str):
    return replace(b.recorded(b.bot(address.name)), live_name=f"{called}.a7.g1")


@given(known=_worlds(), asked=_asked, more=_asked)
def test_to_name_a_key_by_any_of_its_addresses_is_to_name_it_by_all(
    known: Known, asked: list[Address], more: list[Address]
):
    kin = known.kin(asked)
    assert kin >= set(asked)
    assert known.kin(kin) == kin
    assert known.kin([*asked, *more]) == kin | known.kin(more)
    assert all(known.kin([each]) & set(asked) for each in kin)


_KEY = b.recorded(b.bot("view"), created=b.NOW)


def _seen(name: str, created: int = b.NOW, public_key: str = ""):
    return replace(b.stranger(name, created), public_key=public_key)


@pytest.mark.parametrize(
    ("live", "perhaps"),
    [
        ([_seen("foo")], ("foo",)),
        ([_seen("foo"), _seen("bar")], ("bar", "foo")),
        ([_seen("foo", public_key=_KEY.public_key)], ("foo",)),
        ([_seen("view.a7.g1", b.NOW + 1), _seen("foo")], ("foo",)),
        ([_seen("foo", public_key="ANOTHER")], None),
        ([_seen("foo", b.NOW - 1), _seen("bar", b.NOW + 1)], None),
        ([_seen("known")], None),
        ([_seen("view.a7.g1"), _seen("foo")], None),
        ([_seen("view.a7.g1", created=0), _seen("foo")], None),
        ([], None),
    ],
)
def test_what_was_created_in_the_second_of_a_key_that_does_not_show_may_be_that_key(live, perhaps):
    found = list(strayed([_KEY], {"acme": live}, {("acme", "known")}))
    assert [each.perhaps for each in found] == ([perhaps] if perhaps else [])


def _asked_for(**fields):
    """A first key of `view`, of which no answer is known."""
    [change] = b.draw(b.wish(b.bot("view"))).changes
    intent = Intent(change=change, began=b.NOW, sent=_KEY.spec)
    return replace(intent, **fields)


def _made(name: str, created: int = b.NOW, *, spec=_KEY.spec, public_key: str = ""):
    return replace(b.stranger(name, created), spec=spec, public_key=public_key)


@pytest.mark.parametrize(
    ("live", "perhaps"),
    [
        ([_made("foo", b.NOW - JOURNAL_SLACK)], ("foo",)),
        ([_made("foo", 0)], ("foo",)),
        ([_made("foo", b.NOW + 9), _made("bar")], ("bar", "foo")),
        ([_made("foo", b.NOW - JOURNAL_SLACK - 1)], None),
        ([_made("foo", spec=replace(_KEY.spec, nonce_window=7))], None),
        ([_made("foo", spec=replace(_KEY.spec, nonce_window=7), public_key="OURS")], ("foo",)),
        ([_made("foo", public_key="ANOTHER")], None),
        ([_made("known")], None),
        ([_made("view.a7.g1"), _made("foo")], None),
        ([_made("view.a7.g1", b.NOW - JOURNAL_SLACK - 1), _made("foo")], ("foo",)),
    ],
)
def test_what_came_since_a_key_was_asked_for_and_does_the_same_may_be_that_key(live, perhaps):
    intent = _asked_for(public_key="OURS")
    assert intent.live_name == "view.a7.g1"
    found = list(strayed([intent], {"acme": live}, {("acme", "known")}))
    assert [each.perhaps for each in found] == ([perhaps] if perhaps else [])
    shows = any(one.name == "view.a7.g1" and one.created >= b.NOW for one in live)
    told = list(to_come([intent], {"acme": live}, found))
    assert told == ([] if perhaps or shows else [_MAY_ARRIVE])


_MAY_ARRIVE = "view.a7.g1 was asked for and may still arrive: `krakenctl recover`"


def test_what_was_never_asked_for_or_is_recorded_by_now_is_not_awaited():
    assert is_asked_for(_asked_for())
    assert not is_asked_for(_asked_for(sent=None))
    assert not is_asked_for(_asked_for(stage=Stage.PROMOTED))
    assert not list(to_come([_asked_for()], {"mm": []}, ()))


def test_of_an_account_that_could_not_be_listed_nothing_is_suspected():
    assert not list(strayed([_KEY], {"mm": [_seen("foo")]}, ()))
