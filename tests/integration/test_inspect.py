"""krakenctl inspect, against a served sandbox over HTTP: any key, from anywhere, with no workspace at all."""

from __future__ import annotations

import io
import json
import random
import socket
import sys
import time
from itertools import count, groupby
from pathlib import Path

import jsonschema_rs
import pytest

from dialogue import Dialogue
from krakenctl import schema_files
from krakenctl.audit.catalogue import RULES
from krakenctl.errors import Unreachable
from krakenctl.model.description import CLOCKS, nonce_at
from krakenctl.model.key import KeyPair
from krakenctl.model.permission import ALL
from krakenctl.model.secret import Secret
from krakenctl.testing.leaks import bare_locals, crash_report, spellings
from krakenctl.transport.http import Http
from naps import skip_naps
from running import krakenctl
from signed import signed

HERE = "127.0.0.1"
NUMBERS = count(1)
JUDGE = jsonschema_rs.validator_for(schema_files.load("inspection"))
GRANTS = ["query-funds", "query-open-trades", "modify-trades"]


@pytest.fixture(autouse=True)
def _real_clock(monkeypatch):
    """The programs here send numbers of this machine's clock."""
    skip_naps(monkeypatch)


@pytest.fixture
def account(sandbox):
    name = f"account-{next(NUMBERS)}"
    sandbox.account(name)
    return name


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty folder: there is no workspace."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def calls(monkeypatch):
    """Every call that was sent with a key. Beside them the time is asked once, which needs none."""
    made = []
    send = Http.call

    def recorded(self, method, path, **more):
        if path != "/0/public/Time":
            made.append(path)
        return send(self, method, path, **more)

    monkeypatch.setattr(Http, "call", recorded)
    return made


def keep(folder, *keys, name=".env"):
    """A .env file of these keys: MM_API_KEY=…, and so on."""
    lines = [
        f"{key.name.upper()}_API_KEY={key.public_key}\n{key.name.upper()}_API_SECRET={key.secret}\n" for key in keys
    ]
    (folder / name).write_text("".join(lines))
    (folder / name).chmod(0o600)
    return folder / name


def inspect(sandbox, file, *args):
    return krakenctl("inspect", "--env-file", file, "--endpoint", sandbox.url, *args)


def told(ran):
    assert not list(JUDGE.iter_errors(ran.json)), ran.out
    return ran.json


def words(ran):
    return " ".join((ran.out + ran.err).split())


def test_a_key_says_what_it_is_in_one_call_and_without_a_workspace(sandbox, account, here, calls):
    key = sandbox.key(GRANTS, name="mm", account=account, ip_allowlist=[HERE], valid_for="30d", nonce_window=5000)
    document = told(inspect(sandbox, keep(here, key), "-o", "json"))
    assert calls == ["/0/private/GetApiKeyInfo"]
    [one] = document["keys"]
    assert (document["endpoint"], one["verdict"], one["label"], one["name"]) == (sandbox.url, "described", "MM", "mm")
    assert (one["spec"]["permissions"], one["spec"]["ipAllowlist"], one["spec"]["nonceWindow"]) == (
        GRANTS,
        [HERE],
        5000,
    )
    assert [meaning["permission"] for meaning in one["permissions"]] == GRANTS
    assert (one["answeredTo"], one["findings"], document["findings"]) == ("s", [], [])
    assert len(str(one["nonce"])) == len("1800000000")  # a clock of seconds, until the year 2286
    assert list(here.iterdir()) == [here / ".env"]


def test_a_person_reads_what_each_right_allows_and_risks(sandbox, account, here):
    key = sandbox.key(["withdraw-funds", "modify-trades"], name="mm", account=account, valid_for="30d")
    ran = inspect(sandbox, keep(here, key))
    assert ran.code == 3
    assert f"Asked {sandbox.url}" in ran.out
    for part in ("withdraw-and-trade", "moves-funds-from-anywhere", "Withdraw,", "risks", "second factor"):
        assert part in words(ran)
    assert key.public_key not in ran.out


@pytest.mark.parametrize(("fail_on", "code"), [("error", 0), ("warning", 3), ("never", 0)])
def test_the_exit_code_is_what_was_asked_for(sandbox, account, here, fail_on, code):
    key = sandbox.key(GRANTS, name="mm", account=account, ip_allowlist=[HERE])
    ran = inspect(sandbox, keep(here, key), "--fail-on", fail_on, "-o", "json")
    assert [finding["rule"] for finding in told(ran)["keys"][0]["findings"]] == ["never-expires"]
    assert ran.code == code


