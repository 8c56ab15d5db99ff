"""What a key's silence proves, and what it costs: under each order in which Kraken may look at a call."""

from __future__ import annotations

from dataclasses import replace

import pytest

from krakenctl.errors import LockedOut, NonceRefused
from krakenctl.model.address import key_address
from krakenctl.model.description import NonceScale
from krakenctl.model.human import Revocation
from krakenctl.model.journal import Stage
from krakenctl.model.silence import Answer
from krakenctl.surfaces.kraken.gently import Caller
from krakenctl.surfaces.kraken.own_key import OwnKey
from krakenctl.surfaces.person import Nobody
from krakenctl.testing.person import Robot, on
from website_scene import READ, calls

HERE, AWAY, NEAR = "127.0.0.1", "198.51.100.1", "127.0.0.0/8"
WORDS = ["EAPI:Invalid key", "EGeneral:Permission denied", "EAPI:Invalid signature"]


def an_hour(scene):
    scene.sandbox.advance(hours=1)


def only(*ip_allowlist):
    return replace(READ, ip_allowlist=ip_allowlist)


def answering(scene, name, *ip_allowlist, **how):
    """A key of that allow-list that has answered from here before."""
    pair = scene.hold(name, only(*ip_allowlist), **how)
    scene.held.note(pair.public_key, answers=True)
    return pair


# The proof


def test_a_key_that_has_answered_and_does_not_any_more_is_gone(scene):
    answering(scene, "bot", ending=True)
    scene.revoke("bot")
    assert scene.open().list_keys().keys == ()


def test_what_is_proved_gone_is_remembered_and_not_asked_again(scene, monkeypatch):
    pair = answering(scene, "bot", ending=True)
    scene.revoke("bot")
    asked = calls(monkeypatch)
    assert scene.open().list_keys().keys == ()
    assert (len(asked), list(scene.ours.recorded.gone)) == (2, [pair.public_key])
    assert [scene.open().list_keys().keys for _ in range(6)] == [()] * 6
    assert len(asked) == 2


def test_where_nothing_is_remembered_one_refusal_is_all(scene, monkeypatch):
    answering(scene, "bot", ending=True)
    scene.revoke("bot")
    scene.ours.forgets, asked = True, calls(monkeypatch)
    _, unasked, _ = scene.look("bot")
    assert (len(asked), "a later run proves it" in unasked) == (1, True)


def test_where_nothing_is_remembered_two_refusals_with_an_answer_in_between_prove_it(scene, monkeypatch):
    for name in ("a-gone", "kept", "z-gone"):
        answering(scene, name, ending=name != "kept")
    scene.revoke("a-gone", "z-gone")
    scene.ours.forgets, asked = True, calls(monkeypatch)
    assert [live.name for live in scene.open().list_keys().keys] == ["kept"]
    assert "refused refused refused" not in " ".join(asked)


def test_a_key_that_never_answered_from_here_is_not_said_to_be_gone(scene):
    scene.hold("bot")
    scene.revoke("bot")
    _, unasked, _ = scene.look("bot")
    assert "refused from here" in unasked


def test_three_refusals_in_a_row_are_enough(scene):
    for number in range(6):
        scene.hold(f"bot-{number}")
        scene.revoke(f"bot-{number}")
    unasked = scene.open().list_keys().unasked
    assert sum("refused from here" in why for why in unasked.values()) == 3
    assert sum(why.startswith("not asked: ") for why in unasked.values()) == 3


def test_a_lockout_stops(scene):
    scene.hold("bot")
    scene.sandbox.fault("lockout", account=scene.site)
    with pytest.raises(LockedOut):
        scene.open().list_keys()


def test_nobody_is_asked_to_delete_a_key_of_a_locked_account(scene):
    scene.hold("bot", scale=NonceScale.UNKNOWN)
    robot = Robot(scene.sandbox.db)
    website = scene.open(robot)
    scene.sandbox.fault("lockout", account=scene.site)
    with pytest.raises(LockedOut):
        website.revoke("bot")
    assert robot.told == []


def test_a_lockout_met_after_a_key_was_deleted_stops_at_the_next(scene):
    for name in ("bot", "other"):
        scene.hold(name)
    robot = Robot(scene.sandbox.db)
    website = scene.open(robot)
    website.list_keys()
    scene.sandbox.fault("lockout", account=scene.site)
    assert website.revoke("bot") is Revocation.CLAIMED  # what was done is not asked for again
    with pytest.raises(LockedOut):
        website.revoke("other")
    assert [what for what, _, _ in robot.told] == ["revoke"]


