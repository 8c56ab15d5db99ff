"""Which keys the kill switch takes for one and the same, and which for renamed by a person."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import plan_builders as b
from krakenctl.containment.known import Known
from krakenctl.containment.strayed import strayed
from krakenctl.model.address import Address, key_address

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


def test_of_an_account_that_could_not_be_listed_nothing_is_suspected():
    assert not list(strayed([_KEY], {"mm": [_seen("foo")]}, ()))