@pytest.mark.parametrize("spelling", ["snake", "camel"])
@pytest.mark.parametrize("empty", ["empty", "blank"])
@pytest.mark.parametrize("window", ["number", "text"])
def test_however_kraken_spells_its_answer_the_same_is_told(sandbox, account, here, spelling, empty, window):
    sandbox.switch("key-info-spelling", spelling)
    sandbox.switch("empty-allowlist", empty)
    sandbox.switch("nonce-window-type", window)
    sandbox.switch("permissions-order", "reversed")
    key = sandbox.key(GRANTS, name="mm", account=account, valid_for="30d", nonce_window=7)
    [one] = told(inspect(sandbox, keep(here, key), "-o", "json"))["keys"]
    assert (one["spec"]["permissions"], one["spec"]["ipAllowlist"], one["spec"]["nonceWindow"]) == (GRANTS, [], 7)
    assert [finding["rule"] for finding in one["findings"]] == ["open-to-the-world"]


# Why a key does not answer

INVALID, DENIED, OTHER = "EAPI:Invalid key", "EGeneral:Permission denied", "EAPI:IP not allowed"


@pytest.mark.parametrize("answer", [INVALID, DENIED, OTHER])
def test_an_address_that_is_left_out_is_among_the_reasons_whatever_kraken_says(sandbox, account, here, calls, answer):
    sandbox.switch("disallowed-ip-error", answer)
    key = sandbox.key(GRANTS, name="mm", account=account, ip_allowlist=["203.0.113.10"])
    ran = inspect(sandbox, keep(here, key))
    assert (ran.code, len(calls)) == (1, 1)
    assert answer in words(ran)
    assert "may leave this machine out" in words(ran)
    assert "if it may be used only from other addresses, run this there" in words(ran)


@pytest.mark.parametrize("answer", [INVALID, DENIED, OTHER])
def test_an_end_that_has_passed_is_among_the_reasons_whatever_kraken_says(sandbox, account, here, calls, answer):
    sandbox.switch("expired-key-error", answer)
    key = sandbox.key(GRANTS, name="mm", account=account, valid_for="1h")
    sandbox.advance(hours=2)
    ran = inspect(sandbox, keep(here, key))
    assert (ran.code, len(calls)) == (1, 1)
    assert "its end has passed" in words(ran)


def test_a_deleted_key_is_told_as_one_of_several_possibilities(sandbox, account, here, calls):
    key = sandbox.key(GRANTS, name="mm", account=account)
    sandbox.revoke("mm", account=account)
    ran = inspect(sandbox, keep(here, key))
    assert (ran.code, len(calls)) == (1, 1)
    assert "it was deleted, mistyped or cut off, or it is a key of Kraken Futures" in words(ran)


@pytest.mark.parametrize("answer", ["EAPI:Invalid signature", DENIED])
def test_a_second_factor_is_asked_for_and_used(sandbox, account, here, calls, monkeypatch, answer):
    sandbox.switch("otp-error", answer)
    key = sandbox.key(GRANTS, name="mm", account=account, otp="open sesame", ip_allowlist=[HERE], valid_for="30d")
    ran = inspect(sandbox, keep(here, key))
    assert (ran.code, len(calls)) == (1, 1)
    assert "has a second factor" in words(ran)
    assert "--otp" in words(ran)
    monkeypatch.setenv("MY_OTP", "open sesame")
    assert inspect(sandbox, keep(here, key), "--otp-env", "MY_OTP").code == 0
    monkeypatch.setenv("MY_OTP", "wrong horse")
    wrong = inspect(sandbox, keep(here, key), "--otp-env", "MY_OTP")
    assert "the otp is wrong" in words(wrong)
    assert "wrong horse" not in words(wrong)


def test_a_secret_of_another_key_is_told(sandbox, account, here, calls):
    one, other = (sandbox.key(GRANTS, name=name, account=account) for name in ("mm", "other"))
    file = keep(here, one)
    file.write_text(file.read_text().replace(one.secret, other.secret))
    ran = inspect(sandbox, file)
    assert (ran.code, len(calls)) == (1, 1)
    assert "this is not its secret" in words(ran)


def test_a_lockout_is_told_and_not_prolonged(sandbox, account, here, calls):
    keys = [sandbox.key(GRANTS, name=f"k{number}", account=account) for number in range(3)]
    sandbox.fault("lockout", account=account)
    ran = inspect(sandbox, keep(here, *keys), "--all", "-o", "json")
    assert (ran.code, len(calls)) == (1, 1)
    assert [one["verdict"] for one in told(ran)["keys"]] == ["no-answer", "not-asked", "not-asked"]