def test_a_key_that_answered_and_does_not_any_more_is_revoked_and_that_is_proved(scene):
    scene.hold("bot", scale=NonceScale.UNKNOWN)
    website = scene.open()
    assert website.revoke("bot") is Revocation.PROVED
    assert website.list_keys().keys == ()


def test_the_silence_of_a_key_that_nobody_heard_before_its_deletion_proves_nothing(scene):
    scene.hold("bot", replace(READ, ip_allowlist=("198.51.100.1",)), scale=NonceScale.UNKNOWN)
    website = scene.open()
    assert website.revoke("bot") is Revocation.UNHEARD


def test_a_key_that_still_answers_is_not_believed_to_be_gone(scene):
    scene.hold("bot")
    robot = Robot(scene.sandbox.db, deletes=False)
    website = scene.open(robot)
    assert website.revoke("bot") is Revocation.PROVED  # they were told that it still answers, and deleted it
    assert [what for what, _, _ in robot.told] == ["revoke", "again"]


def test_a_claim_is_proved_by_a_later_run(scene):
    pair = scene.hold("bot", claimed_by="alice")
    scene.held.note(pair.public_key, answers=True)
    assert scene.look("bot")[1] == ""  # it answers: the claim is wrong
    scene.revoke("bot")
    assert scene.look("bot")[1] == ""  # and is not asked again at once
    scene.sandbox.advance(minutes=1)
    assert scene.open().list_keys().keys == ()


def test_a_claim_about_a_key_that_never_answered_from_here_stays_one(scene):
    scene.hold("bot", claimed_by="alice")
    scene.revoke("bot")
    live, unasked, _ = scene.look("bot")
    assert (live.name, bool(unasked)) == ("bot", True)


def test_no_command_of_ours_brings_on_a_lockout(scene):
    for number in range(8):
        pair = scene.hold(f"bot-{number}", scale=NonceScale.UNKNOWN)
        OwnKey(scene.http, pair, scene.clock).describe(NonceScale.MILLISECONDS)  # it is in use
    website = scene.open()
    assert {website.revoke(f"bot-{number}") for number in range(8)} == {Revocation.PROVED, Revocation.UNHEARD}


# The silence of a key that nobody says is deleted


class Confirms(Robot):
    """They looked, and it was gone already."""

    def revoke(self, step):
        self.told.append(("revoke", step, ()))


def deleted(scene):
    scene.revoke("bot")


def restricted(scene):
    scene.move("bot", AWAY)


@pytest.mark.parametrize("deed", [deleted, restricted])
@pytest.mark.parametrize("allow_list", [(), (HERE,)])
def test_a_key_whose_end_nobody_claims_is_never_taken_for_gone(scene, deed, allow_list):
    answering(scene, "bot", *allow_list)
    answering(scene, "peer", HERE)
    deed(scene)
    lives_on = deed is restricted and scene.order == "nonce-first"  # then its nonce tells
    for _ in range(6):
        listing = scene.open().list_keys()
        assert {live.name for live in listing.keys} == {"bot", "peer"}
        assert (listing.silent, bool(listing.odd)) == (frozenset() if lives_on else {"bot"}, lives_on)
        assert "bot" in listing.unasked
        an_hour(scene)
    assert scene.ours.recorded.gone == {}


def test_a_silent_key_costs_no_more_than_two_refusals_while_it_rests(scene, monkeypatch):
    answering(scene, "bot")
    scene.revoke("bot")
    asked = calls(monkeypatch)
    assert {scene.open().list_keys().silent for _ in range(20)} == {frozenset({"bot"})}
    assert asked == ["refused", "refused"]


def test_a_key_that_was_silent_when_its_end_was_planned_ends_by_a_persons_word_only(scene):
    answering(scene, "bot", ending=True)
    scene.ours.state.update(replace(scene.ours.record("bot"), unheard=True))
    answering(scene, "peer")
    scene.revoke("bot")
    for _ in range(3):
        assert scene.open().list_keys().silent == {"bot"}
        an_hour(scene)
    website = scene.open(Confirms(scene.sandbox.db))
    assert website.revoke("bot") is Revocation.UNHEARD
    assert {live.name for live in website.list_keys().keys} == {"bot", "peer"}


