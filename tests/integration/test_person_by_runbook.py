"""A person follows a runbook, and a pipeline tells of it on standard input: nothing they made is thrown away."""

from __future__ import annotations

import io
import json
import re

import pytest

import followed_runbook
from by_hand import a_key, by_hand
from desk import MEANT, make_desk
from krakenctl.model.journal import Stage
from krakenctl.sandbox.people import operate

BOT = "ApiKey/acme/bot"
WHOLE = {
    "ipAllowlist": ["127.0.0.1", "198.51.100.0/28"],
    "validFor": "90d",
    "queryWindow": {"from": "2026-01-01", "to": "2026-12-31"},
    "nonceWindow": 5000,
}
DAY = 86_400


@pytest.fixture
def desk(tmp_path):
    return make_desk(tmp_path)


def runbook(desk, name="steps.md"):
    """Its text, once it is written."""
    ran = desk.run("apply", "--runbook", desk.root / name)
    assert ran.code == 8, ran.err
    return (desk.root / name).read_text()


def piped(desk, monkeypatch, *lines, more=()):
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    return desk.run("apply", "--yes", "--stdin", *more)


def line(pair, name="bot.a7.g1"):
    return {"name": name, "apiKey": pair[0], "secret": pair[1]}


def test_a_runbook_is_written_and_nothing_is_done(desk):
    desk.declare(by_hand(), a_key("bot", "query-funds", **WHOLE))
    text = runbook(desk)
    assert "  - [ ] **tick** Funds permissions: Query\n" in text
    assert "      bot.a7.g1\n" in text
    assert '      {"account": "acme", "name": "bot.a7.g1", "apiKey": "API KEY", "secret": "PRIVATE KEY"}\n' in text
    assert "krakenctl apply --yes --stdin" in text
    assert (desk.changes(), desk.slots()) == ({BOT: "create"}, [])


def test_the_same_runbook_may_be_asked_for_again_as_time_goes_by(desk):
    desk.declare(by_hand(), a_key("bot", "query-funds", **WHOLE))
    text = runbook(desk)
    desk.advance(40 * DAY)
    assert (runbook(desk), runbook(desk, "other.md")) == (text, text)


def expires(desk):
    """As the plan shows it of the key that is to be made."""
    [change] = desk.plan()["changes"]
    return next(field["after"] for field in change["fields"] if field["field"] == "expires")


def test_a_plan_shows_the_end_that_was_shown_while_it_holds(desk):
    desk.declare(by_hand(), a_key())
    assert expires(desk) == "180d after issue"
    shown = followed_runbook.read(runbook(desk)).times["Key expiration"].replace(" ", "T") + "Z"
    desk.advance(40 * DAY)
    assert expires(desk) == shown
    assert shown in desk.run("plan").out
    desk.advance(60 * DAY)
    assert expires(desk) == "180d after issue"


def test_a_saved_plan_is_still_the_same_once_its_runbook_is_written(desk):
    desk.declare(by_hand(), a_key())
    saved = desk.root / "saved.json"
    assert desk.run("plan", "--out", saved).code == 0
    assert desk.run("apply", saved, "--runbook", desk.root / "steps.md").code == 8
    assert desk.run("apply", saved, "--yes").code == 8


def test_a_runbook_that_is_being_followed_is_not_overwritten(desk):
    desk.declare(by_hand(), a_key())
    target = desk.root / "steps.md"
    target.write_text(runbook(desk).replace("- [ ] Log in", "- [x] Log in"))
    ran = desk.run("apply", "--runbook", target)
    assert (ran.code, "is there already" in " ".join(ran.err.split())) == (64, True)


def test_a_runbook_of_which_half_the_time_is_over_shows_another_end_and_says_so(desk):
    desk.declare(by_hand(), a_key())
    first = followed_runbook.read(runbook(desk))
    desk.advance(100 * DAY)
    text = runbook(desk, "later.md")
    assert f"An earlier runbook showed the end {first.times['Key expiration']} UTC" in text
    assert followed_runbook.read(text).times != first.times


