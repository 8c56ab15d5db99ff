"""The row of refused calls of an account: what counts, what ends it, and what it outlives."""

from __future__ import annotations

import pytest

from krakenctl.model.address import key_address
from krakenctl.model.description import NonceScale
from krakenctl.model.silence import MOST_REFUSED, RefusalRow
from krakenctl.surfaces.kraken.gently import Caller
from krakenctl.surfaces.kraken.own_key import OwnKey
from krakenctl.surfaces.person import Nobody
from website_scene import READ, calls, watch


def in_row(scene):
    """How many calls the state counts."""
    return scene.ours.recorded.rows.get("acme", RefusalRow()).calls


def caller_of(scene):
    return Caller(http=scene.http, held=scene.held, clock=scene.clock, wait=scene.waited.append)


def dead(scene, *names):
    for name in names:
        scene.hold(name)
        scene.revoke(name)


def test_it_outlives_the_keys_that_were_refused(scene, monkeypatch):
    dead(scene, "one", "two", "three")
    scene.open(Nobody()).list_keys()
    for name in ("one", "two", "three"):
        scene.ours.state.revoked(key_address("acme", name), name)
    dead(scene, "four")
    asked = calls(monkeypatch)
    assert "3 calls of acme were refused in a row" in scene.unasked()["four"]
    assert asked == []


def test_a_refused_nonce_counts_also_where_it_proves_life(scene):
    for number in range(4):
        pair = scene.hold(f"bot-{number}", scale=NonceScale.UNKNOWN)
        OwnKey(scene.http, pair, scene.clock).describe(NonceScale.MILLISECONDS)  # its program uses it
        assert caller_of(scene).lives(pair) is (True if number < MOST_REFUSED else None)
    assert in_row(scene) == MOST_REFUSED


def test_an_answer_of_any_key_to_any_host_ends_it(scene):
    dead(scene, "one", "two")
    scene.open(Nobody()).list_keys()
    assert in_row(scene) == 2
    scene.ours.host = "vault"
    scene.held.note(scene.hold("peer").public_key, answers=True)  # it is asked first
    scene.open(Nobody()).list_keys()
    assert in_row(scene) == 0


def test_a_command_ends_its_own_row_with_a_key_that_answered_in_it(scene, monkeypatch):
    scene.hold("peer")
    dead(scene, "one")
    asked = calls(monkeypatch)
    scene.open(Nobody()).list_keys()
    assert (asked[-1], in_row(scene)) == ("answered", 0)


def test_where_no_row_is_left_nobody_is_asked_twice(scene, monkeypatch):
    scene.hold("peer")
    asked = calls(monkeypatch)
    for _ in range(20):
        scene.open(Nobody()).list_keys()
    assert asked == ["answered"] * 20


@pytest.mark.parametrize("minutes", [0, 59])
def test_one_key_that_has_answered_here_is_tried_once_and_then_nobody_until_the_row_has_rested(
    scene, monkeypatch, minutes
):
    for name in ("well-1", "well-2"):
        scene.held.note(scene.hold(name).public_key, answers=True)
        scene.revoke(name)
    dead(scene, "a", "b", "c")
    for _ in range(MOST_REFUSED):
        scene.held.count_refused()
    scene.sandbox.advance(minutes=minutes)
    asked = calls(monkeypatch)
    for _ in range(5):
        scene.open(Nobody()).list_keys()
    assert asked == ["refused"]
    for number, hours in enumerate((1, 2, 4, 8, 16, 24, 24)):
        scene.sandbox.advance(minutes=60 * hours - 1)
        scene.open(Nobody()).list_keys()
        assert len(asked) == 1 + number
        scene.sandbox.advance(minutes=1)
        for _ in range(3):
            scene.open(Nobody()).list_keys()
        assert len(asked) == 2 + number


@pytest.mark.parametrize("count", [1, 2, 4])
def test_days_of_hourly_plans_come_to_a_call_a_day(scene, monkeypatch, count):
    """Whatever Kraken counts to: it is reached by few calls, hours apart, and not by hundreds."""
    for name in "abcd"[:count]:
        scene.held.note(scene.hold(name).public_key, answers=True)
        scene.revoke(name)
    scene.sandbox.switch("lockout-threshold", "none")
    asked, days = calls(monkeypatch), []
    for _ in range(6):
        for _ in range(24):
            scene.open(Nobody()).list_keys()
            scene.sandbox.advance(minutes=60)
        days.append(len(asked))
    scene.sandbox.switch("lockout-threshold", "5")
    assert days[0] <= 8, days
    assert days[-1] - days[2] <= 3, days


def test_the_one_call_goes_to_the_key_that_was_not_refused_for_longest(scene, monkeypatch):
    pairs = {name: scene.hold(name) for name in ("a", "b", "c")}
    for name, pair in pairs.items():
        scene.held.note(pair.public_key, answers=True)
        scene.revoke(name)
    words = {"a": "EAPI:Invalid nonce", "b": "EAPI:Invalid key", "c": "EAPI:Invalid key"}
    for name in ("c", "a", "b"):
        scene.held.note_refused(pairs[name].public_key, words[name])
        scene.held.count_refused()
        scene.sandbox.advance(minutes=5)
    scene.sandbox.advance(minutes=120)
    asked = []
    watch(monkeypatch, lambda pair, _: asked.append(pair.public_key))
    scene.open(Nobody()).list_keys()
    assert asked == [pairs["c"].public_key]


def test_a_person_who_types_in_a_pair_after_an_hour_is_heard_however_long_the_row_is(scene):
    dead(scene, "a")
    for _ in range(20):
        scene.held.count_refused()
    scene.sandbox.advance(minutes=60)
    website = scene.open()
    website.issue("new", READ)
    assert "new" not in website.list_keys().unasked
    assert in_row(scene) == 0


def test_what_refuses_every_small_number_is_not_asked_for_them_again(scene, monkeypatch):
    """By whoever counts; a peer that answers ends the row each time."""
    pair = scene.hold("bot", scale=NonceScale.COUNTER, fresh=True)
    scene.held.note(pair.public_key, answers=True)
    scene.held.note(scene.hold("peer").public_key, answers=True)
    OwnKey(scene.http, pair, scene.clock).describe_with(30)
    asked = calls(monkeypatch)
    for _ in range(20):
        assert "--nonce" in scene.look("bot")[1]
        scene.sandbox.advance(minutes=61)
    assert asked.count("refused") == 3


def test_two_hosts_that_are_refused_at_once_stop_each_other(scene):
    dead(scene, "a", "b", "c", "d")
    hosts = [caller_of(scene), caller_of(scene)]
    pairs = [each.pair for each in scene.held.holdings()]
    refused = [caller.row.refused for caller in hosts]
    for caller, pair in zip(hosts * 2, pairs, strict=True):
        if not caller.has_enough:
            assert caller.lives(pair) is False
        refused.append(caller.row.refused)
    assert refused == [0, 0, 1, 2, 3, 4]
    assert in_row(scene) == 4