@pytest.mark.parametrize("scale", [NonceScale.UNKNOWN, NonceScale.MILLISECONDS])
def test_the_silence_of_a_key_that_was_silent_before_its_deletion_proves_nothing(scene, scale):
    pair = answering(scene, "bot", scale=scale)
    OwnKey(scene.http, pair, scene.clock).describe(NonceScale.MILLISECONDS)  # it is in use
    answering(scene, "peer", HERE)
    scene.move("bot", AWAY)
    website = scene.open()
    shows = scene.order == "nonce-first"  # then it is told from a key that is gone
    assert website.revoke("bot") is (Revocation.PROVED if shows else Revocation.UNHEARD)
    assert len(website.list_keys().keys) == (1 if shows else 2)


def test_a_silent_key_that_answers_again_is_as_it_was(scene):
    answering(scene, "bot", HERE)
    answering(scene, "peer", HERE)
    restricted(scene)
    scene.open().list_keys()
    scene.move("bot", HERE)
    an_hour(scene)
    listing = scene.open().list_keys()
    assert (listing.silent, listing.unasked, listing.odd) == (frozenset(), {}, {})


# A refused nonce proves life


def test_a_key_whose_nonce_was_refused_rests_for_no_more_than_a_minute_however_often(scene):
    pair = answering(scene, "bot")
    for _ in range(4):
        assert scene.unasked() == {}
        caller = Caller(http=scene.http, held=scene.held, clock=scene.clock, wait=scene.waited.append)
        with pytest.raises(NonceRefused):
            caller.describe_with(pair, 1)
        assert "it lives" in scene.unasked()["bot"]
        scene.sandbox.advance(minutes=1)


# This host's address may change


@pytest.mark.parametrize("words", WORDS)
def test_a_living_key_is_not_taken_for_gone_when_this_hosts_address_changes(scene, words):
    scene.sandbox.switch("disallowed-ip-error", words)
    answering(scene, "bot", HERE)
    answering(scene, "open")
    assert scene.unasked() == {}
    scene.move("bot", AWAY)
    for _ in range(4):
        _, unasked, _ = scene.look("bot")
        assert "refused from here" in unasked
        an_hour(scene)
    assert scene.ours.recorded.gone == {}
    scene.move("bot", HERE)
    scene.sandbox.advance(days=1)
    assert scene.look("bot")[1] == ""


@pytest.mark.parametrize(("peer", "proves"), [((HERE,), True), ((NEAR,), False), ((), False), ((HERE, AWAY), False)])
def test_the_end_of_an_allow_listed_key_is_proved_by_one_that_would_be_refused_as_well(scene, peer, proves):
    answering(scene, "bot", HERE, ending=True)
    answering(scene, "peer", *peer)
    scene.revoke("bot")
    assert ("bot" in {live.name for live in scene.open().list_keys().keys}) is not proves


def test_a_key_that_is_asked_later_in_the_same_run_may_prove_it_too(scene):
    answering(scene, "a-bot", "127.0.0.0/24", ending=True)
    scene.hold("z-peer", only(HERE), fresh=True)
    scene.revoke("a-bot")
    assert "a-bot" in scene.unasked()  # new ones are asked last
    scene.ours.state.advance(key_address("acme", "z-peer"), "z-peer", Stage.CHECKED)  # now they may use it
    an_hour(scene)
    assert scene.unasked() == {}


def test_what_a_person_may_have_put_right_is_asked_again_while_they_are_there(scene, monkeypatch):
    answering(scene, "bot", HERE, fresh=True)
    scene.move("bot", AWAY)
    assert "not in its allow-list" in scene.unasked()["bot"]
    scene.move("bot", HERE)
    asked = calls(monkeypatch)
    scene.open(Nobody()).list_keys()
    assert asked == []
    assert scene.unasked() == {}


def test_a_revoke_of_an_allow_listed_key_is_claimed_unless_another_one_answers(scene):
    answering(scene, "bot", HERE, scale=NonceScale.UNKNOWN)
    assert scene.open().revoke("bot") is Revocation.CLAIMED


def test_a_successor_proves_that_what_it_replaced_is_gone(scene):
    answering(scene, "bot", HERE, scale=NonceScale.UNKNOWN)
    website = scene.open()
    website.issue("bot.a7.g2", only(HERE))
    website.list_keys()
    assert website.revoke("bot") is Revocation.PROVED


# What it costs


def test_however_often_one_plans_dead_keys_cost_no_more_refusals(scene, monkeypatch):
    for number in range(3):
        answering(scene, f"open-{number}")
        answering(scene, f"listed-{number}", HERE)
    scene.revoke(*(f"{kind}-{number}" for kind in ("open", "listed") for number in range(3)))
    asked = calls(monkeypatch)
    for _ in range(5):
        scene.unasked()
    so_far = len(asked)
    for _ in range(20):
        scene.unasked()
    assert (so_far <= 4, len(asked), "answered" in asked) == (True, so_far, False)


