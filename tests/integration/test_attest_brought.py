"""What a key has said where it lives is brought to the workspace: somebody's word, about that key, of today."""

from __future__ import annotations

import io
import json

import jsonschema_rs
import pytest

from by_hand import planned
from desk import DAY, NOW
from krakenctl import schema_files
from krakenctl.sandbox.people import operate
from krakenctl.testing.sandbox import served
from running import krakenctl
from waiting import BOT, ORDERS, at, in_env, nonce, row, set_nonce, waiting_desk


@pytest.fixture(params=ORDERS)
def desk(tmp_path, request):
    return waiting_desk(tmp_path / "acme", request.param)


def checked(ran, name):
    jsonschema_rs.validator_for(schema_files.load(name)).validate(ran.json)
    return ran.json


def told(ran):
    return " ".join((ran.out + ran.err).split())


def printed(desk, monkeypatch):
    """What `--print` prints where the key lives."""
    made = row(desk)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(f"{made.public_key}\n{made.secret}".encode())))
    with at(monkeypatch):
        ran = desk.run("attest", "--print", "--stdin")
    assert ran.code == 0, ran.err
    assert made.secret not in ran.out
    checked(ran, "attestation")
    return ran.out


def test_what_is_brought_ends_the_wait_and_stays_marked_as_a_claim(desk, tmp_path, monkeypatch):
    (tmp_path / "said.json").write_text(printed(desk, monkeypatch))
    done = checked(desk.run("attest", BOT, "--from", tmp_path / "said.json", "-o", "json"), "attested")
    assert (done["verdict"], done["secret"]) == ("claimed", "untried")
    [record] = desk.recorded().keys.values()
    assert record.unverified.startswith("attested by ")
    assert planned(desk).changes == ()


@pytest.mark.parametrize(
    ("field", "other", "next_step"),
    [
        ("apiKey", "k" * 56, "`krakenctl apply` at a terminal takes it again, with [k], and so does --stdin"),
        ("name", "bot.a7.g9", "put it right on the website"),
        ("at", "2020-01-01T00:00:00Z", "ask it again where it lives"),
        ("at", "2099-01-01T00:00:00Z", "ask it again where it lives"),
        ("endpoint", "https://api.kraken.com", "--endpoint sandbox"),
        ("spec", {"nonceWindow": 7}, "put it right on the website"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_brought_of_something_else_ends_nothing(desk, tmp_path, monkeypatch, field, other, next_step):
    said = json.loads(printed(desk, monkeypatch))
    said[field] = {**said[field], **other} if isinstance(other, dict) else other
    (tmp_path / "said.json").write_text(json.dumps(said))
    ran = desk.run("attest", BOT, "--from", tmp_path / "said.json")
    assert (ran.code, desk.recorded().keys, next_step in told(ran)) == (3, {}, True), told(ran)


def test_what_was_said_does_not_keep(desk, tmp_path, monkeypatch):
    """The key may have been edited since, and nobody here can ask it."""
    (tmp_path / "said.json").write_text(printed(desk, monkeypatch))
    operate.edit_key(desk.db, "acme", "bot.a7.g1", ["withdraw-funds"], ip_allowlist=["198.51.100.7"])
    desk.advance(DAY + 60)
    ran = desk.run("attest", BOT, "--from", tmp_path / "said.json")
    assert (ran.code, "more than a day ago" in told(ran), desk.recorded().keys) == (3, True, {})


def test_a_host_without_the_store_leaves_the_rest_to_one_that_has_it(desk, tmp_path, monkeypatch):
    (tmp_path / "said.json").write_text(printed(desk, monkeypatch))
    (desk.root / "secrets").rename(tmp_path / "away")
    ran = desk.run("attest", BOT, "--from", tmp_path / "said.json")
    assert (ran.code, "on a host that has the store" in told(ran), desk.recorded().keys) == (4, True, {})
    (tmp_path / "away").rename(desk.root / "secrets")
    assert desk.run("recover").code == 0
    [record] = desk.recorded().keys.values()
    assert record.unverified.startswith("attested by ")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": "krakenctl.attestation/v1"}', "\x00"])
def test_what_is_no_attestation_is_refused(desk, tmp_path, text):
    (tmp_path / "said.json").write_text(text)
    ran = desk.run("attest", BOT, "--from", tmp_path / "said.json")
    assert (ran.code, "krakenctl attest --print" in told(ran)) == (64, True)


def test_nobody_is_asked_beside_what_is_brought(desk, tmp_path):
    assert desk.run("attest", BOT, "--from", tmp_path / "said.json", "--nonce", "7").code == 64


def test_the_time_is_the_exchanges_whatever_the_clock_here_shows(tmp_path, monkeypatch):
    with served(tmp_path / "sandbox.db") as sandbox:
        sandbox.freeze(NOW + 1000 * DAY)
        made = sandbox.key(["query-funds"])
        given = in_env(monkeypatch, made.public_key, made.secret)
        ran = krakenctl("-C", tmp_path, "attest", "--print", "--endpoint", sandbox.url, *given)
    assert (ran.code, ran.json["at"]) == (0, "2029-10-11T08:00:00Z"), ran.err


def test_what_prints_knows_no_clock_and_sends_none(desk, monkeypatch):
    set_nonce(desk, 500)
    given = in_env(monkeypatch, row(desk).public_key, row(desk).secret)
    with at(monkeypatch):
        ran = desk.run("attest", "--print", *given)
        assert (ran.code, "--nonce N" in told(ran), nonce(desk)) == (1, True, 500), told(ran)
        assert desk.run("attest", "--print", *given, "--nonce", "501").code == 0
    assert nonce(desk) == 501
