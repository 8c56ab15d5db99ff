"""krakenctl inspect inside a workspace: its keys by address, its stores by path, its endpoint; and on a terminal."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest

import desk as d
from desk import Desk, Wire
from krakenctl.model.key import KeyPair
from krakenctl.model.secret import Secret
from krakenctl.sandbox.people import operate
from terminal import on_a_terminal, plain

OPEN = {"ipAllowlist": "any"}


@pytest.fixture
def desk(tmp_path, monkeypatch):
    d.stop_time(monkeypatch)
    return d.make_desk(tmp_path / "acme")


@pytest.fixture
def wire(monkeypatch):
    return Wire().install(monkeypatch)


def signed(wire):
    """All calls but those for the time, which need no key."""
    return [call for call in wire.calls if call != "time"]


def inspected(ran):
    [one] = ran.json["keys"]
    return one


def with_key(desk: Desk, **spec) -> Desk:
    desk.declare(d.account(), d.key("bot", "query-ledger", **OPEN, **spec))
    return desk.applied()


@pytest.mark.parametrize("which", ["ApiKey/acme/bot", "main:acme/bot"])
def test_a_key_of_the_workspace_is_asked_by_its_address_or_by_its_place(desk, wire, which):
    with_key(desk)
    wire.clear()
    ran = desk.run("inspect", which, "-o", "json")
    one = inspected(ran)
    assert (ran.json["endpoint"], one["label"], one["name"]) == ("sandbox", which, "bot.a7.g1")
    assert (one["created"], one["iiban"]) == (d.NOW, desk.recorded().accounts["acme"].iiban)
    assert signed(wire) == ["inspect"]


def test_times_are_told_from_the_sandboxs_own_clock(desk):
    with_key(desk)
    desk.advance(168 * d.DAY)
    told = desk.run("inspect", "ApiKey/acme/bot")
    assert "2027-07-14T08:00:00Z (in 12 days)" in told.out
    assert "2027-01-15T08:00:00Z (168 days ago)" in told.out
    assert {"expires-soon", "too-old", "open-to-the-world"} <= set(told.out.split())
    calmer = desk.run("inspect", "ApiKey/acme/bot", "--max-age", "0", "--expires-within", "1d")
    assert not {"expires-soon", "too-old"} & set(calmer.out.split())


@pytest.mark.parametrize("scale", ["s", "ms", "us", "ns"])
def test_the_clock_that_the_manifest_declares_is_used(desk, wire, scale):
    with_key(desk, consumer={"nonce": scale})
    wire.clear()
    assert inspected(desk.run("inspect", "ApiKey/acme/bot", "-o", "json"))["answeredTo"] == scale
    assert signed(wire) == ["inspect"]


def test_a_key_whose_program_counts_is_not_asked_with_a_clock(desk, wire):
    with_key(desk, consumer={"nonce": "counter"})
    wire.clear()
    told = desk.run("inspect", "ApiKey/acme/bot")
    assert (told.code, signed(wire)) == (64, [])
    assert "--nonce N" in told.err
    assert inspected(desk.run("inspect", "ApiKey/acme/bot", "--nonce", "7", "-o", "json"))["answeredTo"] == "counter"


def test_alive_needs_no_word_of_what_its_program_sends(desk, wire):
    with_key(desk, consumer={"nonce": "counter"})
    wire.clear()
    assert desk.run("inspect", "ApiKey/acme/bot", "--alive").code in (0, 3)
    assert signed(wire) == ["inspect"]


def test_what_is_recorded_against_a_key_is_told_before_it_is_asked_and_with_its_refusal(desk, wire):
    desk.declare(d.account(), d.key("bot", "query-ledger", ipAllowlist=["203.0.113.10"]))
    desk.applied()
    wire.clear()
    told = desk.run("inspect", "ApiKey/acme/bot")
    known = "it may be used from 203.0.113.10 only, and has never answered from this machine"
    assert (told.code, signed(wire)) == (1, ["inspect"])
    assert f"It may well be refused: {known}." in " ".join(told.err.split())
    assert f"most likely this was to be expected: {known}" in " ".join(told.err.split())


def test_a_recorded_end_that_has_passed_is_told_likewise(desk):
    with_key(desk)
    desk.advance(181 * d.DAY)
    told = desk.run("inspect", "ApiKey/acme/bot")
    assert told.code == 1
    assert "most likely this was to be expected: its recorded end has passed (2027-07-14" in " ".join(told.err.split())


def test_nothing_is_said_against_a_key_that_any_address_may_use(desk):
    with_key(desk)
    assert "refused" not in desk.run("inspect", "ApiKey/acme/bot").err


def test_a_key_can_be_looked_at_although_the_manifests_are_not_sound(desk):
    with_key(desk)
    (desk.root / "manifests/all.yaml").write_text("kind: nonsense\n")
    assert inspected(desk.run("inspect", "ApiKey/acme/bot", "-o", "json"))["name"] == "bot.a7.g1"


def test_another_key_is_not_mistaken_for_one_that_is_recorded(desk):
    """The store holds something else than the state remembers: that is not the key that was asked for."""
    with_key(desk)
    other = desk.copy(desk.root.with_name("other"))
    assert other.run("rotate", "ApiKey/acme/bot", "--yes", *d.MEANT).code == 0
    for file in (desk.root / "secrets/acme/bot").iterdir():
        file.unlink()
    (desk.root / "secrets/acme/bot/current.age").write_bytes((other.root / "secrets/acme/bot/current.age").read_bytes())
    told = desk.run("inspect", "ApiKey/acme/bot")
    assert told.code == 1
    assert "keeps nothing" in told.err


@pytest.mark.parametrize(
    ("which", "code"), [("ApiKey/acme/nobody", 1), ("main:nowhere", 1), ("other:acme/bot", 64), ("bot", 64)]
)
def test_what_is_not_there_is_told(desk, wire, which, code):
    with_key(desk)
    wire.clear()
    told = desk.run("inspect", which)
    assert (told.code, signed(wire)) == (code, [])


def test_a_short_address_is_completed_in_the_hint(desk):
    with_key(desk)
    assert "did you mean ApiKey/acme/bot?" in desk.run("inspect", "bot").err


def test_nothing_of_the_workspace_is_changed_but_what_is_known_of_the_keys_nonces(desk):
    with_key(desk)
    before = desk.standing(), replace(desk.recorded(), answered={})
    desk.run("inspect", "ApiKey/acme/bot")
    after = desk.recorded()
    assert (desk.standing(), replace(after, answered={})) == before
    [(_, answer)] = after.answered.items()
    assert answer.nonce > 0


# On a terminal


@pytest.fixture
def key(desk):
    made = operate.make_key(desk.db, "acme", "by-hand", ("query-ledger",), valid_for=30 * d.DAY, password="sesame")
    return made["apiKey"], made["secret"]


def test_what_is_typed_at_the_prompts_is_not_shown(desk, key):
    answers = {"API key (not shown)": key[0], "Private key (not shown)": key[1], "Second factor (not shown)": "sesame"}
    told = on_a_terminal("inspect", "--otp", cwd=desk.root, answers=answers)
    assert told.code == 0, told.out
    assert "by-hand" in plain(told.out)
    assert plain(told.out).startswith("The key will be asked about itself at sandbox.")
    assert not any(typed in told.out for typed in (*key, "sesame"))


def test_what_cannot_be_a_key_is_told_before_anybody_is_asked(desk, key):
    told = on_a_terminal("inspect", cwd=desk.root, answers={"API key (not shown)": key[1], "once more (not shown)": ""})
    assert "looks like the private key" in " ".join(plain(told.out).split())
    assert told.code == 8
    assert not any(half in told.out for half in key)


def test_a_refusal_of_the_sandbox_says_how_to_ask_the_real_kraken(desk, tmp_path):
    with_key(desk)
    gone = KeyPair(public_key="a" * 56, secret=Secret(base64.b64encode(bytes(64)).decode()))
    file = tmp_path / ".env"
    file.write_text(f"KRAKEN_API_KEY={gone.public_key}\nKRAKEN_API_SECRET={gone.secret.reveal()}\n")
    told = desk.run("inspect", "--env-file", str(file))
    assert told.code == 1
    assert "`--endpoint https://api.kraken.com` asks the real one" in " ".join(told.err.split())


@pytest.mark.parametrize("which", ["ApiKey/acme/bot", "main:acme/bot"])
def test_a_refused_key_of_the_sandbox_itself_is_not_to_be_shown_to_the_real_kraken(desk, which):
    with_key(desk)
    operate.revoke_key(desk.db, "acme", "bot.a7.g1")
    told = desk.run("inspect", which)
    assert (told.code, "this workspace's sandbox was asked" in " ".join(told.err.split())) == (1, True)
    assert "api.kraken.com" not in told.err