@pytest.mark.parametrize("days", [0, 1, 44], ids=lambda days: f"{days} days later")
def test_a_key_that_is_made_by_the_runbook_is_right_days_later(desk, monkeypatch, days):
    desk.declare(by_hand(), a_key("bot", "query-funds", "modify-trades", **WHOLE))
    text = runbook(desk)
    desk.advance(days * DAY)
    pair = followed_runbook.make(desk.db, text)
    desk.advance(60)
    ran = piped(desk, monkeypatch, line(pair))
    assert ran.code == 0, ran.out + ran.err
    assert desk.plan()["changes"] == []
    assert desk.entry("acme/bot").secret.reveal() == pair[1]


def test_a_key_that_is_made_too_late_is_kept_until_its_end_is_put_right(desk, monkeypatch):
    desk.declare(by_hand(), a_key())
    text = runbook(desk)
    desk.advance(120 * DAY)
    ran = piped(desk, monkeypatch, line(followed_runbook.make(desk.db, text)))
    assert (ran.code, "it expires" in ran.out, desk.slots()) == (8, True, ["acme/bot/pending"]), ran.out
    [intent] = desk.recorded().intents
    desk.advance(20)
    operate.edit_key(
        desk.db,
        "acme",
        "bot.a7.g1",
        ["query-funds"],
        renamed="bot.a7.g1",
        ip_allowlist=["127.0.0.1"],
        valid_until=intent.sent.valid_until,
    )
    assert desk.run("apply", "--yes").code == 0  # nobody has to give it again
    assert desk.plan()["changes"] == []


def test_a_replacement_is_told_in_two_lines_at_once_or_one_after_the_other(desk, monkeypatch):
    desk.declare(by_hand(), a_key())
    assert piped(desk, monkeypatch, line(followed_runbook.make(desk.db, runbook(desk)))).code == 0
    desk.advance(DAY)
    desk.declare(by_hand(), a_key("bot", "query-ledger"))
    text = runbook(desk, "second.md")
    assert '{"account": "acme", "name": "bot.a7.g1", "done": true}' in text
    assert "- [ ] First see that its program uses bot.a7.g2, and stop here until it does." in text
    pair = followed_runbook.make(desk.db, text)
    desk.advance(60)
    assert piped(desk, monkeypatch, line(pair, "bot.a7.g2")).code == 8
    assert desk.entry("acme/bot").live_name == "bot.a7.g2"  # its consumer is not kept waiting
    operate.revoke_key(desk.db, "acme", "bot.a7.g1")
    desk.advance(60)
    ran = piped(desk, monkeypatch, {"name": "bot.a7.g1", "done": True})
    assert ran.code == 0, ran.out + ran.err
    [old] = desk.recorded().retired
    assert (bool(old.claimed_by), old.unheard) == (True, True)  # nobody had heard it right before it was deleted
    assert desk.run("recover", "--absent", "ApiKey/acme/bot:bot.a7.g1").code == 0
    assert desk.recorded().retired == ()


def test_where_there_is_no_room_for_two_keys_the_names_of_the_runbook_hold_too(desk, monkeypatch):
    room = by_hand(limits={"keysPerAccount": 1})
    desk.declare(room, a_key())
    assert piped(desk, monkeypatch, line(followed_runbook.make(desk.db, runbook(desk)))).code == 0
    desk.declare(room, a_key("bot", "query-ledger"))
    desk.advance(DAY)
    text = runbook(desk, "second.md")
    assert "## Step 1 of 2 on acme: delete an API key" in text
    operate.revoke_key(desk.db, "acme", "bot.a7.g1")
    pair = followed_runbook.make(desk.db, text, 2)
    desk.advance(DAY)
    ran = piped(desk, monkeypatch, {"name": "bot.a7.g1", "done": True}, line(pair, "bot.a7.g2"))
    assert desk.entry("acme/bot").secret.reveal() == pair[1], ran.out + ran.err
    assert desk.plan()["changes"] == []


def wrong(desk, monkeypatch, *more):
    """A key that may withdraw, where that was not asked for."""
    desk.declare(by_hand(), a_key())
    pair = followed_runbook.make(desk.db, runbook(desk), permissions=["query-funds", "withdraw-funds"])
    return pair, piped(desk, monkeypatch, line(pair), more=more)


