"""A key that somebody made by mistake lives on when another is given for it: plans tell of it until it is seen to."""

from __future__ import annotations

import pytest

import followed
from by_hand import a_key, by_hand
from desk import make_desk
from dialogue import Dialogue
from krakenctl.sandbox.people import operate

BOT, NAME = "ApiKey/acme/bot", "bot.a7.g1"
KEY, AGAIN = "API key: ", "[n] stop here "


@pytest.fixture
def desk(tmp_path):
    """Whose account it is, its first key has told."""
    desk = make_desk(tmp_path)
    desk.declare(by_hand(), a_key("first"))
    talk = opened(desk)
    talk.type("\n".join(followed.make(desk.db, followed.read(talk.until(KEY)))))
    assert talk.end()[0] == 0
    desk.advance(60)
    desk.declare(by_hand(), a_key("first"), a_key())
    return desk


def opened(desk):
    return Dialogue("-C", desk.root, "apply", "--yes", cwd=desk.root)


def flat(text):
    return " ".join(text.split())


def told(desk):
    return [one for one in desk.plan()["findings"] if one["rule"] == "key-mistaken"]


def stray(desk):
    """As krakenctl calls the key on the other account."""
    [iiban] = [row["iiban"] for row in operate.accounts_in(desk.db) if row["username"] == "other"]
    return f"{NAME} on {iiban}"


def made_elsewhere(desk):
    """They were logged in as somebody else. The step, as it was told."""
    operate.make_account(desk.db, "other")
    talk = opened(desk)
    step = followed.read(talk.until(KEY))
    talk.type("\n".join(followed.make(desk.db, step, user="other")))
    assert "it belongs to the account" in flat(talk.until(AGAIN))
    desk.advance(20)
    return talk, step


def given_another(desk, talk, step):
    talk.type("k")
    talk.until(KEY)
    talk.type("\n".join(followed.make(desk.db, step)))
    return talk.end()


def test_a_key_made_in_another_account_is_named_until_somebody_says_that_it_is_deleted(desk):
    talk, step = made_elsewhere(desk)
    code, said = given_another(desk, talk, step)
    assert (code, f"{stray(desk)} was made by mistake, and still answers" in flat(said)) == (0, True), said
    [finding] = told(desk)
    assert (stray(desk) in finding["message"], finding["address"]) == (True, BOT)
    assert stray(desk) in desk.run("state", "list").out
    assert stray(desk) in flat(desk.run("recover", "--dry-run").err)
    assert (desk.run("apply", "--yes").code, desk.plan()["changes"], len(told(desk))) == (0, [], 1)
    assert f"krakenctl recover --absent '{BOT}:{stray(desk)}'" in finding["hint"]
    assert desk.run("recover", "--absent", f"{BOT}:{stray(desk)}").code == 0
    assert (told(desk), desk.recorded().intents) == ([], ())


def test_one_that_is_deleted_as_they_are_told_needs_no_word(desk):
    talk, step = made_elsewhere(desk)
    operate.revoke_key(desk.db, "other", NAME)
    code, said = given_another(desk, talk, step)
    assert (code, "made by mistake" in said, told(desk)) == (0, False, []), said


def test_its_own_end_is_the_end_of_the_warning(desk):
    given_another(desk, *made_elsewhere(desk))
    assert len(told(desk)) == 1
    desk.advance(181 * 86_400)
    assert told(desk) == []


@pytest.mark.parametrize("when", ["at the difference", "at the first half", "at the second half"])
def test_whoever_is_killed_meanwhile_loses_sight_of_neither_key(desk, when):
    talk, step = made_elsewhere(desk)
    if when != "at the difference":
        talk.type("k")
        talk.until(KEY)
    if when == "at the second half":
        talk.type("any")
    talk.kill()
    assert "it belongs to the account" in flat(desk.run("plan").out)
    desk.advance(7200)
    talk = opened(desk)
    talk.until(AGAIN)
    code, said = given_another(desk, talk, step)
    assert (code, len(told(desk)), desk.plan()["changes"]) == (0, 1, []), said


def test_a_misspelt_key_of_the_account_itself_is_named_too(desk):
    talk = opened(desk)
    step = followed.read(talk.until(KEY))
    talk.type("\n".join(followed.make(desk.db, step, name="bot.a7.gl")))
    assert "Kraken calls it “bot.a7.gl”" in flat(talk.until(AGAIN))
    desk.advance(20)
    code, said = given_another(desk, talk, step)
    [finding] = told(desk)
    assert (code, "bot.a7.gl on " in finding["message"]) == (0, True), said


def test_nor_is_one_that_is_renamed_and_given_once_more_called_a_mistake(desk):
    talk = opened(desk)
    step = followed.read(talk.until(KEY))
    misspelt = followed.make(desk.db, step, name="bot.a7.gl")
    spare = operate.make_key(desk.db, "acme", "spare", ["query-funds"])
    for pair in (misspelt, (spare["apiKey"], spare["secret"])):
        talk.type("\n".join(pair))
        talk.until(AGAIN)
        desk.advance(20)
        talk.type("k")
        talk.until(KEY)
    followed.edit(desk.db, step, now="bot.a7.gl")
    talk.type("\n".join(misspelt))
    code, said = talk.end()
    assert (code, [one["message"].split(" on ")[0] for one in told(desk)]) == (0, ["spare"]), said


def test_a_key_that_was_there_before_is_no_mistake_of_theirs(desk):
    spare = operate.make_key(desk.db, "acme", "spare", ["query-funds"])
    desk.advance(600)
    talk = opened(desk)
    step = followed.read(talk.until(KEY))
    talk.type("\n".join((spare["apiKey"], spare["secret"])))
    assert "Kraken calls it “spare”" in flat(talk.until(AGAIN))
    desk.advance(20)
    code, said = given_another(desk, talk, step)
    assert (code, "made by mistake" in said, told(desk)) == (0, False, []), said