@pytest.mark.parametrize("space", ["none", "space"])
def test_after_three_refusals_in_a_row_no_further_key_is_asked(sandbox, account, here, calls, space):
    sandbox.switch("error-space", space)
    keys = [sandbox.key(GRANTS, name=f"k{number}", account=account) for number in range(6)]
    for number in (1, 2, 3):
        sandbox.revoke(f"k{number}", account=account)
    ran = inspect(sandbox, keep(here, *keys), "--all", "-o", "json")
    verdicts = [one["verdict"] for one in told(ran)["keys"]]
    assert verdicts == ["described", *["no-answer"] * 3, *["not-asked"] * 2]
    assert (ran.code, len(calls)) == (1, 4)


def test_one_bad_key_does_not_hide_the_others(sandbox, account, here):
    keys = [sandbox.key(GRANTS, name=f"k{number}", account=account) for number in range(3)]
    sandbox.revoke("k1", account=account)
    ran = inspect(sandbox, keep(here, *keys), "--all")
    assert ran.code == 1
    assert [line.split()[0] for line in ran.out.splitlines() if line.startswith("K")][:3] == ["K0", "K1", "K2"]
    assert "no answer" in ran.out


@pytest.mark.parametrize(
    ("kind", "more", "said"),
    [
        ("rate-limit", {}, "nothing is wrong with it"),
        ("throttled", {}, "nothing is wrong with it"),
        ("error", {"error": "EService:Unavailable"}, "nothing is wrong with the key"),
        ("answer-lost", {}, "the question changes nothing"),
        ("http-error", {"status": 502}, "the question changes nothing"),
        ("http-error", {"status": 403}, "something between us and Kraken"),
        ("malformed", {}, "the question changes nothing"),
    ],
)
def test_a_moment_of_krakens_is_not_held_against_the_key(sandbox, account, here, calls, kind, more, said):
    key = sandbox.key(GRANTS, name="mm", account=account)
    sandbox.fault(kind, endpoint="GetApiKeyInfo", **more)
    ran = inspect(sandbox, keep(here, key))
    assert (ran.code, len(calls)) == (1, 1)
    assert said in words(ran)


def test_an_exchange_that_is_not_there_is_told_and_nothing_is_sent(sandbox, account, here):
    key = sandbox.key(GRANTS, name="mm", account=account)
    ran = krakenctl("inspect", "--env-file", keep(here, key), "--endpoint", _nowhere())
    assert (ran.code, "was asked" in ran.err) == (1, False)
    assert "cannot be reached" in words(ran)


def test_of_an_exchange_that_is_not_there_no_key_is_said_to_have_been_asked(sandbox, account, here):
    keys = [sandbox.key(GRANTS, name=name, account=account) for name in ("mm", "dash")]
    ran = krakenctl("inspect", "--all", "--env-file", keep(here, *keys), "--endpoint", where := _nowhere())
    assert (ran.code, f"{where} was not reached." in words(ran), "Asked" in ran.out) == (1, True, False)


def _nowhere():
    with socket.socket() as taken:
        taken.bind((HERE, 0))
        return f"http://{HERE}:{taken.getsockname()[1]}"


def test_an_address_with_a_path_that_no_kraken_has_is_told(sandbox, account, here):
    key = sandbox.key(GRANTS, name="mm", account=account)
    ran = krakenctl("inspect", "--env-file", keep(here, key), "--endpoint", f"{sandbox.url}/api")
    assert ran.code == 1
    assert "allow-list" not in words(ran)
    assert "check the endpoint" in words(ran) or "check the workspace's endpoint" in words(ran)


def test_an_address_without_its_scheme_is_corrected(here):
    ran = krakenctl("inspect", "--env", "MM", "--endpoint", "api.kraken.com")
    assert (ran.code, "write https://api.kraken.com" in ran.err) == (64, True)


# Nonces


@pytest.mark.parametrize("scale", CLOCKS[:2])
def test_what_the_program_sends_is_found_out_and_told(sandbox, account, here, scale):
    key = sandbox.key(GRANTS, name="mm", account=account)
    _consume(sandbox, key, nonce_at(scale, time.time_ns()))
    [one] = told(inspect(sandbox, keep(here, key), "-o", "json"))["keys"]
    assert one["answeredTo"] == scale


