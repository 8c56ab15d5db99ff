"""A person says that a key is not there: of that key, and of no other of the same address."""

from __future__ import annotations

from pathlib import Path

import pytest

import desk as d
from by_hand import a_key, by_hand, run
from desk import HOME, Desk
from krakenctl.testing.person import Robot

BOT = "ApiKey/acme/bot"


class WindowClosed(Exception):
    """As SIGKILL would: nothing of ours is run after it."""


class Vanishing(Robot):
    """Makes the key, and before they type it in the run dies."""

    def issue(self, step):
        Robot.issue(self, step)
        raise WindowClosed


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A key that was replaced, and the end of the first one is only claimed; who was to make the third one vanished."""
    d.stop_time(monkeypatch)
    desk = d.make_desk(tmp_path / "acme")
    for permission in ("query-funds", "query-ledger"):
        desk.declare(by_hand(), a_key("bot", permission, ipAllowlist=[HOME]))
        run(desk, Robot(desk.db, reason="a test", deletes=False))
        desk.advance(3600)
    desk.declare(by_hand(), a_key("bot", "export-data", ipAllowlist=[HOME]))
    with pytest.raises(WindowClosed):
        run(desk, Vanishing(desk.db))
    desk.advance(3600)
    desk.run("recover")
    assert in_sight(desk) == {"bot.a7.g1", "bot.a7.g2", "bot.a7.g3"}
    return desk


def in_sight(desk: Desk) -> set[str]:
    return {trace.live_name for trace in desk.recorded().traces}


def test_which_key_is_meant_has_to_be_said_where_several_are_in_question(desk: Desk):
    ran = desk.run("recover", "--absent", BOT)
    assert ran.code == 64
    for name in ("bot.a7.g1", "bot.a7.g3"):
        assert f"recover --absent {BOT}:{name}" in " ".join(ran.err.split())
    assert in_sight(desk) == {"bot.a7.g1", "bot.a7.g2", "bot.a7.g3"}


def test_a_word_about_one_key_forgets_no_other(desk: Desk):
    assert desk.run("recover", "--absent", f"{BOT}:bot.a7.g3").code == 0
    assert in_sight(desk) == {"bot.a7.g1", "bot.a7.g2"}
    [told] = [one for one in desk.plan()["findings"] if one["rule"] == "revoke-claimed"]
    assert "bot.a7.g1" in told["message"]


def test_a_key_that_is_in_no_question_cannot_be_denied(desk: Desk):
    ran = desk.run("recover", "--absent", f"{BOT}:bot.a7.g2")
    assert (ran.code, "no bot.a7.g2" in ran.err) == (64, True), ran.err
    assert "bot.a7.g2" in in_sight(desk)
