"""What people paste: cleaned of what copying adds, and looked at before Kraken is asked."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakenctl.model.key import KeyPair
from krakenctl.model.secret import Secret
from krakenctl.pairs import pasted

KEY = base64.b64encode(bytes(range(42))).decode()
SECRET = base64.b64encode(bytes(range(64))).decode()


@given(st.text(st.sampled_from(" \t\r\n\u00a0\u200b\ufeff'\"`“”„‘’«»,;"), max_size=6), st.integers(0, len(SECRET)))
def test_what_copying_adds_is_taken_away_wherever_it_is(added, place):
    assert pasted.clean(Secret(SECRET[:place] + added + SECRET[place:])) == Secret(SECRET)


def test_a_pair_of_krakens_is_fine():
    assert pasted.key_problem(Secret(KEY)) == pasted.secret_problem(Secret(SECRET), Secret(KEY)) == ""
    assert pasted.oddity(KeyPair(public_key=KEY, secret=Secret(SECRET))) == ""


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("", "there is no"),
        (SECRET, "looks like the private key"),
        ("schlüssel", "no key has"),
        ("a\x7fb", "no key has"),
        ("with-hyphens", "no key has"),
        (KEY + SECRET, "key and secret together"),
        ("a" * 81, "key and secret together"),
    ],
)
def test_what_is_no_public_key_is_told_without_repeating_it(key, told):
    problem = pasted.key_problem(Secret(key))
    assert told in problem
    assert not key or key not in problem


@pytest.mark.parametrize(
    ("secret", "told"),
    [
        ("", "there is no"),
        (KEY, "once more"),
        (base64.b64encode(bytes(42)).decode(), "looks like a public key"),
        (SECRET[:-1], "not base64"),
        ("correct-horse", "not base64"),
        ("c2hvcnQ=", "too short"),
    ],
)
def test_what_is_no_private_key_is_told_without_repeating_it(secret, told):
    problem = pasted.secret_problem(Secret(secret), Secret(KEY))
    assert told in problem
    assert not secret or secret not in problem


@pytest.mark.parametrize("size", [32, 63, 65])
def test_another_length_than_usual_is_remarked_on_and_not_refused(size):
    secret = Secret(base64.b64encode(bytes(size)).decode())
    assert pasted.secret_problem(secret, Secret(KEY)) == ""
    assert "88" in pasted.oddity(KeyPair(public_key=KEY, secret=secret))
    assert "56" in pasted.oddity(KeyPair(public_key=KEY[:-4], secret=Secret(SECRET)))


random_keys = st.sampled_from([42, 64]).flatmap(lambda size: st.binary(min_size=size, max_size=size))


@given(random_keys, st.sampled_from(["", "--secret=", "-k"]), st.integers(0, 12))
def test_a_key_on_the_command_line_is_known_for_one_even_cut_off(raw, before, cut):
    text = base64.b64encode(raw).decode()
    kept = text[: len(text) - cut]
    ordinary = all(any(test(sign) for sign in kept) for test in (str.isupper, str.islower, str.isdigit))
    assert pasted.looks_like_a_key(before + kept) is ordinary or len(kept.rstrip("=")) < 40


@pytest.mark.parametrize(
    "word",
    [
        "ApiKey/mm-desk/mm-btc",
        "ApiKey/averylongaccountname0123456789/averylongkeyname0123456789",
        "main:bots/mm-btc",
        "--env-file",
        "./Documents/Trading/Kraken/Workspace/SecretsFileForBots1",
        "https://api.kraken.com",
        "KRAKEN_API_KEY,KRAKEN_API_SECRET",
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    ],
)
def test_other_words_are_not_taken_for_keys(word):
    assert not pasted.looks_like_a_key(word)


def test_what_holds_both_halves_or_more_lines_than_one_is_no_half():
    inside = KEY[:10] + "c2hvcnQ="
    assert "key and secret together" in pasted.pair_problem(Secret(inside), Secret("c2hvcnQ="))
    assert "a line ends" in pasted.pair_problem(Secret(KEY), Secret(f"{SECRET[:40]}\n{SECRET[40:]}"))
    assert "swap the two" in pasted.pair_problem(Secret(SECRET), Secret(KEY))
    assert pasted.pair_problem(Secret(f" {KEY}\r\n"), Secret(f"'{SECRET}'\n")) == ""