@pytest.mark.parametrize("scale", CLOCKS[2:])
def test_a_program_with_a_finer_clock_is_left_in_peace_unless_it_is_said(sandbox, account, here, calls, scale):
    key = sandbox.key(GRANTS, name="mm", account=account)
    _consume(sandbox, key, nonce_at(scale, time.time_ns()))
    calls.clear()
    ran = inspect(sandbox, keep(here, key))
    assert (ran.code, len(calls)) == (1, 3)
    assert "--nonce ms|us|ns|N" in words(ran)
    ran = inspect(sandbox, keep(here, key), "--nonce", scale, "-o", "json")
    assert told(ran)["keys"][0]["answeredTo"] == scale


@pytest.fixture
def refused(monkeypatch):
    """Of every answer to a key whether it was a refusal."""
    seen = []
    send = Http.call

    def recorded(self, method, path, **more):
        answer = send(self, method, path, **more)
        if path != "/0/public/Time":
            seen.append(bool(answer.body.get("error")))
        return answer

    monkeypatch.setattr(Http, "call", recorded)
    return seen


SORTS = ["s", "ms", "us", "gone", "new"]


@pytest.mark.parametrize("order", range(6))
def test_no_more_than_three_calls_in_a_row_are_refused_whatever_the_keys(sandbox, account, here, refused, order):
    sorts = random.Random(order).choices(SORTS, weights=[1, 2, 4, 1, 1], k=12)
    keys = [_of_sort(sandbox, account, sort, f"k{number}") for number, sort in enumerate(sorts)]
    refused.clear()
    document = told(inspect(sandbox, keep(here, *keys), "--all", "-o", "json"))
    rows = [len(list(row)) for was_refused, row in groupby(refused) if was_refused]
    assert max(rows, default=0) <= 3
    for key, sort in zip(document["keys"], sorts, strict=True):
        expected = "no-answer" if sort in ("us", "gone") else "described"
        assert key["verdict"] in (expected, "not-asked"), (sort, key)


def test_one_key_with_a_fine_clock_does_not_keep_the_others_from_being_asked(sandbox, account, here, refused):
    sorts = ["ms", "us", "us", "us", "s", "new", "us"]
    keys = [_of_sort(sandbox, account, sort, f"k{number}") for number, sort in enumerate(sorts)]
    refused.clear()
    document = told(inspect(sandbox, keep(here, *keys), "--all", "-o", "json"))
    shown = {"ms": "described", "s": "described", "new": "described", "us": "no-answer"}
    assert [key["verdict"] for key in document["keys"]] == [shown[sort] for sort in sorts]


def test_where_no_key_has_answered_yet_it_is_said_how_to_ask_the_rest(sandbox, account, here, refused):
    keys = [_of_sort(sandbox, account, sort, f"k{number}") for number, sort in enumerate(["us", "ms"])]
    refused.clear()
    ran = inspect(sandbox, keep(here, *keys), "--all")
    assert refused == [True] * 3
    assert ("not asked" in words(ran), "ask it alone: --label LABEL" in words(ran)) == (True, True)


def _of_sort(sandbox, account, sort, name):
    """One whose program sends such nonces; `new`: that no program has used."""
    key = sandbox.key(GRANTS, name=name, account=account)
    if sort in CLOCKS:
        _consume(sandbox, key, nonce_at(sort, time.time_ns()))
    if sort == "gone":
        sandbox.revoke(name, account=account)
    return key


@pytest.mark.parametrize(("flags", "warned"), [((), True), (("--nonce", "ms"), False)], ids=["guessed", "said"])
def test_whoever_lets_it_guess_is_told_whom_that_locks_out(sandbox, account, here, flags, warned):
    keys = [sandbox.key(GRANTS, name=name, account=account) for name in ("mm", "dash")]
    ran = inspect(sandbox, keep(here, *keys), "--all", "-o", "json", *flags)
    told(ran)
    assert ("2 keys are asked" in ran.err and "counts its calls is locked out" in " ".join(ran.err.split())) is warned


def test_an_answer_to_seconds_says_what_else_it_can_mean(sandbox, account, here):
    key = sandbox.key(GRANTS, name="mm", account=account)
    _consume(sandbox, key, 41)
    ran = inspect(sandbox, keep(here, key))
    assert "One that counts 1, 2, 3 is locked out now" in words(ran)
    assert "Nothing was changed but the key's nonce." in words(ran)
    assert "the highest is" in words(ran)


def test_what_was_found_in_the_source_is_told_though_the_key_does_not_answer(sandbox, account, here):
    key = sandbox.key(GRANTS, name="mm", account=account)
    sandbox.revoke("mm", account=account)
    file = keep(here, key)
    file.write_text(file.read_text() + "KRAKEN_TIER=pro\n")
    assert "KRAKEN_TIER" in inspect(sandbox, file).err


