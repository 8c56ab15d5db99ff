"""What is typed where nobody sees it: a half that is not shaped as Kraken's is doubted, and whoever leaves has left."""

from __future__ import annotations

import pytest

import followed
from by_hand import a_key, by_hand
from desk import make_desk
from dialogue import Dialogue

KEY, SECRET, AGAIN = "API key: ", "Private key: ", "once more: "
LEAVE, STOP = b"\x04", b"\x03"
PROMPTS = {
    "inspect": ("inspect",),
    "import": ("import", "--interactive"),
    "attest": ("attest", "--print"),
}


@pytest.fixture
def desk(tmp_path):
    return make_desk(tmp_path)


def opened(desk):
    """An apply that waits for the pair of a key, and that pair."""
    desk.declare(by_hand(), a_key())
    talk = Dialogue("-C", desk.root, "apply", "--yes", cwd=desk.root)
    return talk, followed.make(desk.db, followed.read(talk.until(KEY)))


def test_apply_doubts_what_is_not_shaped_as_a_key_and_nothing_is_kept_or_asked(desk):
    talk, pair = opened(desk)
    talk.type("hello")
    assert "The API key has 5 characters, and Kraken's have 56" in " ".join(talk.until(AGAIN).split())
    talk.type(pair[0])
    talk.until(SECRET)
    talk.type(pair[1][:60])
    assert "The private key has 60 characters, and Kraken's have 88" in " ".join(talk.until(AGAIN).split())
    assert desk.slots() == []
    talk.type(pair[1])
    code, said = talk.end()
    assert (code, desk.plan()["changes"]) == (0, []), said


def test_whoever_insists_on_a_length_that_no_page_promises_is_believed(desk):
    talk, pair = opened(desk)
    talk.type("hello")
    talk.until(AGAIN)
    talk.type("")
    talk.until(SECRET)
    talk.type(pair[1])
    assert "EAPI:Invalid key" in talk.until("[n] stop here ")


@pytest.mark.parametrize(("how", "code"), [(LEAVE, 8), (STOP, 130)], ids=["end", "ctrl-c"])
def test_whoever_leaves_apply_has_not_insisted(desk, how, code):
    talk, _ = opened(desk)
    talk.type("hello")
    talk.until(AGAIN)
    talk.press(how)
    assert (talk.end()[0], desk.slots()) == (code, [])


@pytest.mark.parametrize("command", PROMPTS)
def test_ctrl_c_at_a_hidden_prompt_says_that_it_was_heard(tmp_path, command):
    talk = Dialogue(*PROMPTS[command], "--endpoint", "http://127.0.0.1:9", cwd=tmp_path)
    talk.until("API key (not shown): ")
    talk.press(STOP)
    code, said = talk.end()
    assert (code, said.splitlines()[-1]) == (130, "Interrupted.")
    assert ("Nothing was imported." in said) == (command == "import")


@pytest.mark.parametrize("command", PROMPTS)
def test_whoever_leaves_a_hidden_prompt_has_not_insisted(tmp_path, command):
    talk = Dialogue(*PROMPTS[command], "--endpoint", "http://127.0.0.1:9", cwd=tmp_path)
    talk.until("API key (not shown): ")
    talk.type("hello")
    talk.until("once more (not shown): ")
    talk.press(LEAVE)
    code, said = talk.end()
    assert (code, "no key was given, and nothing was asked of Kraken" in said) == (8, True)


@pytest.mark.parametrize("columns", [60, 80])
@pytest.mark.parametrize("command", PROMPTS)
def test_what_is_said_before_a_prompt_fits_the_terminal(tmp_path, command, columns):
    talk = Dialogue(*PROMPTS[command], "--endpoint", "http://127.0.0.1:9", cwd=tmp_path, columns=columns)
    said = talk.until("API key (not shown): ")
    talk.press(STOP)
    talk.end()
    assert [line for line in said.splitlines() if len(line) > columns] == []


def test_a_step_that_waits_is_told_once_and_every_line_fits(desk):
    desk.declare(by_hand(), a_key())
    talk = Dialogue("-C", desk.root, "apply", "--yes", cwd=desk.root, columns=60)
    key, secret = followed.make(desk.db, followed.read(talk.until(KEY)))
    talk.type(f"{key}\n{'B' if secret[0] == 'A' else 'A'}{secret[1:]}")
    asked = talk.until("[n] stop here ")
    talk.type("n")
    code, said = talk.end()
    told = " ".join((asked + said).split())
    assert (code, told.count("could not be asked from here"), told.count("check bot.a7.g1")) == (8, 1, 1), told
    assert [line for line in (asked + said).splitlines() if len(line) > 60 and "Log head" not in line] == [], said
