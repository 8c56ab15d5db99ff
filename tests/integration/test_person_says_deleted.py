"""A new key that is only said to be deleted may live on: every plan names it, until somebody has looked."""

from __future__ import annotations

import pytest

import followed
from by_hand import a_key, by_hand
from desk import HOME, make_desk
from dialogue import Dialogue
from krakenctl.sandbox.people import operate

BOT, NAME = "ApiKey/acme/bot", "bot.a7.g1"
KEY, AGAIN, STILL = "API key: ", "[n] stop here ", "Is it deleted? [y/N] "
UNPROVED = "is said to be deleted by"
ELSEWHERE = {"ipAllowlist": [HOME]}


@pytest.fixture
def desk(tmp_path):
    return make_desk(tmp_path)


def opened(desk):
    """Where the key may be used from any address it is sure to answer, and its end can be proved."""
    return Dialogue("-C", desk.root, "apply", "--yes", "--allow", "open", "--reason", "a test", cwd=desk.root)


def flat(text):
    return " ".join(text.split())


def told(desk):
    return [one for one in desk.plan()["findings"] if one["rule"] == "key-mistaken"]


def mistyped(pair):
    public_key, secret = pair
    return public_key, ("B" if secret[0] == "A" else "A") + secret[1:]


def at_the_question(desk, **otherwise):
    """They have made it, and typed its private key wrongly, so that no call can tell whether it lives."""
    talk = opened(desk)
    step = followed.read(talk.until(KEY))
    talk.type("\n".join(mistyped(followed.make(desk.db, step, **otherwise))))
    talk.until(AGAIN)
    return talk


def lied(desk):
    talk = at_the_question(desk)
    talk.type("d")
    return talk.end()


@pytest.mark.parametrize("spec", [{}, ELSEWHERE], ids=["its pair is mistyped", "and this host is left out"])
def test_a_lie_is_told_by_every_plan_until_somebody_has_looked(desk, spec):
    desk.declare(by_hand(), a_key(**spec))
    code, said = lied(desk)
    assert (code, f"{NAME} {UNPROVED}" in flat(said), NAME in desk.rows()) == (8, True, True), said
    [finding] = told(desk)
    assert (f"{NAME} {UNPROVED}" in finding["message"], finding["address"]) == (True, BOT)
    assert UNPROVED in desk.run("state", "list").out
    assert UNPROVED in flat(desk.run("recover", "--dry-run").err)
    assert UNPROVED in flat(desk.run("drift").out)
    assert (desk.slots(), [change["new"]["name"] for change in desk.plan()["changes"]]) == ([], ["bot.a7.g2"])
    assert f"krakenctl recover --absent {BOT}:{NAME}" in finding["hint"]
    assert desk.run("recover", "--absent", f"{BOT}:{NAME}").code == 0
    assert (told(desk), desk.recorded().intents) == ([], ())


def test_it_is_named_while_the_next_key_is_made_and_used(desk):
    desk.declare(by_hand(), a_key())
    lied(desk)
    desk.advance(60)
    talk = opened(desk)
    talk.type("\n".join(followed.make(desk.db, followed.read(talk.until(KEY)))))
    assert talk.end()[0] == 0
    assert (desk.plan()["changes"], len(told(desk)), desk.entry("acme/bot").live_name) == ([], 1, "bot.a7.g2")


def test_of_one_that_is_proved_gone_nothing_stays(desk):
    desk.declare(by_hand(), a_key(ipAllowlist="any"))
    talk = opened(desk)
    step = followed.read(talk.until(KEY))
    talk.type("\n".join(followed.make(desk.db, step, permissions=["withdraw-funds"])))
    talk.until(AGAIN)
    operate.revoke_key(desk.db, "acme", NAME)
    talk.type("d")
    code, said = talk.end()
    assert (code, "is deleted, as its own pair proves" in flat(said)) == (8, True), said
    assert (told(desk), desk.recorded().intents, desk.slots()) == ([], (), [])


def test_whoever_is_caught_at_the_lie_and_stops_leaves_the_key_as_it_was(desk):
    desk.declare(by_hand(), a_key(ipAllowlist="any"))
    talk = opened(desk)
    step = followed.read(talk.until(KEY))
    talk.type("\n".join(followed.make(desk.db, step, permissions=["withdraw-funds"])))
    talk.until(AGAIN)
    talk.type("d")
    assert "it still answers: it was not deleted" in flat(talk.until(STILL))
    talk.type("n")
    assert talk.end()[0] == 8
    assert (told(desk), desk.slots()) == ([], ["acme/bot/pending"])
    assert "withdraw-funds" in flat(desk.run("plan").out)


def test_its_own_end_is_the_end_of_the_warning(desk):
    """As it told of itself, not as it was to be: the form was filled in otherwise."""
    desk.declare(by_hand(), a_key())
    talk = opened(desk)
    step = followed.read(talk.until(KEY))
    pair = followed.make(desk.db, step, name="bot.a7.gl", valid_until=0)
    talk.type("\n".join(pair))
    talk.until(AGAIN)
    operate.revoke_key(desk.db, "acme", "bot.a7.gl")
    talk.type("d")
    talk.end()
    assert "Kraken calls it “bot.a7.gl”" in told(desk)[0]["message"]
    desk.advance(400 * 86_400)
    assert (len(told(desk)), desk.recorded().intents[0].public_key) == (1, pair[0])


def test_whoever_is_killed_at_the_question_is_asked_again(desk):
    desk.declare(by_hand(), a_key())
    at_the_question(desk).kill()
    assert NAME in flat(desk.run("plan").out)
    desk.advance(7200)
    talk = opened(desk)
    talk.until(AGAIN)
    talk.type("d")
    assert f"{NAME} {UNPROVED}" in flat(talk.until(KEY))
    talk.type("")
    assert (talk.end()[0], len(told(desk))) == (8, 1)
