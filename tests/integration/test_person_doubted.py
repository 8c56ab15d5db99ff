"""What a person may have typed wrongly, and cannot be seen from here, is asked for again before their word is taken."""

from __future__ import annotations

import io
import json

import pytest

import followed
from by_hand import a_key, by_hand, run
from desk import make_desk
from dialogue import Dialogue
from krakenctl.stores.base import Slot
from krakenctl.testing.person import Robot
from waiting import BOT, NAME, THERE

KEY, AGAIN = "API key: ", "[n] stop here "
TAKE = "[a] it is right: take it unseen,"
SAVED = "Is it saved? [Y/n] "
ACCEPTING = ("--accept-unverified", "ticket 4711")
WORDS = ("EAPI:Invalid signature", "EGeneral:Permission denied", "EAPI:Invalid nonce", "EAPI:Invalid key")
MISTYPED = "ticket 4711 (Kraken: EAPI:Invalid signature)"
AWAY = {"end": b"\x04", "ctrl-c": b"\x03"}


@pytest.fixture
def desk(tmp_path):
    return make_desk(tmp_path)


def opened(desk, *args):
    return Dialogue("-C", desk.root, "apply", "--yes", *args, cwd=desk.root)


def flat(text):
    return " ".join(text.split())


def left(talk, how):
    """Whoever does not answer: they press a key that ends it, close the window, or the machine goes down."""
    if how == "closed":
        return talk.hang_up()
    if how == "killed":
        return talk.kill()
    if how == "no":
        talk.type("n")
    else:
        talk.press(AWAY[how])
    return talk.end()[0]


def mistyped(desk, *args):
    """A key that this host may use, and of whose private key one letter is wrong. The right pair."""
    desk.declare(by_hand(), a_key())
    talk = opened(desk, *args)
    key, secret = followed.make(desk.db, followed.read(talk.until(KEY)))
    talk.type(f"{key}\n{'B' if secret[0] == 'A' else 'A'}{secret[1:]}")
    assert "key and secret do not belong together, because one was mistyped" in flat(talk.until(AGAIN))
    desk.advance(20)
    return talk, (key, secret)


@pytest.mark.parametrize("args", [(), ACCEPTING], ids=["plain", "with a reason"])
def test_a_mistyped_private_key_may_be_typed_in_again_also_where_it_would_be_accepted_unseen(desk, args):
    talk, pair = mistyped(desk, *args)
    talk.type("k")
    talk.until(KEY)
    talk.type("\n".join(pair))
    code, said = talk.end()
    assert (code, desk.plan()["changes"]) == (0, []), said
    [record] = desk.recorded().keys.values()
    assert (record.unverified, desk.entry("acme/bot").secret.reveal()) == ("", pair[1])


def test_whoever_says_that_it_is_right_takes_it_unseen_and_every_view_tells_what_kraken_said(desk):
    talk, _ = mistyped(desk, *ACCEPTING)
    talk.type("a")
    code, said = talk.end()
    assert code == 0, said
    [record] = desk.recorded().keys.values()
    assert record.unverified == MISTYPED
    for view in (("state", "list"), ("plan",), ("verify",), ("drift",), ("log",)):
        assert MISTYPED in flat(desk.run(*view).out), view


@pytest.mark.parametrize("how", ["no", *AWAY, "closed", "killed"])
def test_no_answer_is_no_word_that_it_is_right(desk, how):
    talk, pair = mistyped(desk, *ACCEPTING)
    assert left(talk, how) in {"no": (8,), "end": (8,), "ctrl-c": (130,), "closed": (8, 130), "killed": (-9,)}[how]
    assert (desk.slots(), desk.recorded().keys) == (["acme/bot/pending"], {})
    desk.advance(7200)
    talk = opened(desk, *ACCEPTING)
    talk.until(AGAIN)
    talk.type("k")
    talk.until(KEY)
    talk.type("\n".join(pair))
    code, said = talk.end()
    assert (code, desk.plan()["changes"]) == (0, []), said
    assert [record.unverified for record in desk.recorded().keys.values()] == [""]


def test_with_nobody_there_the_reason_is_enough_and_what_kraken_said_stands_beside_it(desk):
    mistyped(desk)[0].hang_up()
    assert desk.run("apply", "--yes", *ACCEPTING).code == 0
    [record] = desk.recorded().keys.values()
    assert record.unverified == MISTYPED


