"""Whose a former address is, while something is under way there."""

from __future__ import annotations

import pytest

from krakenctl.plan.homes import moved
from plan_builders import bot

OLD = bot("old").address
NEW = bot("new", formerly=(OLD,))


@pytest.mark.parametrize(
    ("recorded", "found"),
    [((), {OLD: NEW.address}), ((OLD,), {OLD: NEW.address}), ((NEW.address,), {}), ((OLD, NEW.address), {})],
)
def test_it_is_the_new_ones_until_that_has_a_key_of_its_own(recorded, found):
    assert moved([NEW], recorded) == found
