"""A new key that has seen the small nonces: whoever comes next is told which number to try, and may delete it."""

from __future__ import annotations

import pytest

import followed
from dialogue import Dialogue
from waiting import BOT, ORDERS, at, waiting_desk

KEY, STOP, DELETED = "API key: ", "[n] stop here ", "[d] it is deleted"


def flat(text):
    return " ".join(text.split())


def used_up(root, nonce):
    """Somebody has attested it from an address that its allow-list leaves out: Kraken looked at the number first."""
    desk = waiting_desk(root, ORDERS[0], consumer={"nonce": nonce})
    desk.advance(60)
    assert desk.run("attest", BOT).code == 1
    desk.advance(7200)
    return desk


WAYS = {"unknown": ("--nonce 41 if no program uses it yet", ("--nonce", "41")), "ms": ("by its program's clock", ())}


@pytest.mark.parametrize("nonce", WAYS)
def test_the_blocked_line_says_what_attest_is_to_send_and_attest_is_answered_then(tmp_path, monkeypatch, nonce):
    desk, (way, flags) = used_up(tmp_path / "acme", nonce), WAYS[nonce]
    ran = desk.run("apply", "--yes")
    assert (ran.code, way in flat(ran.err)) == (8, True), ran.err
    desk.advance(7200)
    with at(monkeypatch):
        assert desk.run("attest", BOT, *flags).code == 0
    assert desk.recorded().keys


@pytest.mark.parametrize("nonce", WAYS)
def test_at_the_terminal_it_may_be_said_to_be_deleted(tmp_path, nonce):
    desk = used_up(tmp_path / "acme", nonce)
    talk = Dialogue("-C", desk.root, "apply", "--yes", cwd=desk.root)
    said = flat(talk.until(STOP))
    assert (WAYS[nonce][0] in said, DELETED in said) == (True, True), said
    talk.type("d")
    assert followed.read(talk.until(KEY)).name == "bot.a7.g2"
    talk.hang_up()