@pytest.mark.parametrize("words", WORDS)
def test_whatever_kraken_says_to_an_address_that_is_left_out_it_may_be_the_pair_that_is_wrong(desk, words):
    desk.switch("disallowed-ip-error", words)
    desk.declare(by_hand(), a_key(ipAllowlist=[THERE]))
    talk = opened(desk, *ACCEPTING)
    talk.type("\n".join(followed.make(desk.db, followed.read(talk.until(KEY)))))
    said = flat(talk.until(AGAIN))
    assert ("this host is not in its allow-list" in said, "mistyped" in said) == (True, True), said
    assert TAKE in said
    talk.type("a")
    code, said = talk.end()
    assert code == 0, said
    assert [record.unverified for record in desk.recorded().keys.values()] == [f"ticket 4711 (Kraken: {words})"]


def edited(desk, *args, **otherwise):
    """An edit of the allow-list by which this host is to be let in still. What they were told to fill in."""
    desk.declare(by_hand(), a_key())
    talk = opened(desk)
    talk.type("\n".join(followed.make(desk.db, followed.read(talk.until(KEY)))))
    assert talk.end()[0] == 0
    desk.advance(60)
    desk.declare(by_hand(), a_key(ipAllowlist=["127.0.0.1", THERE]))
    return edited_again(desk, *args, **otherwise)


def edited_again(desk, *args, **otherwise):
    talk = opened(desk, *args)
    told = followed.read(talk.until(SAVED))
    followed.edit(desk.db, told, **otherwise)
    talk.type("y")
    said = flat(talk.until(AGAIN))
    assert "its allow-list or its end may shut this host out (were they typed as shown?)" in said
    desk.advance(20)
    return talk, told


@pytest.mark.parametrize("args", [(), ACCEPTING], ids=["plain", "with a reason"])
def test_an_edit_that_shuts_this_host_out_may_be_put_right_also_where_it_would_be_accepted_unseen(desk, args):
    talk, told = edited(desk, *args, ip_allowlist=(THERE,))
    followed.edit(desk.db, told)
    talk.type("y")
    code, said = talk.end()
    assert (code, desk.plan()["changes"]) == (0, []), said
    assert [record.unverified for record in desk.recorded().keys.values()] == [""]


def test_an_edit_of_which_somebody_says_that_it_is_right_is_taken_unseen(desk):
    talk, _ = edited(desk, *ACCEPTING, ip_allowlist=(THERE,))
    talk.type("a")
    code, said = talk.end()
    assert code == 0, said
    [record] = desk.recorded().keys.values()
    assert record.unverified == "ticket 4711 (Kraken: EAPI:Invalid key)"
    assert record.spec.ip_allowlist == ("127.0.0.1", THERE)


@pytest.mark.parametrize("how", ["plain", "no", *AWAY, "closed", "killed"])
def test_an_edit_that_nobody_answers_for_is_asked_for_again(desk, how):
    talk, _ = edited(desk, *(() if how == "plain" else ACCEPTING), ip_allowlist=(THERE,))
    if how == "plain":
        talk.type("n")
        code, said = talk.end()
        assert (code, "--accept-unverified REASON" in flat(said)) == (8, True), said
    else:
        left(talk, how)
    assert [record.unverified for record in desk.recorded().keys.values()] == [""]
    desk.advance(7200)
    assert desk.changes() == {BOT: "update"}
    talk, told = edited_again(desk, ip_allowlist=(THERE,))
    followed.edit(desk.db, told)
    talk.type("y")
    code, said = talk.end()
    assert (code, desk.plan()["changes"], NAME in desk.rows()) == (0, [], True), said


def waiting(desk, *names):
    """Made by a person, one after another; their allow-lists leave this host out."""
    desk.declare(by_hand(), *(a_key(name, ipAllowlist=[THERE]) for name in names))
    run(desk, Robot(desk.db))
    assert [intent.live_name for intent in desk.recorded().intents] == [f"{name}.a7.g1" for name in names]


def in_use(desk):
    return [key.live_name for key in desk.recorded().keys.values()]


def test_with_nobody_there_the_reason_is_for_every_key_that_waits_and_each_is_named(desk):
    waiting(desk, "one", "two")
    ran = desk.run("apply", "--yes", *ACCEPTING)
    assert (ran.code, sorted(in_use(desk))) == (0, ["one.a7.g1", "two.a7.g1"])
    for name in in_use(desk):
        assert f"{name} is taken unseen: ticket 4711" in flat(ran.out + ran.err)


def test_a_reason_on_standard_input_is_for_the_keys_that_a_line_tells_of(desk, monkeypatch):
    waiting(desk, "one", "two")
    for lines, expected in (("", []), (told_again(desk, "one"), ["one.a7.g1"])):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(lines.encode())))
        ran = desk.run("apply", "--yes", "--stdin", *ACCEPTING)
        assert (ran.code, in_use(desk)) == (8, expected), ran.out + ran.err


def told_again(desk, name):
    kept = desk.entry(f"acme/{name}", Slot.PENDING)
    return json.dumps({"name": kept.live_name, "apiKey": kept.public_key, "secret": kept.secret.reveal()})
