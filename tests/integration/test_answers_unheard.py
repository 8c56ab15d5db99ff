"""What a pipeline tells on standard input and nothing asks for: refused before anything is done, or told at the end."""

from __future__ import annotations

import io
import json
import re

import pytest

import followed_runbook
from by_hand import a_key, by_hand
from desk import MEANT, make_desk
from krakenctl.sandbox.people import operate

DAY = 86_400
OLD, NEW = "bot.a7.g1", "bot.a7.g2"


@pytest.fixture
def desk(tmp_path):
    """With a key in use, and another account that has none."""
    made = make_desk(tmp_path)
    operate.make_account(made.db, "beta")
    declare(made, a_key())
    made.pair = make(made)
    assert piped(made, {"name": OLD, **made.pair}).code == 0
    made.advance(DAY)
    return made


def declare(desk, *keys):
    desk.declare(by_hand(), {**by_hand(), "metadata": {"name": "beta"}}, *keys)


def make(desk):
    """The pair of the key that a runbook asks for."""
    target = desk.root / "steps.md"
    target.unlink(missing_ok=True)
    assert desk.run("apply", "--runbook", target).code == 8
    key, secret = followed_runbook.make(desk.db, target.read_text())
    desk.advance(60)
    return {"apiKey": key, "secret": secret}


def piped(desk, *lines, more=()):
    text = "\n".join(json.dumps(line) for line in lines)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        ran = desk.run("apply", "--yes", "--stdin", *more)
    return ran


def told(ran):
    return re.sub(r"\s+", " ", ran.err)


def replacement(desk):
    """Lines for a new key and the old one's deletion."""
    declare(desk, a_key("bot", "query-ledger"))
    pair = make(desk)
    return {"name": NEW, **pair}, {"name": OLD, "done": True}


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (
            {"account": "akme", "name": OLD},
            f"line 2 of standard input tells of {OLD} on akme, and there is no such account",
        ),
        (
            {"account": "beta", "name": OLD},
            f"line 2 of standard input tells of {OLD} on beta, and there is no such key",
        ),
        (
            {"account": "acme", "name": "bot.a7.g11"},
            "line 2 of standard input tells of bot.a7.g11 on acme, and there is no",
        ),
        ({"name": "bott.a7.g1"}, "line 2 of standard input tells of bott.a7.g1, and there is no such key"),
    ],
    ids=["no such account", "another account", "another number", "another key"],
)
def test_a_line_that_no_step_can_be_about_is_refused_before_anything_is_done(desk, wrong, says):
    new, _ = replacement(desk)
    before = desk.slots()
    ran = piped(desk, new, {**wrong, "done": True})
    assert (ran.code, says in told(ran)) == (1, True), ran.err
    assert (desk.slots(), new["secret"] in ran.out + ran.err) == (before, False)
    assert piped(desk, new).code == 8, "the right line alone is taken, and the old key waits"


def test_a_line_of_a_key_that_no_step_is_about_is_told_and_what_was_done_stays_done(desk):
    declare(desk, a_key(), a_key("two"))
    pair = make(desk)
    ran = piped(desk, {"name": "two.a7.g1", **pair}, {"name": OLD, "done": True})
    assert (ran.code, f"Nothing asked for {OLD}: line 2 of standard input" in told(ran)) == (1, True), ran.err
    assert desk.entry("acme/two").secret.reveal() == pair["secret"]
    assert desk.plan()["changes"] == []


def test_the_same_lines_may_be_given_again(desk):
    """A pipeline that was cut off does not know how far it came."""
    new, old = replacement(desk)
    operate.revoke_key(desk.db, "acme", OLD)
    ran = piped(desk, new, old, more=MEANT)
    assert (ran.code, "Nothing asked" in told(ran)) == (0, False), ran.err
    again = piped(desk, new, old, more=MEANT)
    assert (again.code, "the pair" in told(again)) == (0, False), again.err


def test_a_line_whose_step_the_plan_did_not_come_to_is_told_and_is_no_mistake(desk):
    declare(desk, a_key(), a_key("one"), a_key("two"))
    ran = piped(desk, {"name": "one.a7.g1", "done": True})
    assert (ran.code, "Nothing asked for one.a7.g1: line 1" in told(ran)) == (8, True), ran.err