def test_a_living_key_ends_the_row_so_that_dead_ones_are_found_at_once(scene, monkeypatch):
    answering(scene, "alive")
    for number in range(5):
        answering(scene, f"dead-{number}", ending=True)
    scene.revoke(*(f"dead-{number}" for number in range(5)))
    asked = calls(monkeypatch)
    assert [live.name for live in scene.open().list_keys().keys] == ["alive"]
    assert "refused refused refused" not in " ".join(asked)


@pytest.mark.parametrize("words", WORDS)
def test_from_another_address_every_plan_after_the_first_asks_nobody(scene, monkeypatch, words):
    scene.sandbox.switch("disallowed-ip-error", words)
    for number in range(3):
        answering(scene, f"bot-{number}", HERE)
        scene.move(f"bot-{number}", AWAY)
    asked = calls(monkeypatch)
    first = scene.unasked()
    so_far = len(asked)
    assert [scene.unasked() for _ in range(20)] == [first] * 20  # and they say the same
    assert len(asked) == so_far <= 3


def test_each_refusal_lets_a_key_rest_for_longer(scene, monkeypatch):
    answering(scene, "bot", HERE)
    scene.move("bot", AWAY)
    asked, rests = calls(monkeypatch), []
    for hour in range(40):
        before = len(asked)
        scene.unasked()
        if len(asked) > before:
            rests.append(hour)
        an_hour(scene)
    assert rests == [0, 1, 3, 7, 15, 31]


def test_a_locked_account_is_left_alone_until_the_lockout_has_passed(scene, monkeypatch):
    answering(scene, "bot")
    scene.sandbox.fault("lockout", account=scene.site)
    for _ in range(3):
        with pytest.raises(LockedOut):
            scene.open().list_keys()
        asked = calls(monkeypatch)
    assert asked == []
    scene.sandbox.clear_faults()
    scene.sandbox.advance(minutes=15)
    assert scene.unasked() == {}


# The nonces of a key that nobody uses yet


@pytest.mark.parametrize("scale", [NonceScale.COUNTER, NonceScale.UNKNOWN])
def test_a_key_that_waits_is_asked_with_small_nonces_and_then_not_at_all(scene, scale, monkeypatch):
    pair = scene.hold("bot", scale=scale, fresh=True)
    asked = calls(monkeypatch)
    for _ in range(21):
        scene.sandbox.advance(minutes=1)
        assert scene.look("bot")[1] == ""
    for _ in range(5):
        assert "--nonce 41" in scene.look("bot")[1]
    assert asked == ["answered"] * 21
    assert OwnKey(scene.http, pair, scene.clock).describe_with(22)


def test_a_key_that_was_asked_elsewhere_costs_its_consumer_no_more(scene, monkeypatch):
    pair = scene.hold("bot", scale=NonceScale.COUNTER, fresh=True)
    scene.held.note(pair.public_key, answers=True)
    OwnKey(scene.http, pair, scene.clock).describe_with(30)
    asked = calls(monkeypatch)
    assert {scene.look("bot")[1] for _ in range(20)} == {scene.look("bot")[1]}
    assert asked == ["refused"] * 3


def test_a_key_with_a_clock_is_asked_by_that_once_small_nonces_are_used_up(scene):
    pair = scene.hold("bot", fresh=True)
    OwnKey(scene.http, pair, scene.clock).describe_with(30)
    scene.held.note(pair.public_key, answers=True, told=Answer(spent=21))
    assert scene.look("bot")[1] == ""


# Whose account it is


def test_the_first_key_tells_whose_account_it_is_and_the_next_is_held_to_that(scene):
    elsewhere = f"beside-{scene.site}"
    scene.sandbox.account(elsewhere)
    website = scene.open(Robot(scene.sandbox.db, [on(scene.site), on(elsewhere)]))
    website.issue("one", READ)
    assert website.list_keys().odd == {}
    website.issue("two", READ)
    [odd] = website.list_keys().odd["two"]
    assert "belongs to the account" in odd


def test_whose_account_it_is_stays_known_of_keys_that_may_not_be_asked(scene):
    pair = answering(scene, "bot", scale=NonceScale.COUNTER)
    scene.held.note(pair.public_key, answers=True, told=Answer("AA12 N84G EXAM PLE1"))
    assert scene.open().iiban() == "AA12 N84G EXAM PLE1"
