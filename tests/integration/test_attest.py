"""A key that cannot answer where it was made is looked at where it lives; or somebody brings what it said there."""

from __future__ import annotations

import io
import json

import jsonschema_rs
import pytest

from by_hand import a_key, by_hand, planned, run
from desk import make_desk
from krakenctl import schema_files
from krakenctl.sandbox.people import operate
from krakenctl.stores.base import Slot
from krakenctl.testing.person import Robot
from krakenctl.transport.wsgi import WsgiAdapter

BOT = "ApiKey/acme/bot"
THERE = "198.51.100.7"


@pytest.fixture
def desk(tmp_path):
    """A key was made and typed in; this host is not in its allow-list."""
    desk = make_desk(tmp_path / "acme")
    desk.declare(by_hand(), a_key(ipAllowlist=[THERE]))
    run(desk, Robot(desk.db))
    assert desk.entry("acme/bot", Slot.PENDING)
    return desk


@pytest.fixture
def there(monkeypatch):
    """From now on this host is where the key lives."""

    def move():
        monkeypatch.setitem(WsgiAdapter.__init__.__kwdefaults__, "remote_addr", THERE)

    return move


def checked(ran, name):
    jsonschema_rs.validator_for(schema_files.load(name)).validate(ran.json)
    return ran.json


def test_where_the_key_may_be_used_it_is_asked_and_promoted(desk, there):
    there()
    done = checked(desk.run("attest", BOT, "-o", "json"), "attested")
    assert (done["verdict"], done["differences"]) == ("attested", [])
    [record] = desk.recorded().keys.values()
    assert (record.unverified, desk.entry("acme/bot").live_name) == ("", "bot.a7.g1")
    assert planned(desk).changes == ()
    assert "attested: by" in desk.run("log").out


def test_a_key_that_waits_is_no_strangers(desk):
    """Whoever followed the advice about strangers would delete it."""
    assert "unknown-key" not in {finding.rule for finding in planned(desk).findings}
    assert "orphan" not in {drift["kind"] for drift in desk.run("drift", "-o", "json").json["drifts"]}


def test_where_it_may_not_be_used_nothing_is_concluded(desk):
    ran = desk.run("attest", BOT)
    assert ran.code == 1
    assert desk.recorded().keys == {}


def test_a_key_that_is_not_as_it_was_asked_for_is_named_and_not_promoted(desk, there):
    operate.edit_key(desk.db, "acme", "bot.a7.g1", ["withdraw-funds"], ip_allowlist=[THERE])
    there()
    ran = desk.run("attest", BOT)
    assert (ran.code, "Withdraw" in ran.out, desk.recorded().keys) == (3, True, {})
    assert desk.recorded().intents


def test_the_pair_may_come_from_where_its_consumer_reads_it(desk, there, monkeypatch):
    row = desk.rows()["bot.a7.g1"]
    monkeypatch.setenv("MM_API_KEY", row.public_key)
    monkeypatch.setenv("MM_API_SECRET", row.secret)
    there()
    ran = desk.run("attest", BOT, "--env", "MM_API_KEY,MM_API_SECRET")
    assert ran.code == 0, ran.out + ran.err


def test_a_right_pair_is_no_proof_of_a_mistyped_one_in_the_store(desk, there, monkeypatch):
    row = desk.rows()["bot.a7.g1"]
    monkeypatch.setenv("MM_API_KEY", row.public_key)
    monkeypatch.setenv("MM_API_SECRET", ("B" if row.secret[0] == "A" else "A") + row.secret[1:])
    there()
    ran = desk.run("attest", BOT, "--env", "MM_API_KEY,MM_API_SECRET")
    assert (ran.code, "mistyped" in ran.err, desk.recorded().keys) == (1, True, {})


def test_another_keys_pair_attests_nothing(desk, there, monkeypatch):
    other = operate.make_key(desk.db, "acme", "other", ["query-funds"])
    monkeypatch.setenv("MM_API_KEY", other["apiKey"])
    monkeypatch.setenv("MM_API_SECRET", other["secret"])
    there()
    ran = desk.run("attest", BOT, "--env", "MM_API_KEY,MM_API_SECRET")
    assert (ran.code, "another key" in ran.out) == (3, True)


def brought(desk, monkeypatch):
    """What `--print` prints where the key lives."""
    row = desk.rows()["bot.a7.g1"]
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(f"{row.public_key}\n{row.secret}".encode())))
    with monkeypatch.context() as moved:
        moved.setitem(WsgiAdapter.__init__.__kwdefaults__, "remote_addr", THERE)
        ran = desk.run("attest", "--print", "--stdin")
    assert ran.code == 0, ran.err
    assert row.secret not in ran.out
    checked(ran, "attestation")
    return ran.out


def test_what_is_brought_ends_the_wait_and_stays_marked_as_a_claim(desk, tmp_path, monkeypatch):
    (tmp_path / "said.json").write_text(brought(desk, monkeypatch))
    done = checked(desk.run("attest", BOT, "--from", tmp_path / "said.json", "-o", "json"), "attested")
    assert done["verdict"] == "claimed"
    [record] = desk.recorded().keys.values()
    assert record.unverified.startswith("attested by ")


@pytest.mark.parametrize(
    ("field", "other"),
    [
        ("apiKey", "k" * 56),
        ("name", "bot.a7.g9"),
        ("at", "2020-01-01T00:00:00Z"),
        ("at", "2099-01-01T00:00:00Z"),
        ("endpoint", "https://api.kraken.com"),
        ("spec", {"nonceWindow": 7}),
    ],
)
def test_what_is_brought_of_something_else_ends_nothing(desk, tmp_path, monkeypatch, field, other):
    told = json.loads(brought(desk, monkeypatch))
    told[field] = {**told[field], **other} if isinstance(other, dict) else other
    (tmp_path / "said.json").write_text(json.dumps(told))
    ran = desk.run("attest", BOT, "--from", tmp_path / "said.json")
    assert (ran.code, desk.recorded().keys) == (3, {}), ran.out


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": "krakenctl.attestation/v1"}', "\x00"])
def test_what_is_no_attestation_is_refused(desk, tmp_path, text):
    (tmp_path / "said.json").write_text(text)
    assert desk.run("attest", BOT, "--from", tmp_path / "said.json").code == 64


def test_where_nothing_waits_that_is_said(desk):
    assert desk.run("attest", "ApiKey/acme/other").code == 64