def test_calls_that_kraken_does_not_document_are_not_promised(sandbox, account, here):
    key = sandbox.key(["withdraw-funds", "query-funds", "add-withdraw-address"], name="mm", account=account)
    [one] = told(inspect(sandbox, keep(here, key), "-o", "json"))["keys"]
    unlocked = [call for meaning in one["permissions"] for call in meaning["unlocks"]]
    assert not {"CreateFundingWithdrawal", "WithdrawFee", "CreateFundingAddress"} & set(unlocked)
    assert {"POST /funding/v1/addresses", "GET /funding/v1/addresses", "Withdraw"} <= set(unlocked)
    for meaning in one["permissions"]:
        assert len(meaning["unlocks"]) == len(set(meaning["unlocks"]))


def test_a_refusal_says_who_was_asked(sandbox, account, here):
    key = sandbox.key(GRANTS, name="mm", account=account)
    sandbox.revoke("mm", account=account)
    assert f"{sandbox.url} was asked" in words(inspect(sandbox, keep(here, key)))


def test_a_program_that_counts_can_be_asked_with_its_next_number(sandbox, account, here):
    key = sandbox.key(GRANTS, name="mm", account=account)
    _consume(sandbox, key, 41)
    [one] = told(inspect(sandbox, keep(here, key), "--nonce", "42", "-o", "json"))["keys"]
    assert one["answeredTo"] == "counter"
    _consume(sandbox, key, 43)
    ran = inspect(sandbox, keep(here, key), "--nonce", "43")
    assert "has seen 43 already, or a number above it" in words(ran)


@pytest.mark.parametrize("nonce", [1, 41, "s", "ms", "ns"], ids=str)
def test_alive_tells_that_the_pair_is_right_and_gets_in_no_programs_way(sandbox, account, here, calls, nonce):
    key = sandbox.key(GRANTS, name="mm", account=account)
    number = nonce if isinstance(nonce, int) else nonce_at(nonce, time.time_ns())
    _consume(sandbox, key, number)
    calls.clear()
    ran = inspect(sandbox, keep(here, key), "--alive", "-o", "json")
    assert ([one["verdict"] for one in told(ran)["keys"]], ran.code, ran.err) == (["alive"], 0, "")
    assert len(calls) == 1
    _consume(sandbox, key, number + 1)
    assert "Key and secret are right" in words(inspect(sandbox, keep(here, key), "--alive"))


def test_alive_shows_a_key_whole_that_nobody_has_used(sandbox, account, here):
    key = sandbox.key(GRANTS, name="mm", account=account)
    assert told(inspect(sandbox, keep(here, key), "--alive", "-o", "json"))["keys"][0]["name"] == "mm"
    _consume(sandbox, key, 2)


def test_alive_takes_no_dead_key_for_a_living_one(sandbox, account, here):
    one, other, gone = (sandbox.key(GRANTS, name=name, account=account) for name in ("mm", "other", "gone"))
    sandbox.revoke("gone", account=account)
    assert inspect(sandbox, keep(here, gone), "--alive").code == 1
    file = keep(here, one)
    file.write_text(file.read_text().replace(one.secret, other.secret))
    assert "this is not its secret" in words(inspect(sandbox, file, "--alive"))


def test_alive_stops_after_three_refusals_too(sandbox, account, here, calls):
    keys = [sandbox.key(GRANTS, name=f"k{number}", account=account) for number in range(5)]
    for key in keys:
        _consume(sandbox, key, 7)
    calls.clear()
    ran = inspect(sandbox, keep(here, *keys), "--all", "--alive", "-o", "json")
    assert [one["verdict"] for one in told(ran)["keys"]] == [*["alive"] * 3, *["not-asked"] * 2]
    assert (ran.code, len(calls)) == (1, 3)
    assert "alive" in inspect(sandbox, keep(here, *keys[:2]), "--all", "--alive").out


def _consume(sandbox, key, nonce):
    http = Http(sandbox.url)
    signed(http, KeyPair(public_key=key.public_key, secret=Secret(key.secret)), "GetApiKeyInfo", nonce)
    http.close()


# Where keys come from


