"""The only handle Kraken gives: a name that tells key, workspace and generation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakenctl.plan.names import carries_tag, generation_of, live_name

key_names = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,15}[a-z0-9])?", fullmatch=True)
tags = st.from_regex(r"[a-z0-9]{2}", fullmatch=True)


@given(name=key_names, tag=tags, generation=st.integers(1, 9999))
def test_a_name_tells_its_generation(name, tag, generation):
    written = live_name(name, tag, generation)
    assert generation_of(written, name, tag) == generation
    assert carries_tag(written, tag)


@given(one=key_names, other=key_names, tag=tags, generation=st.integers(1, 9999))
def test_no_name_is_taken_for_another_keys(one, other, tag, generation):
    if one != other:
        assert generation_of(live_name(one, tag, generation), other, tag) == 0


@pytest.mark.parametrize(
    "name", ["bot.a7.g0", "bot.a7.g01", "bot.a7.g", "bot.a7.gx", "bot.a7.g1x", "bot", "xbot.a7.g1"]
)
def test_what_only_looks_like_one_of_our_names_has_no_generation(name):
    assert generation_of(name, "bot", "a7") == 0


@pytest.mark.parametrize(("name", "ours"), [("x.a7.g1", True), ("x.b8.g1", False), ("x.a7.gx", False), ("x", False)])
def test_a_tag_is_known_on_any_name(name, ours):
    assert carries_tag(name, "a7") is ours
