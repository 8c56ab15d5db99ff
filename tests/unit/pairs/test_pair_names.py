"""Key pairs are found by the names that people give them, and what is no pair is told."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakenctl.audit.catalogue import SOURCE_RULES
from krakenctl.model.secret import Secret
from krakenctl.pairs import names, text

KEY = base64.b64encode(bytes(range(42))).decode()
SECRET = base64.b64encode(bytes(range(64))).decode()
OTHER_KEY = base64.b64encode(bytes(range(1, 43))).decode()
OTHER_SECRET = base64.b64encode(bytes(range(1, 65))).decode()


def harvest(**values):
    return names.harvest((name, Secret(value)) for name, value in values.items())


def found(harvest):
    return {one.label: (one.pair.public_key, one.pair.secret.reveal()) for one in harvest.pairs}


def told(harvest):
    return [finding.rule for finding in harvest.findings]


@pytest.mark.parametrize(
    ("key", "secret", "label"),
    [
        ("KRAKEN_API_KEY", "KRAKEN_API_SECRET", "KRAKEN"),
        ("KRAKEN_KEY", "KRAKEN_SECRET", "KRAKEN"),
        ("KRAKEN_API_KEY", "KRAKEN_PRIVATE_KEY", "KRAKEN"),
        ("KRAKEN_API_KEY", "KRAKEN_API_KEY_SECRET", "KRAKEN"),
        ("KRAKEN_PUBLIC_KEY", "KRAKEN_SECRET_KEY", "KRAKEN"),
        ("MM_BTC_KEY", "MM_BTC_SECRET", "MM_BTC"),
        ("API_KEY_MM", "API_SECRET_MM", "MM"),
        ("KRAKEN_API_KEY_2", "KRAKEN_API_SECRET_2", "KRAKEN_2"),
        ("KRAKEN_API_KEY1", "KRAKEN_API_SECRET1", "KRAKEN_1"),
        ("API_KEY12_MM", "API_SECRET12_MM", "12_MM"),
        ("API_KEY", "API_SECRET", "key"),
        ("apiKey", "apiSecret", "key"),
        ("key", "secret", "key"),
        ("bots.mm.apiKey", "bots.mm.privateKey", "BOTS_MM"),
        ("kraken-api-key", "kraken-api-secret", "KRAKEN"),
        ("MONKEY_API_KEY", "MONKEY_API_SECRET", "MONKEY"),
        ("KRAKEN_PUB", "KRAKEN_PRIV", "KRAKEN"),
        ("KRAKEN_PUB_KEY", "KRAKEN_PRIV_KEY", "KRAKEN"),
        ("BOT1_KRAKEN_PUBLIC", "BOT1_KRAKEN_PRIVATE", "BOT1_KRAKEN"),
        ("kraken_api", "kraken_secret", "KRAKEN"),
        ("KRAKEN_API", "KRAKEN_SIGN", "KRAKEN"),
        ("KRAKEN_API_PUBLIC", "KRAKEN_API_PRIVATE", "KRAKEN"),
    ],
)
def test_both_halves_of_a_pair_have_one_label(key, secret, label):
    assert found(harvest(**{key: KEY, secret: SECRET, "MONKEY": "x", "PATH": "/bin"})) == {label: (KEY, SECRET)}


def test_several_pairs_are_told_apart_by_their_prefix():
    both = harvest(A_API_KEY=KEY, B_API_SECRET=OTHER_SECRET, A_API_SECRET=SECRET, B_API_KEY=OTHER_KEY)
    assert found(both) == {"A": (KEY, SECRET), "B": (OTHER_KEY, OTHER_SECRET)}
    assert told(both) == []


@pytest.mark.parametrize(
    ("values", "rule"),
    [
        ({"KRAKEN_API_KEY": KEY}, "half-a-pair"),
        ({"X_API_SECRET": SECRET}, "half-a-pair"),
        ({"A_API_KEY": KEY, "B_API_SECRET": SECRET}, "half-a-pair"),
        ({"KRAKEN_API_KEY": KEY, "KRAKEN_KEY": OTHER_KEY, "KRAKEN_SECRET": SECRET}, "ambiguous-pair"),
        ({"KRAKEN_FUTURES_KEY": KEY, "KRAKEN_FUTURES_SECRET": SECRET}, "futures-key"),
        ({"BINANCE_API_KEY": "a" * 64, "BINANCE_API_SECRET": "b" * 64}, "not-kraken"),
        ({"KRAKEN_API_KEY": KEY, "KRAKEN_API_SECRET": SECRET[:-1]}, "odd-key"),
        ({"KRAKEN_API_KEY": SECRET, "KRAKEN_API_SECRET": KEY}, "odd-key"),
        ({"MM_API_KEY": KEY, "MM_API_SECRET": "zzz"}, "odd-key"),
        ({"MM_API_KEY": KEY, "MM_API_SECRET": base64.b64encode(bytes(32)).decode()}, "odd-key"),
        ({"MM_API_KEY": KEY[:50], "MM_API_SECRET": SECRET}, "odd-key"),
        ({"MM_API_KEY": SECRET, "MM_API_SECRET": KEY}, "odd-key"),
        ({"MM_PUB": KEY, "MM_PRIV": SECRET}, "unclaimed-value"),
        ({"NOTE": KEY}, "unclaimed-value"),
        ({"NOTE": f"Bot\nKRAKEN_API_KEY={KEY}\nKRAKEN_API_SECRET={SECRET}"}, "several-lines"),
        ({"KRAKEN_API_KEY": f"{KEY}\nKRAKEN_API_SECRET={SECRET}"}, "several-lines"),
        ({"KRAKEN_SANDBOX_DATA": "x"}, "unclaimed-name"),
        ({"KRAKEN_KEY_NAME": "bot"}, "unclaimed-name"),
        ({"KRAKEN_API_URL": "https://api.kraken.com"}, "unclaimed-name"),
        ({"KRAKEN_API_KEY": f"{KEY} {SECRET}", "KRAKEN_API_SECRET": SECRET}, "odd-key"),
    ],
    ids=str,
)
def test_what_cannot_be_used_is_told_by_its_names_and_never_by_its_value(values, rule):
    gathered = harvest(**values)
    assert found(gathered) == {}
    assert set(told(gathered)) == {rule}
    message = " ".join(finding.message for finding in gathered.findings)
    assert not any(value in message for value in values.values())


@pytest.mark.parametrize(
    "values",
    [
        {"DJANGO_SECRET_KEY": "insecure"},
        {"OPENAI_API_KEY": "sk-1234567890123456789012345678901234567890"},
        {"KRAKENCTL_OUTPUT": "json"},
    ],
    ids=str,
)
def test_what_only_sounds_like_half_a_pair_is_left_alone(values):
    assert harvest(**values) == names.gathered([])


def test_the_same_value_under_two_names_is_one_and_the_same_key_under_two_labels_is_asked_once():
    once = harvest(KRAKEN_API_KEY=KEY, KRAKEN_KEY=KEY, KRAKEN_SECRET=SECRET)
    assert (found(once), told(once)) == ({"KRAKEN": (KEY, SECRET)}, [])
    twice = harvest(A_KEY=KEY, A_SECRET=SECRET, B_KEY=KEY, B_SECRET=SECRET)
    assert (list(found(twice)), told(twice)) == (["A"], ["same-key-twice"])


def test_a_setting_beside_a_pair_does_not_get_in_its_way():
    beside = harvest(KRAKEN_API="https://api.kraken.com", KRAKEN_PUBLIC="true", KRAKEN_KEY=KEY, KRAKEN_SECRET=SECRET)
    assert (found(beside), set(told(beside))) == ({"KRAKEN": (KEY, SECRET)}, {"unclaimed-name"})


@pytest.mark.parametrize("written", [f'NOTE="not closed\nA_KEY={KEY}\nA_SECRET={SECRET}\nB="\n', f"{SECRET}\n{KEY}\n"])
def test_no_pair_disappears_without_a_word(written):
    gathered = text.harvest(Secret(written))
    assert found(gathered) == {}
    assert told(gathered)


def test_of_a_pair_with_one_half_as_kraken_has_them_it_is_told_what_is_wrong_with_the_other():
    [broken] = harvest(MM_API_KEY=KEY, MM_API_SECRET="zzz").findings
    assert (broken.severity.value, "the private key is not base64" in broken.message) == ("warning", True)
    [swapped] = harvest(MM_API_KEY=SECRET, MM_API_SECRET=KEY).findings
    assert "swap the two" in swapped.message


def test_halves_in_the_wrong_order_are_told_to_be_swapped():
    [finding] = text.harvest(Secret(f"{SECRET}\n{KEY}\n")).findings
    assert "swap the two" in finding.message


def test_a_file_with_sections_is_told_for_what_it_looks_like():
    pair = "api_key = '{}'\napi_secret = '{}'\n".format
    written = f"[kraken.a]\n{pair(KEY, SECRET)}[kraken.b]\n{pair(OTHER_KEY, OTHER_SECRET)}"
    findings = text.harvest(Secret(written)).findings
    assert {finding.rule for finding in findings} == {"unreadable-line", "unclaimed-value"}
    assert "TOML" in findings[0].message


def test_an_odd_length_is_remarked_on_and_the_pair_is_taken():
    odd = harvest(KRAKEN_API_KEY=KEY, KRAKEN_API_SECRET=base64.b64encode(bytes(32)).decode())
    assert (list(found(odd)), told(odd)) == (["KRAKEN"], ["odd-key"])


@pytest.mark.parametrize(
    "written",
    [
        f"{KEY}\n{SECRET}\n",
        f"\ufeff  {KEY}\r\n\r\n'{SECRET}'",
        f"API_KEY={KEY}\nAPI_SECRET={SECRET}",
        f"export key='{KEY}' # public\r\nsecret=\"{SECRET}\"\r\n",
        json.dumps({"apiKey": KEY, "secret": SECRET}),
        json.dumps({"key": KEY, "secret": SECRET}),
        json.dumps({"apiKey": KEY, "privateKey": SECRET, "note": None, "n": 1}),
    ],
)
def test_a_pair_may_come_in_any_of_these_shapes(written):
    assert found(text.harvest(Secret(written))) == {"key": (KEY, SECRET)}


def test_pairs_deep_in_a_json_file_are_labelled_by_the_way_to_them():
    written = {
        "exchange": {"name": "kraken", "key": KEY, "secret": SECRET},
        "bots": [{"apiKey": OTHER_KEY, "secret": OTHER_SECRET}],
    }
    assert list(found(text.harvest(Secret(json.dumps(written))))) == ["EXCHANGE", "BOTS_1"]


@pytest.mark.parametrize(
    "written", ["", "{", "[]", '{"apiKey": 1}', KEY, f"{KEY}\n{SECRET}\nmore", "{" * 5000, "[" * 99999]
)
def test_what_holds_no_pair_gives_none(written):
    assert text.harvest(Secret(written)).pairs == ()


@given(st.text(max_size=80))
def test_any_text_can_be_searched(written):
    assert text.harvest(Secret(written)).pairs == ()


def test_every_finding_is_in_the_catalogue():
    assert {"half-a-pair", "ambiguous-pair", "futures-key", "not-kraken", "odd-key", "same-key-twice"} <= set(
        SOURCE_RULES
    )


@pytest.mark.parametrize("key", ["KRAKEN_API_KEY", "MM_API_KEY"])
def test_an_empty_half_is_told_as_empty(key):
    secret = key.replace("KEY", "SECRET")
    messages = [finding.message for finding in harvest(**{key: KEY, secret: ""}).findings]
    assert f"{secret} is empty" in messages


def test_futures_keys_are_told_for_what_they_are():
    [finding] = harvest(KRAKEN_FUTURES_API_KEY=KEY, KRAKEN_FUTURES_API_SECRET=SECRET).findings
    assert "a key of Kraken Futures, which Spot does not know" in finding.message


def test_a_pair_that_somebody_has_named_is_marked_so():
    values = {"X": Secret(KEY), "Y": Secret(SECRET)}
    assert [one.named for one in names.named(values, "X", "Y").pairs] == [True]
    assert [one.named for one in harvest(A_KEY=KEY, A_SECRET=SECRET).pairs] == [False]