@pytest.mark.parametrize("shape", ["{0}\n{1}\n", "key={0}\nsecret={1}", '{{"apiKey": "{0}", "secret": "{1}"}}'])
def test_standard_input_may_have_any_shape(sandbox, account, here, monkeypatch, shape):
    key = sandbox.key(GRANTS, name="mm", account=account)
    _pipe(monkeypatch, shape.format(key.public_key, key.secret).encode())
    ran = krakenctl("inspect", "--stdin", "--endpoint", sandbox.url, "-o", "json")
    assert told(ran)["keys"][0]["name"] == "mm"


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"nothing", b"a\nb"])
def test_standard_input_without_a_pair_is_refused_and_not_repeated(here, calls, monkeypatch, content):
    _pipe(monkeypatch, content)
    ran = krakenctl("inspect", "--stdin")
    assert (ran.code, calls) == (1, [])


def _pipe(monkeypatch, content):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))


@pytest.mark.parametrize("names", ["THE_KEY,THE_SECRET", "THE", "the"])
def test_variables_are_named_and_not_given(sandbox, account, here, monkeypatch, names):
    key = sandbox.key(GRANTS, name="mm", account=account)
    monkeypatch.setenv("THE_KEY", key.public_key)
    monkeypatch.setenv("THE_SECRET", key.secret)
    ran = krakenctl("inspect", "--env", names, "--endpoint", sandbox.url, "-o", "json")
    assert told(ran)["keys"][0]["name"] == "mm"


def test_of_several_pairs_one_is_chosen_or_all(sandbox, account, here, calls):
    keys = [sandbox.key(GRANTS, name=name, account=account) for name in ("mm", "dash")]
    file = keep(here, *keys)
    unclear = inspect(sandbox, file)
    assert (unclear.code, calls) == (64, [])
    assert "--all" in unclear.err
    assert "MM, DASH" in words(unclear)
    assert told(inspect(sandbox, file, "--label", "dash", "-o", "json"))["keys"][0]["name"] == "dash"
    assert len(told(inspect(sandbox, file, "--all", "-o", "json"))["keys"]) == 2
    assert inspect(sandbox, file, "--label", "other").code == 64


def test_what_a_file_holds_beside_pairs_is_told_with_them(sandbox, account, here):
    key = sandbox.key(GRANTS, name="mm", account=account)
    file = keep(here, key)
    file.write_text(file.read_text() + f"nonsense\nOTHER_API_SECRET={key.secret}\nX_FUTURES_KEY={key.public_key}\n")
    file.chmod(0o644)
    findings = told(inspect(sandbox, file, "-o", "json"))["findings"]
    assert [finding["rule"] for finding in findings] == [
        "file-open-to-others",
        "unreadable-line",
        "half-a-pair",
        "futures-key",
    ]


@pytest.mark.parametrize("flags", [["--env-file", "none"], ["--env-file", "."], ["--env", "NO_KEY,NO_SECRET"]], ids=str)
def test_a_source_that_is_not_there_is_told(here, calls, flags):
    ran = krakenctl("inspect", *flags)
    assert (ran.code, calls) == (1, [])


def test_a_file_in_another_encoding_is_told_by_its_line_and_half_a_pair_by_the_other_half(here, calls, monkeypatch):
    (here / ".env").write_bytes(b"A=1\n# schl\xfcssel\n")
    assert "is not UTF-8 (line 2)" in words(krakenctl("inspect", "--env-file", ".env"))
    monkeypatch.setenv("MM_API_KEY", "something")
    ran = krakenctl("inspect", "--env", "MM_API_KEY")
    assert (ran.code, calls) == (64, [])
    assert "the prefix MM" in words(ran)


@pytest.mark.parametrize(
    "flags",
    [
        [],
        ["--stdin", "--env", "A,B"],
        ["--nonce", "soon", "--env", "A"],
        ["--nonce", "0", "--env", "A"],
        ["ApiKey/acme"],
        ["Account/acme"],
        ["--alive", "--nonce", "ms", "--env", "A"],
        ["--alive", "--probe", "--env", "A"],
    ],
    ids=" ".join,
)
def test_a_command_line_that_makes_no_sense_is_refused_before_anything_is_read(here, calls, flags):
    ran = krakenctl("inspect", *flags)
    assert (ran.code, calls) == (64, [])


@pytest.mark.parametrize("endpoint", ["http://api.kraken.com", "ftp://x", "nonsense"])
def test_a_key_is_sent_to_no_endpoint_that_a_workspace_could_not_name(sandbox, account, here, calls, endpoint):
    ran = krakenctl("inspect", "--env-file", keep(here, sandbox.key(account=account)), "--endpoint", endpoint)
    assert (ran.code, calls) == (64, [])


