"""A new key of which only somebody's word says that it is deleted: neither a death of the run nor a broken store loses
sight of it."""

from __future__ import annotations

import pytest

from by_hand import HOME, a_key, by_hand, planned, run
from dying import Dead, dying
from krakenctl.errors import NeedsPerson, SecretGone, StoreError
from krakenctl.model.journal import Stage
from krakenctl.model.outcome import Result
from krakenctl.model.permission import Permission
from krakenctl.model.plan import Action
from krakenctl.state.sql import SqlState
from krakenctl.stores.age import AgeStore
from krakenctl.stores.base import Slot
from krakenctl.surfaces.person import Nobody
from krakenctl.testing.person import MISTYPED, Robot, toggled

NAME = "bot.a7.g1"
DEATHS = {  # by how often it was done before, in this run
    "before the word is written down": (SqlState, "advance", 1, False),
    "after that": (SqlState, "advance", 1, True),
    "before its secret goes": (AgeStore, "remove", 0, False),
    "after that goes": (AgeStore, "remove", 0, True),
    "before it is given up": (SqlState, "advance", 2, False),
    "after it is": (SqlState, "advance", 2, True),
}


class Liar(Robot):
    """Says that every new key is deleted, and deletes none."""

    def __init__(self, desk, *mistakes):
        super().__init__(desk.db, mistakes, begins_anew=True, deletes=False)


def named(plan):
    return [finding.message for finding in plan.findings if finding.rule in ("key-mistaken", "key-unseen")]


@pytest.mark.parametrize("death", DEATHS)
def test_a_run_that_dies_loses_sight_of_no_key(desk, monkeypatch, death):
    desk.declare(by_hand(), a_key())
    owner, name, times, after = DEATHS[death]
    with monkeypatch.context() as patch:
        dying(patch, owner, name, times, after=after)
        with pytest.raises(Dead):
            run(desk, Liar(desk, MISTYPED))
    plan = planned(desk)
    assert named(plan) or [change.action for change in plan.changes] == [Action.BLOCKED]
    for _ in range(3):
        desk.advance(7200)
        run(desk, Liar(desk))
    plan = planned(desk)
    assert (plan.changes, [told.split(" by ")[0] for told in named(plan)]) == ((), [f"{NAME} is said to be deleted"])
    assert desk.slots() == ["acme/bot/current"]
    assert {NAME, "bot.a7.g2"} <= desk.rows().keys()


def test_a_key_whose_secret_could_not_be_stored_is_named_where_it_is_only_said_to_be_deleted(desk, monkeypatch):
    def put(store, path, slot, entry, real=AgeStore.put):
        if slot is Slot.PENDING and "canary" not in path:
            raise StoreError("the disk is full")
        real(store, path, slot, entry)

    desk.declare(by_hand(), a_key(ipAllowlist=[HOME]))
    with monkeypatch.context() as patch:
        patch.setattr(AgeStore, "put", put)
        done = run(desk, Liar(desk))
    assert "said to be deleted by alice, which nothing proves" in done.outcome.message
    assert ([told.split(" by ")[0] for told in named(planned(desk))]) == [f"{NAME} is said to be deleted"]


class Leaving(Robot):
    """Stops where they are to delete it."""

    def revoke(self, step):
        raise NeedsPerson(f"stopped at {step.name}")


def test_whoever_stops_at_that_deletion_is_asked_for_that_key_again(desk, monkeypatch):
    def put(store, path, slot, entry, real=AgeStore.put):
        if slot is Slot.PENDING and "canary" not in path:
            raise StoreError("the disk is full")
        real(store, path, slot, entry)

    desk.declare(by_hand(), a_key())
    with monkeypatch.context() as patch:
        patch.setattr(AgeStore, "put", put)
        done = run(desk, Leaving(desk.db))
    assert "nobody has deleted it on the website" in done.outcome.message
    [change] = planned(desk).changes
    assert change.new.name == NAME


def test_a_secret_that_vanished_costs_no_key_that_nobody_names(desk, monkeypatch):
    def promote(store, path, *_):
        store.remove(path, Slot.PENDING)
        raise SecretGone(f"{path}/pending is gone")

    desk.declare(by_hand(), a_key(ipAllowlist=[HOME]))
    with monkeypatch.context() as patch:
        patch.setattr(AgeStore, "promote", promote)
        done = run(desk, Robot(desk.db, reason="a test"))
    assert (NAME in desk.rows(), "gone from the account" in done.outcome.message) == (True, False)
    run(desk, Nobody())
    assert [NAME in told for told in named(planned(desk))] == [True]
    assert "found gone" not in desk.run("log").out


@pytest.mark.parametrize("deletes", [True, False])
def test_one_that_is_no_longer_wanted_is_named_too(desk, deletes):
    """Nothing proves its end: no other key tells whether this host still has the address that it may be used from."""
    desk.declare(by_hand(), a_key())
    run(desk, Robot(desk.db, [toggled(Permission.WITHDRAW_FUNDS)], gives_up=True))
    desk.declare(by_hand())
    desk.advance(20)
    done = run(desk, Robot(desk.db, deletes=deletes))
    assert done.recovered[0].result is Result.DONE
    assert ([told.split(" by ")[0] for told in named(planned(desk))]) == [f"{NAME} is said to be deleted"]
    assert ([intent.stage for intent in desk.recorded().intents], desk.slots()) == ([Stage.LOST], [])