@pytest.mark.parametrize("more", [(), ("--accept-unverified", "ticket 4711")], ids=["plain", "with a reason"])
def test_a_wrong_pair_is_kept_named_and_told_by_every_plan(desk, monkeypatch, more):
    pair, ran = wrong(desk, monkeypatch, *more)
    assert (ran.code, "it may withdraw-funds, which was not asked for" in ran.out) == (8, True), ran.out
    assert (desk.slots(), desk.recorded().keys) == (["acme/bot/pending"], {})
    assert pair[1] not in ran.out + ran.err
    desk.advance(DAY)
    assert "bot.a7.g1 was made, and is not as it was asked for: it may withdraw-funds" in _flat(desk.run("plan").out)
    assert desk.run("apply", "--yes").code == 8
    [intent] = desk.recorded().intents
    assert (intent.stage, "withdraw-funds" in intent.flaw) == (Stage.STORED, True)


def test_another_pair_may_be_given_for_it(desk, monkeypatch):
    wrong(desk, monkeypatch)
    operate.revoke_key(desk.db, "acme", "bot.a7.g1")
    pair = followed_runbook.make(desk.db, (desk.root / "steps.md").read_text())
    desk.advance(7200)
    ran = piped(desk, monkeypatch, line(pair))
    assert desk.run("apply", "--yes").code in (0, 8), ran.out
    assert desk.run("plan").code == 0


def test_that_it_was_deleted_may_be_told(desk, monkeypatch):
    wrong(desk, monkeypatch)
    operate.revoke_key(desk.db, "acme", "bot.a7.g1")
    desk.advance(7200)
    piped(desk, monkeypatch, {"name": "bot.a7.g1", "done": True})
    [intent] = desk.recorded().intents  # it is named until its own end: nobody had heard it right before
    assert (desk.slots(), intent.stage) == ([], Stage.LOST)
    assert desk.plan()["changes"][0]["new"]["name"] == "bot.a7.g2"


def test_that_it_was_deleted_is_not_believed_while_it_answers(desk, monkeypatch):
    wrong(desk, monkeypatch)
    desk.advance(20)
    ran = piped(desk, monkeypatch, {"name": "bot.a7.g1", "done": True})
    assert (ran.code, desk.slots()) == (8, ["acme/bot/pending"])
    assert "it still answers: it was not deleted" in _flat(ran.out + ran.err)


def test_a_pair_that_nothing_asks_for_is_not_passed_over_in_silence(desk, monkeypatch):
    desk.declare(by_hand(), a_key())
    made = operate.make_key(desk.db, "acme", "bot.a7.g7", ["query-funds"])
    ran = piped(desk, monkeypatch, line((made["apiKey"], made["secret"]), "bot.a7.g7"))
    assert (ran.code, desk.slots()) == (1, [])
    assert "bot.a7.g7" in _flat(ran.err)
    assert "was not kept" in _flat(ran.err)


def test_what_was_shown_and_is_not_wanted_any_more_is_told_until_somebody_has_looked(desk):
    desk.declare(by_hand(), a_key(), a_key("two"))
    runbook(desk)
    desk.declare(by_hand(), a_key("two"))
    assert "whether a person made bot.a7.g1 on acme is not known" in _flat(desk.run("plan").out)
    assert desk.run("recover", "--absent", BOT).code == 0
    assert "bot.a7.g1" not in desk.run("plan").out


@pytest.mark.parametrize(
    "text", ["nonsense", "[]", '{"name": "x"}', '{"name": "x", "apiKey": "k", "secret": "c2VjcmV0"}']
)
def test_a_line_that_is_no_answer_is_refused_and_not_repeated(desk, text, monkeypatch):
    ran = piped(desk, monkeypatch, text)
    assert (ran.code, "line 1 of standard input" in ran.err) == (1, True)
    assert "c2VjcmV0" not in ran.err