def test_without_a_workspace_the_real_kraken_is_meant(sandbox, account, here, monkeypatch):
    """Nothing leaves this machine: the call is caught where it would."""

    def caught(http, *_, **__):
        raise Unreachable(f"asked {http._base}")

    monkeypatch.setattr(Http, "call", caught)
    told = krakenctl("inspect", "--env-file", keep(here, sandbox.key(account=account)))
    assert (told.code, "asked https://api.kraken.com" in words(told)) == (1, True)


# Secrets

ARGUMENTS = [
    ["{}"],
    ["--secret", "{}"],
    ["--secret={}"],
    ["--env", "{}"],
    ["--nonce={}"],
    ["-o", "{}"],
    ["--label", "{}"],
]


@pytest.mark.parametrize("half", ["secret", "public_key"])
@pytest.mark.parametrize("words_of", ARGUMENTS, ids=" ".join)
@pytest.mark.parametrize("output", ["text", "json"])
def test_a_key_on_the_command_line_is_refused_and_never_repeated(sandbox, account, here, calls, half, words_of, output):
    key = sandbox.key(account=account)
    given = getattr(key, half)
    ran = krakenctl("inspect", "-o", output, *(word.format(given) for word in words_of))
    assert (ran.code, calls) == (64, [])
    assert "history" in words(ran)
    assert not any(part.decode("latin-1") in ran.out + ran.err for part in spellings(given))


def test_no_secret_is_shown_whatever_comes_of_it(sandbox, account, here, monkeypatch):
    key = sandbox.key(GRANTS, name="mm", account=account, otp="a canary of an otp")
    gone = sandbox.key(GRANTS, name="gone", account=account)
    sandbox.revoke("gone", account=account)
    monkeypatch.setenv("MY_OTP", "a canary of an otp")
    shown = []
    for file in (keep(here, key), keep(here, gone), keep(here, key, gone)):
        for more in ([], ["-o", "json"], ["--all"], ["--otp-env", "MY_OTP"], ["--nonce", "1"]):
            ran = inspect(sandbox, file, *more)
            shown += [ran.out, ran.err]
    told = "\n".join(shown)
    for secret in (key.secret, gone.secret, "a canary of an otp"):
        assert not any(part.decode("latin-1") in told for part in spellings(secret))


def test_no_variable_of_ours_holds_a_bare_secret_while_a_key_is_asked(sandbox, account, here, monkeypatch):
    key = sandbox.key(GRANTS, name="mm", account=account, ip_allowlist=[HERE], valid_for="30d")
    file = keep(here, key)
    ours = ("krakenctl.pairs", "krakenctl.tasks", "krakenctl.cli", "krakenctl.render")
    with bare_locals([key.secret[:16], key.secret[-16:]], within=lambda name: name.startswith(ours)) as found:
        assert inspect(sandbox, file).code == 0
    assert found == set()


def test_no_variable_of_ours_holds_a_second_factor_while_a_key_is_asked(sandbox, account, here, monkeypatch):
    key = sandbox.key(GRANTS, name="mm", account=account, otp="a canary of an otp", valid_for="30d")
    file = keep(here, key)
    monkeypatch.setenv("MY_OTP", "a canary of an otp")
    ours = (
        "krakenctl.pairs",
        "krakenctl.tasks",
        "krakenctl.cli",
        "krakenctl.surfaces",
        "krakenctl.transport",
    )
    canaries = ["a canary of an otp", "a+canary+of+an+otp"]
    with bare_locals(canaries, within=lambda name: name.startswith(ours)) as found:
        assert inspect(sandbox, file, "--otp-env", "MY_OTP").code == 0
    assert found == set()


@pytest.mark.parametrize("place", ["surfaces.kraken.spot.send", "audit.rules.of_description", "render.inspection.text"])
def test_a_crash_report_shows_no_secret(sandbox, account, here, monkeypatch, place):
    key = sandbox.key(GRANTS, name="mm", account=account)

    def bug(*_, **__):
        raise RuntimeError("a bug")

    monkeypatch.setattr(f"krakenctl.{place}", bug)
    with pytest.raises(RuntimeError) as raised:
        inspect(sandbox, keep(here, key))
    report = crash_report(raised.value)
    assert not any(part.decode("latin-1") in report for part in spellings(key.secret))


def test_every_right_is_explained(sandbox, account, here):
    key = sandbox.key(sorted(ALL), name="mm", account=account)
    [one] = told(inspect(sandbox, keep(here, key), "-o", "json"))["keys"]
    assert {meaning["permission"] for meaning in one["permissions"]} == {right.value for right in ALL}
    assert all(meaning["words"] and meaning["risks"] for meaning in one["permissions"])
    assert {finding["rule"] for finding in one["findings"]} <= set(RULES)
    assert json.dumps(one)


