"""A run that dies while another pair takes a mistaken key's place: neither key is lost from sight."""

from __future__ import annotations

import pytest

from by_hand import a_key, by_hand, planned, run
from dying import Dead, dying
from krakenctl.model.human import Slip
from krakenctl.sandbox.people import operate
from krakenctl.state.sql import SqlState
from krakenctl.stores.age import AgeStore
from krakenctl.testing.person import Robot, on

NAME = "bot.a7.g1"
DEATHS = {  # by how often it was done before, in this run
    "before the mistaken key is written down": (SqlState, "begin", 1, False),
    "after that": (SqlState, "begin", 1, True),
    "before the other pair is kept": (AgeStore, "put", 1, False),
    "after that is kept": (AgeStore, "put", 1, True),
    "before the journal knows of it": (SqlState, "advance", 2, False),
    "after it does": (SqlState, "advance", 2, True),
    "before it is in use": (SqlState, "promote", 0, False),
    "after it is": (SqlState, "promote", 0, True),
}


class Leaving(Robot):
    """Makes another key in the right account, and leaves the first one where it is."""

    def again(self, step, differences):
        if step.slip is not Slip.ACCOUNT:
            return super().again(step, differences)
        self.told.append(("again", step, differences))
        return self._make(step.name, self._form(step))


@pytest.mark.parametrize("death", DEATHS)
def test_a_run_that_dies_loses_sight_of_neither_key(desk, monkeypatch, death):
    desk.declare(by_hand(), a_key("first"))
    run(desk, Robot(desk.db))
    operate.make_account(desk.db, "other")
    desk.advance(60)
    desk.declare(by_hand(), a_key("first"), a_key())
    owner, name, times, after = DEATHS[death]
    with monkeypatch.context() as patch:
        dying(patch, owner, name, times, after=after)
        with pytest.raises(Dead):
            run(desk, Leaving(desk.db, [on("other")]))
    for _ in range(2):
        assert any(NAME in told for told in spoken_of(planned(desk)))
        desk.advance(7200)
        run(desk, Leaving(desk.db))
    plan = planned(desk)
    assert (plan.changes, len(spoken_of(plan)), desk.rows()[NAME].name) == ((), 1, NAME)
    assert desk.entry("acme/bot").public_key == desk.rows()[NAME].public_key


def spoken_of(plan):
    """What is said of a key that is not as it should be."""
    mistaken = [finding.message for finding in plan.findings if finding.rule == "key-mistaken"]
    return [*mistaken, *(reason for change in plan.changes for reason in change.reasons)]
