"""What is no pair, or no key of this place, is refused with what is wrong with it and what helps: nothing is asked."""

from __future__ import annotations

import base64
import io
import json

import pytest

from by_hand import a_key, by_hand
from desk import make_desk
from krakenctl.transport.http import Http
from running import krakenctl

KEY = base64.b64encode(bytes(range(42))).decode()
SECRET = base64.b64encode(bytes(range(64))).decode()
BOT = "ApiKey/acme/bot"
BROKEN = {
    "swapped": (f"MM_API_KEY={SECRET}\nMM_API_SECRET={KEY}\n", "swap the two"),
    "cut off": (f"MM_API_KEY={KEY}\nMM_API_SECRET=zzz\n", "the private key is not base64"),
    "alone": (f"KRAKEN_API_KEY={KEY}\n", "there is no secret beside it"),
    "Kraken by name": (f"KRAKEN_KEY={SECRET}\nKRAKEN_SECRET={KEY}\n", "swap the two"),
}


@pytest.fixture
def calls(monkeypatch):
    made = []
    monkeypatch.setattr(Http, "call", lambda *call, **more: made.append(call))
    return made


@pytest.fixture
def desk(tmp_path):
    return make_desk(tmp_path)


def flat(ran):
    return " ".join((ran.out + ran.err).split())


def given(monkeypatch, text):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))


@pytest.mark.parametrize("command", [("inspect", "--env-file"), ("import", "--from")], ids=lambda command: command[0])
@pytest.mark.parametrize("what", BROKEN)
def test_a_pair_that_was_found_is_not_told_to_be_named_otherwise(tmp_path, monkeypatch, calls, command, what):
    monkeypatch.chdir(tmp_path)
    text, wrong = BROKEN[what]
    (tmp_path / ".env").write_text(text)
    (tmp_path / ".env").chmod(0o644)
    said = flat(ran := krakenctl(*command, ".env"))
    assert (ran.code, calls, wrong in said) == (1, [], True), said
    assert "are looked for" not in said
    assert "can be read by others" not in said
    assert ("→" in said) == ("swap the two" not in said), "what is to be swapped is whole"


@pytest.mark.parametrize("command", [("inspect", "--env-file"), ("import", "--from")], ids=lambda command: command[0])
def test_a_pair_that_may_be_another_exchanges_is_not_told_to_have_the_names_that_it_has(tmp_path, calls, command):
    (tmp_path / ".env").write_text("MM_API_KEY=short\nMM_API_SECRET=x\n")
    said = flat(ran := krakenctl(*command, tmp_path / ".env"))
    assert (ran.code, calls, "put KRAKEN into their names" in said) == (1, [], True), said
    assert "are looked for" not in said


def test_where_nothing_was_found_it_is_said_what_is_looked_for(tmp_path, calls):
    (tmp_path / ".env").write_text("A=1\n")
    ran = krakenctl("inspect", "--env-file", tmp_path / ".env")
    assert (ran.code, "names like MM_API_KEY and MM_API_SECRET are looked for" in flat(ran)) == (1, True)


def test_two_lines_without_a_name_are_given_none(monkeypatch, calls):
    given(monkeypatch, f"{SECRET}\n{KEY}\n")
    ran = krakenctl("inspect", "--stdin")
    assert "no key pair was found: key and secret are in the wrong order" in flat(ran)


@pytest.mark.parametrize(
    ("key", "secret", "wrong"),
    [
        ("hello", SECRET, "the API key has 5 characters, and Kraken's have 56"),
        (KEY, SECRET[:60], "the private key has 60 characters, and Kraken's have 88"),
        (SECRET, KEY, "key and secret are in the wrong order"),
    ],
)
def test_a_misshaped_pair_on_standard_input_is_refused_before_anything_is_done(desk, monkeypatch, key, secret, wrong):
    desk.declare(by_hand(), a_key())
    given(monkeypatch, json.dumps({"name": "bot.a7.g1", "apiKey": key, "secret": secret}))
    ran = desk.run("apply", "--yes", "--stdin")
    assert (ran.code, f"line 1 of standard input: {wrong}" in flat(ran), desk.slots()) == (1, True, [])
    assert secret not in flat(ran)


@pytest.mark.parametrize("reason", ["", "  "])
def test_nothing_is_taken_unseen_without_a_reason(desk, reason):
    desk.declare(by_hand(), a_key())
    ran = desk.run("apply", "--yes", "--accept-unverified", reason)
    assert (ran.code, "--accept-unverified needs a reason" in ran.err) == (64, True)


def test_a_mistyped_address_is_told_which_one_is_near(desk):
    desk.declare(by_hand(), a_key())
    ran = desk.run("inspect", "ApiKey/acme/bott")
    assert (ran.code, f"did you mean {BOT}?" in ran.err) == (1, True)


@pytest.mark.parametrize("command", [("inspect", "--env", "MM"), ("attest", "--print", "--env", "MM")], ids=" ".join)
def test_the_embedded_sandbox_is_a_workspaces_own(tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MM_API_KEY", KEY)
    monkeypatch.setenv("MM_API_SECRET", SECRET)
    ran = krakenctl(*command, "--endpoint", "sandbox")
    assert (ran.code, "-C DIR" in ran.err, "sandbox serve" in ran.err) == (64, True, True)