def two_accounts(desk):
    """Each with a key `one`, which have the same name; their pairs, by account, as the runbook asks for them."""
    operate.make_account(desk.db, "beta")
    beta = {**by_hand(), "metadata": {"name": "beta"}}
    desk.declare(by_hand(), beta, a_key("one"), a_key("one", on="beta"))
    text = runbook(desk)
    lines = [json.loads(found) for found in re.findall(r'^ +(\{"account".*)$', text, re.MULTILINE)]
    assert [told["account"] for told in lines] == ["acme", "beta"]
    pairs = [followed_runbook.make(desk.db, part) for part in text.split("\n## ")[1:] for part in [f"## {part}"]]
    desk.advance(60)
    return [{**told, "apiKey": pair[0], "secret": pair[1]} for told, pair in zip(lines, pairs, strict=True)]


@pytest.mark.parametrize("turned", [False, True], ids=["in order", "the other way round"])
def test_keys_of_one_name_on_two_accounts_are_told_apart(desk, monkeypatch, turned):
    lines = two_accounts(desk)
    ran = piped(desk, monkeypatch, *(reversed(lines) if turned else lines))
    assert ran.code == 0, ran.out + ran.err
    for told in lines:
        assert desk.entry(f"{told['account']}/one").secret.reveal() == told["secret"]
    assert desk.plan()["changes"] == []


def test_a_line_that_could_be_of_either_is_refused_before_anything_is_done(desk, monkeypatch):
    acme, _ = two_accounts(desk)
    del acme["account"]
    ran = piped(desk, monkeypatch, "", acme)
    assert (ran.code, "line 2 of standard input does not say whose one.a7.g1" in _flat(ran.err)) == (1, True), ran.err
    assert (desk.slots(), acme["secret"] in ran.out + ran.err) == ([], False)


def test_what_one_account_tells_of_is_not_believed_of_another(desk, monkeypatch):
    lines = two_accounts(desk)
    assert piped(desk, monkeypatch, *lines).code == 0
    desk.advance(DAY)
    beta = {**by_hand(), "metadata": {"name": "beta"}}
    desk.declare(by_hand(), beta, a_key("keep"), a_key("keep", on="beta"))
    ran = piped(desk, monkeypatch, {"name": "one.a7.g1", "done": True})
    assert (ran.code, "there is one on acme and one on beta" in _flat(ran.err)) == (1, True), ran.err
    operate.revoke_key(desk.db, "beta", "one.a7.g1")
    piped(desk, monkeypatch, {"account": "beta", "name": "one.a7.g1", "done": True}, more=MEANT)
    assert {record.account for record in desk.recorded().keys.values()} == {"acme"}
    assert {record.claimed_by for record in desk.recorded().keys.values()} == {""}


DONE, NAMED = {"name": "bot.a7.g1", "done": True}, {"account": "acme", "name": "bot.a7.g1", "done": True}


@pytest.mark.parametrize("second", [DONE, NAMED, None], ids=["done", "done on acme", "the same"])
@pytest.mark.parametrize("swapped", [False, True], ids=["pair first", "pair last"])
def test_two_lines_that_tell_of_one_key_are_refused_before_anything_is_done(desk, monkeypatch, second, swapped):
    desk.declare(by_hand(), a_key())
    first = line(followed_runbook.make(desk.db, runbook(desk)))
    lines = [first, second or first]
    ran = piped(desk, monkeypatch, *(lines[::-1] if swapped else lines))
    assert (ran.code, "lines 1 and 2 of standard input both tell of bot.a7.g1" in _flat(ran.err)) == (1, True), ran.err
    assert (desk.slots(), first["secret"] in ran.out + ran.err) == ([], False)


def test_a_pair_for_an_account_that_has_no_such_step_is_not_taken_for_another(desk, monkeypatch):
    desk.declare(by_hand(), a_key())
    pair = followed_runbook.make(desk.db, runbook(desk))
    ran = piped(desk, monkeypatch, {**line(pair), "account": "beta"})
    assert (ran.code, "there is no such account; nothing was done" in _flat(ran.err), desk.slots()) == (1, True, [])


def _flat(text):
    return re.sub(r"\s+", " ", text)