def test_the_folder_is_left_as_it_was(sandbox, account, here):
    inspect(sandbox, keep(here, sandbox.key(account=account)))
    assert [path.name for path in Path().iterdir()] == [".env"]


def test_a_probe_tells_granted_from_listed(sandbox, account, here, calls):
    key = sandbox.key(["query-funds", "query-ledger", "earn-funds"], name="mm", account=account, ip_allowlist=[HERE])
    ran = inspect(sandbox, keep(here, key), "--probe", "--nonce", "ms", "-o", "json")
    tried = {meaning["permission"]: meaning["tried"]["verdict"] for meaning in told(ran)["keys"][0]["permissions"]}
    assert tried == {"query-funds": "granted", "query-ledger": "granted", "earn-funds": "listed"}
    assert calls[0] == "/0/private/GetApiKeyInfo"
    assert len(calls) > 1
    assert "not proved" in words(inspect(sandbox, keep(here, key), "--probe", "--nonce", "ms"))


CUT = -4  # characters that somebody forgot to copy


def test_a_half_with_a_piece_missing_costs_no_call_unless_it_is_named(sandbox, account, here, calls):
    keys = [sandbox.key(GRANTS, name=name, account=account) for name in ("kraken_mm", "dash")]
    file = keep(here, *keys)
    file.write_text(file.read_text().replace(keys[0].secret, keys[0].secret[:CUT]))
    ran = inspect(sandbox, file, "--all", "-o", "json")
    assert ([one["verdict"] for one in told(ran)["keys"]], ran.code) == (["not-asked", "described"], 1)
    assert "84 characters" in told(ran)["keys"][0]["problem"]["message"]
    assert len(calls) == 1
    assert "this is not its secret" in words(inspect(sandbox, file, "--label", "kraken_mm"))
    assert len(calls) == 2


def test_the_only_pair_with_a_piece_missing_is_told_and_not_asked(sandbox, account, here, calls):
    key = sandbox.key(GRANTS, name="kraken", account=account)
    file = keep(here, key)
    file.write_text(file.read_text().replace(key.public_key, key.public_key[:CUT]))
    ran = inspect(sandbox, file)
    assert (ran.code, calls) == (1, [])
    assert "52 characters" in words(ran)
    assert "--label LABEL" in words(ran)


def test_a_file_that_is_named_without_its_flag_is_told_how(here):
    (here / ".env").write_text("")
    ran = krakenctl("inspect", ".env")
    assert (ran.code, "--env-file .env" in ran.err) == (64, True)


def test_no_hint_names_a_flag_that_cannot_stand_beside_the_one_given(here):
    (here / ".env").write_text("A=b\n")
    assert "--env KEY,SECRET" not in krakenctl("inspect", "--env-file", ".env").err
    assert "--env KEY,SECRET" in krakenctl("inspect", "--env", "MM").err


# At a terminal


def test_whoever_is_there_is_asked_before_a_clock_is_guessed_at(sandbox, account, here):
    file = keep(here, *(sandbox.key(GRANTS, name=name, account=account, valid_for="30d") for name in ("mm", "dash")))
    talk = Dialogue("inspect", "--all", "--env-file", file, "--endpoint", sandbox.url, cwd=here)
    assert "counts its calls is locked out" in " ".join(talk.until("Ask 2 keys? [y/N]").split())
    talk.type("n")
    code, rest = talk.end()
    assert (code, "Nothing was asked." in rest) == (1, True)
    talk = Dialogue("inspect", "--all", "--yes", "--env-file", file, "--endpoint", sandbox.url, cwd=here)
    code, rest = talk.end()
    assert (code, "[y/N]" in rest, "Asked" in rest) == (0, False, True)


def test_whoever_types_a_key_knows_before_whom_that_locks_out_and_is_asked_about_an_odd_one(sandbox, account, here):
    key = sandbox.key(GRANTS, name="mm", account=account, valid_for="30d")
    talk = Dialogue("inspect", "--endpoint", sandbox.url, cwd=here)
    before = " ".join(talk.until("API key (not shown)").split())
    assert "counts its calls is locked out" in before
    talk.type(key.public_key[:CUT])
    assert "52 characters" in talk.until("once more (not shown)")
    talk.type(key.public_key)
    talk.until("Private key (not shown)")
    talk.type(key.secret[:CUT])
    assert "84 characters" in talk.until("once more (not shown)")
    talk.type("")
    code, rest = talk.end()
    assert (code, "this is not its secret" in " ".join(rest.split())) == (1, True)
