"""How the keys of one account are asked on a real sandbox: few calls are refused, and never several in a row."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest

from asked import Scene
from krakenctl.model.silence import Refusal
from krakenctl.model.verification import Verdict
from krakenctl.surfaces.kraken.own_key import OwnKey
from krakenctl.transport.http import Http

HERE, ELSEWHERE, ALSO_ELSEWHERE = ("127.0.0.1",), ("198.51.100.1",), ("198.51.100.2",)


@pytest.fixture
def scene(served_sandbox):
    http = Http(served_sandbox.url)
    with closing(sqlite3.connect(served_sandbox.db)) as connection, connection:
        connection.execute("DELETE FROM failure")
    yield Scene(served_sandbox, http)
    http.close()


def test_a_key_that_was_to_be_revoked_and_is_not_known_any_more_is(scene):
    scene.hold("gone", gone=True, answered=True, ending=True)
    scene.hold("shows", answered=True)
    found = scene.ask(failures=4)
    assert (found["gone"].verdict, scene.worst) == (Verdict.REVOKED, 1)


def test_a_key_whose_end_nobody_planned_may_as_well_be_restricted_to_other_addresses(scene):
    scene.hold("silent", gone=True, answered=True)
    scene.hold("shows", answered=True)
    for _ in range(3):
        asked = scene.ask()["silent"]
        assert (asked.verdict, "somebody restricted it to other addresses" in asked.why) == (Verdict.DENIED, True)
        scene.sandbox.advance(seconds=4000)


@pytest.mark.parametrize("peer", [HERE, ("127.0.0.0/30",), (), ELSEWHERE])
def test_silence_behind_an_allow_list_proves_an_end_only_where_another_key_shows_that_this_host_is_in_it(scene, peer):
    scene.hold("gone", ("127.0.0.0/30", *ELSEWHERE), gone=True, answered=True, ending=True)
    scene.hold("moved", ELSEWHERE, answered=True)
    scene.hold("peer", peer)
    found = scene.ask(failures=5)
    proves = peer in (HERE, ("127.0.0.0/30",))
    assert found["gone"].verdict is (Verdict.REVOKED if proves else Verdict.UNKNOWN)
    assert (found["moved"].verdict, "another address" in found["moved"].why) == (Verdict.UNKNOWN, True)


def test_a_key_is_not_refused_twice_with_no_answer_in_between(scene):
    scene.hold("gone", gone=True, answered=True)
    asked = scene.ask()["gone"]
    assert (asked.verdict, "knows it no more" in asked.why, scene.worst) == (Verdict.DENIED, True, 1)


def test_a_key_that_is_proved_gone_is_not_asked(scene):
    scene.hold("gone", gone=True, answered=True, ending=True)
    scene.hold("shows", answered=True)
    scene.ask()
    del scene.holdings[1]
    scene.worst = 0
    asked = scene.ask()["gone"]
    assert (asked.verdict, "so it is not asked again" in asked.why, scene.worst) == (Verdict.REVOKED, True, 0)


def test_half_a_proof_is_none(scene):
    scene.hold("gone", gone=True, answered=True)
    scene.hold("shows", answered=True)
    assert scene.ask(failures=1)["gone"].verdict is Verdict.DENIED


def test_a_refused_key_is_left_alone_and_what_was_wrong_is_still_told(scene):
    scene.hold("gone", gone=True)
    first = scene.ask()["gone"]
    scene.sandbox.advance(seconds=600)
    second = scene.ask()["gone"]
    assert (first.verdict, second.verdict, scene.worst) == (Verdict.DENIED, Verdict.DENIED, 1)
    assert "not asked again before" in second.why
    scene.named = True
    scene.ask()
    assert scene.worst == 2


def test_what_was_refused_when_this_host_had_another_address_proves_nothing_now(scene):
    scene.hold("moved-back", HERE)
    scene.hold("peer", HERE)
    moved, _ = scene.holdings
    refused = Refusal(at=int(scene.sandbox.now), times=1, said="EAPI:Invalid key")
    scene.state.refused(moved.record.public_key, "desk", refused)
    found = scene.ask()
    assert (found["peer"].verdict, found["moved-back"].verdict) == (None, Verdict.UNKNOWN)


def test_what_two_commands_were_told_is_proof_enough(scene):
    for n in range(3):
        scene.hold(f"gone-{n}", gone=True, answered=True, ending=True)
    scene.hold("shows", answered=True)
    assert {scene.ask()[f"gone-{n}"].verdict for n in range(3)} == {Verdict.DENIED}
    scene.sandbox.advance(seconds=4000)
    assert {scene.ask()[f"gone-{n}"].verdict for n in range(3)} == {Verdict.REVOKED}
    assert scene.worst <= 3


def test_while_the_account_is_known_to_be_locked_nobody_calls(scene):
    scene.hold("bot", answered=True)
    scene.state.locked_out("acme", int(scene.sandbox.now))
    scene.named = True
    asked = scene.ask()["bot"]
    assert (asked.verdict, "none of its keys is asked before" in asked.why) == (Verdict.LOCKED_OUT, True)


def test_the_pair_of_another_key_is_not_asked_in_its_stead(scene):
    scene.hold("bot")
    scene.hold("other")
    bot, other = scene.holdings
    scene.holdings[0] = replace(bot, pair=other.pair)
    found = scene.ask()["bot"]
    assert (found.told, found.verdict, "another key" in found.why) == (None, Verdict.DENIED, True)


def test_a_second_factor_is_unknown(scene):
    scene.hold("guarded", otp="a password")
    asked = scene.ask()["guarded"]
    assert (asked.verdict, "2FA" in asked.why) == (Verdict.UNKNOWN, True)


def test_a_refusal_is_followed_by_a_call_that_is_answered(scene):
    for n in range(4):
        scene.hold(f"gone-{n}", gone=True)
    scene.hold("shut", ELSEWHERE)
    scene.hold("shut-too", ALSO_ELSEWHERE)
    scene.hold("good")
    scene.holdings.insert(0, scene.holdings.pop())
    found = scene.ask(failures=10)
    assert scene.worst == 1
    assert [asked.verdict for asked in found.values()].count(Verdict.DENIED) == 4
    assert found["shut"].verdict is Verdict.UNKNOWN


def test_without_such_a_call_the_allowance_is_the_most(scene):
    for n in range(6):
        scene.hold(f"gone-{n}", gone=True)
    found = scene.ask()
    assert scene.worst == 3
    assert sum("could lock it" in asked.why for asked in found.values()) == 3


def test_a_key_behind_an_allow_list_that_let_another_in_is_judged_by_that(scene):
    scene.hold("good", HERE)
    scene.hold("gone", HERE, gone=True)
    found = scene.ask()
    assert (found["good"].verdict, found["gone"].verdict) == (None, Verdict.DENIED)


def test_a_busy_consumer_proves_life(scene):
    scene.hold("busy")
    [holding] = scene.holdings
    OwnKey(scene.http, holding.pair, lambda: int((scene.sandbox.now + 60) * 1_000_000_000)).describe(holding.scale)
    asked = scene.ask()["busy"]
    assert (asked.verdict, asked.lives) == (Verdict.UNKNOWN, True)


def test_an_outage_is_no_verdict(scene):
    scene.hold("bot")
    scene.sandbox.fault("error", error="EService:Unavailable", times=1)
    asked = scene.ask()["bot"]
    scene.sandbox.clear_faults()
    assert (asked.verdict, asked.lives) == (Verdict.UNKNOWN, False)
