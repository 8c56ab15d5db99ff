"""A secret does not slip into anything that people, logs or files see."""

from __future__ import annotations

import copy
import dataclasses
import io
import json
import logging
import pickle
import pprint

import pytest

from krakenctl.model.key import IssuedKey, KeyPair, LiveKey
from krakenctl.model.secret import Secret
from krakenctl.testing.examples import SECRET, SPEC, entry
from krakenctl.testing.leaks import everything_shown

secret = Secret(SECRET)
HOLDERS = [
    KeyPair(public_key="public", secret=secret),
    IssuedKey(live=LiveKey(name="mm-btc", spec=SPEC, created=1), public_key="public", secret=secret),
    entry(secret=secret),
]


WRITTEN = [
    str(secret), repr(secret), ascii(secret), f"{secret}", f"{secret!s:>99}", f"{secret:>99}", f"{secret!a}",
    f"{secret:x}", f"{[secret]}", str({"token": secret}), " ".join(map(str, [secret])), pprint.pformat([secret] * 9),
    str(vars(Secret)), " ".join(dir(secret)),
]  # fmt: skip


@pytest.mark.parametrize("shown", WRITTEN, ids=range(len(WRITTEN)))
def test_no_way_to_write_it_into_a_text_shows_it(shown):
    assert SECRET not in shown
    assert SECRET[:8] not in shown


@pytest.mark.parametrize("holder", HOLDERS)
def test_no_value_that_holds_one_shows_it(holder):
    assert "Secret(…)" in repr(holder)
    assert SECRET not in f"{holder!r} {holder} {pprint.pformat(holder)}"


@pytest.mark.parametrize("value", [secret, *HOLDERS, [secret], {"token": secret}])
@pytest.mark.parametrize("carry_off", [pickle.dumps, copy.deepcopy, json.dumps, dataclasses.asdict, vars, hash, bytes])
def test_it_is_neither_copied_nor_serialised_nor_hashed(carry_off, value):
    with pytest.raises((TypeError, AttributeError)) as caught:
        carry_off(value)
    assert SECRET not in everything_shown(caught.value)


def test_a_copy_of_a_holder_hides_it_too():
    assert SECRET not in repr([copy.copy(HOLDERS), dataclasses.replace(HOLDERS[0], public_key="other")])
    with pytest.raises(TypeError, match="cannot be pickled or copied"):
        copy.copy(secret)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_no_version_of_pickle_takes_it(protocol):
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(secret, protocol)


def test_it_is_hidden_in_a_log():
    log, stream = logging.Logger("of its own"), io.StringIO()
    log.addHandler(logging.StreamHandler(stream))
    log.warning("token %s of %r and %s", secret, HOLDERS[0], {"token": secret})
    try:
        raise ValueError(secret)
    except ValueError:
        log.exception("failed with %s", secret)
    assert SECRET not in stream.getvalue()
    assert stream.getvalue().count("Secret(…)") >= 4


def test_only_reveal_gives_it_away():
    assert secret.reveal() == SECRET


@pytest.mark.parametrize("text", ["", "a", "ü“…”", "\ud800 is no UTF-8", "a\0b"])
def test_two_secrets_are_equal_when_their_texts_are(text):
    assert Secret(text) == Secret(text)
    assert Secret(text) != Secret(text + "x")
    assert Secret(text) != text


def test_it_takes_no_further_attributes():
    with pytest.raises(AttributeError):
        secret.note = SECRET
