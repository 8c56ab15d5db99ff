"""A key that cannot answer where it was made is asked where it lives, and what consumers will read is what answered."""

from __future__ import annotations

from dataclasses import replace

import jsonschema_rs
import pytest

from by_hand import a_key, by_hand, planned
from desk import NOW
from krakenctl import schema_files
from krakenctl.errors import StoreError
from krakenctl.model.secret import Secret
from krakenctl.sandbox.people import operate
from krakenctl.stores.age import AgeStore
from krakenctl.stores.base import Slot
from krakenctl.testing.person import Mistake
from waiting import BOT, NAME, ORDERS, THERE, at, counting, in_env, made, nonce, row, set_nonce, waiting_desk

OTHER = "A" * 86 + "=="  # a secret of the right shape, of nobody's key
MISTYPED = Mistake("a secret mistyped", pair=lambda pair: replace(pair, secret=Secret(OTHER)))
KEY_MISTYPED = Mistake(
    "a key mistyped",
    pair=lambda pair: replace(pair, public_key=("y" if pair.public_key[0] == "x" else "x") + pair.public_key[1:]),
)


@pytest.fixture(params=ORDERS)
def order(request):
    return request.param


@pytest.fixture
def desk(tmp_path, order):
    return waiting_desk(tmp_path / "acme", order)


def checked(ran):
    jsonschema_rs.validator_for(schema_files.load("attested")).validate(ran.json)
    return ran.json


def told(ran):
    return " ".join((ran.out + ran.err).split())


def test_where_the_key_may_be_used_it_is_asked_and_promoted(desk, monkeypatch):
    with at(monkeypatch):
        done = checked(desk.run("attest", BOT, "-o", "json"))
    assert (done["verdict"], done["secret"], done["differences"]) == ("attested", "same", [])
    [record] = desk.recorded().keys.values()
    assert (record.unverified, desk.entry("acme/bot").live_name) == ("", NAME)
    assert planned(desk).changes == ()
    assert "attested: by" in desk.run("log").out


def test_a_key_that_waits_is_no_strangers(desk):
    """Whoever followed the advice about strangers would delete it."""
    assert "unknown-key" not in {finding.rule for finding in planned(desk).findings}
    ran = desk.run("drift", "-o", "json")
    assert ran.code == 2, ran.out
    assert "orphan" not in {drift["kind"] for drift in ran.json["drifts"]}, ran.out


def test_where_it_may_not_be_used_nothing_is_concluded_and_the_right_host_is_named(desk):
    ran = desk.run("attest", BOT)
    assert (ran.code, f"run it where the key may be used: {THERE}" in told(ran)) == (1, True), ran.err
    assert desk.recorded().keys == {}


def test_so_it_is_whatever_kraken_says_to_an_address_that_is_left_out(tmp_path, order):
    desk = waiting_desk(tmp_path / "acme", order)
    desk.switch("disallowed-ip-error", "EGeneral:Permission denied")
    ran = desk.run("attest", BOT)
    assert (ran.code, f"run it where the key may be used: {THERE}" in told(ran)) == (1, True), ran.err


def test_a_key_that_is_not_as_it_was_asked_for_can_be_put_right_and_attested_again(desk, monkeypatch):
    until = row(desk).valid_until
    operate.edit_key(desk.db, "acme", NAME, ["withdraw-funds"], ip_allowlist=[THERE], valid_until=until)
    with at(monkeypatch):
        ran = desk.run("attest", BOT)
        assert (ran.code, "Withdraw" in ran.out, desk.recorded().keys) == (3, True, {})
        assert "put it right on the website and attest it again" in told(ran)
        operate.edit_key(desk.db, "acme", NAME, ["query-funds"], ip_allowlist=[THERE], valid_until=until)
        desk.advance(1)
        assert desk.run("attest", BOT).code == 0


def test_the_pair_may_come_from_where_its_consumer_reads_it(desk, monkeypatch):
    given = in_env(monkeypatch, row(desk).public_key, row(desk).secret)
    with at(monkeypatch):
        ran = desk.run("attest", BOT, *given, "-o", "json")
    assert (ran.code, checked(ran)["secret"]) == (0, "same"), ran.out + ran.err


# What was typed in wrongly


def test_the_pair_that_answers_replaces_a_mistyped_one_and_that_is_said(tmp_path, order, monkeypatch):
    desk = waiting_desk(tmp_path / "acme", order, MISTYPED)
    assert desk.entry("acme/bot", Slot.PENDING).secret.reveal() == OTHER
    given = in_env(monkeypatch, row(desk).public_key, row(desk).secret)
    with at(monkeypatch):
        ran = desk.run("attest", BOT, *given)
    assert (ran.code, "the one that answered is kept now" in told(ran)) == (0, True), ran.out + ran.err
    assert desk.entry("acme/bot").secret.reveal() == row(desk).secret
    [record] = desk.recorded().keys.values()
    assert record.unverified == ""
    assert "the kept pair was mistyped" in desk.run("log").out
    assert row(desk).secret not in ran.out + ran.err + desk.run("log").out


def test_a_mistyped_pair_that_is_kept_is_no_dead_end(tmp_path, order, monkeypatch):
    desk = waiting_desk(tmp_path / "acme", order, MISTYPED)
    with at(monkeypatch):
        ran = desk.run("attest", BOT)
    assert (ran.code, "give the right one with --env or --stdin" in told(ran)) == (1, True), told(ran)


@pytest.mark.parametrize("pinned", [True, False])
def test_a_mistyped_key_is_mended_too_where_the_account_is_known(tmp_path, order, monkeypatch, pinned):
    """Names are unique within an account: the one that answers under that name is the key."""
    desk = waiting_desk(tmp_path / "acme", order, KEY_MISTYPED)
    if pinned:
        pin(desk, a_key(ipAllowlist=[THERE]))
    given = in_env(monkeypatch, row(desk).public_key, row(desk).secret)
    with at(monkeypatch):
        ran = desk.run("attest", BOT, *given)
    assert ran.code == (0 if pinned else 3), told(ran)
    if not pinned:
        assert "its public key is not the one that was typed in for bot.a7.g1" in told(ran)
        assert "`krakenctl apply` at a terminal takes it again, with [k]" in told(ran)
        return
    assert desk.entry("acme/bot").public_key == row(desk).public_key
    assert planned(desk).changes == ()


def pin(desk, *keys):
    """The manifest says whose account it is."""
    iiban = operate.make_key(desk.db, "acme", "probe", ["query-funds"])
    key, secret = iiban["apiKey"], iiban["secret"]
    (desk.root / "probe.env").write_text(f"PROBE_API_KEY={key}\nPROBE_API_SECRET={secret}\n")
    (desk.root / "probe.env").chmod(0o600)
    told = desk.run("inspect", "--env-file", desk.root / "probe.env", "-o", "json").json
    desk.declare(by_hand(iiban=told["keys"][0]["iiban"]), *keys)


def test_a_mistyped_pair_that_cannot_be_replaced_here_is_not_gone_on_with(tmp_path, order, monkeypatch):
    desk = waiting_desk(tmp_path / "acme", order, MISTYPED)
    given = in_env(monkeypatch, row(desk).public_key, row(desk).secret)

    def refuse(*_):
        raise StoreError("the disk is full")

    monkeypatch.setattr(AgeStore, "_write", refuse)
    with at(monkeypatch):
        ran = desk.run("attest", BOT, *given)
    assert (ran.code, "run it where the store can be written" in told(ran), desk.recorded().keys) == (1, True, {})


# Nonces: no consumer is locked out


@pytest.mark.parametrize("scale", ["counter", "unknown"])
def test_where_its_program_may_count_only_small_nonces_are_sent(tmp_path, order, monkeypatch, scale):
    desk = waiting_desk(tmp_path / "acme", order, consumer={"nonce": scale})
    with at(monkeypatch):
        operate.edit_key(desk.db, "acme", NAME, ["withdraw-funds"], ip_allowlist=[THERE])
        for _ in range(3):  # each of which is answered: what was spent is remembered
            assert desk.run("attest", BOT).code == 3
    assert nonce(desk) < 100


@pytest.mark.parametrize("scale", ["counter", "unknown"])
def test_a_key_that_counts_already_is_asked_with_what_a_person_says(tmp_path, order, monkeypatch, scale):
    desk = waiting_desk(tmp_path / "acme", order, consumer={"nonce": scale})
    set_nonce(desk, 500)
    signed = counting(monkeypatch)
    with at(monkeypatch):
        ran = desk.run("attest", BOT)
        assert (ran.code, "--nonce N" in told(ran), signed() <= 3, nonce(desk)) == (1, True, True, 500), told(ran)
        assert desk.run("attest", BOT, "--nonce", "501").code == 0
    assert nonce(desk) == 501


@pytest.mark.parametrize(("scale", "unit"), [("s", 1), ("ms", 1000), ("us", 10**6), ("ns", 10**9)])
def test_a_key_in_use_is_asked_as_its_program_would(tmp_path, monkeypatch, scale, unit):
    desk = waiting_desk(tmp_path / "acme", consumer={"nonce": scale})
    set_nonce(desk, (NOW - 10) * unit)
    with at(monkeypatch):
        assert desk.run("attest", BOT).code == 0
    assert nonce(desk) < (NOW + 5) * unit


def test_whoever_attests_again_at_once_is_not_refused_for_the_number_before(tmp_path, monkeypatch):
    desk = waiting_desk(tmp_path / "acme", consumer={"nonce": "s"})
    set_nonce(desk, NOW - 10)
    operate.edit_key(desk.db, "acme", NAME, ["withdraw-funds"], ip_allowlist=[THERE])
    with at(monkeypatch):
        assert desk.run("attest", BOT).code == 3
        signed, before = counting(monkeypatch), nonce(desk)
        ran = desk.run("attest", BOT)
    assert (ran.code, signed(), before < nonce(desk) <= before + 2) == (3, 1, True), told(ran)


def test_a_stranger_in_use_is_never_asked_with_a_clock(desk, monkeypatch):
    """Whose consumer may be coarser than the declared one: nothing would lower its nonce again."""
    other = operate.make_key(desk.db, "acme", "other", ["query-funds"])
    set_nonce(desk, 500, "other")
    given = in_env(monkeypatch, other["apiKey"], other["secret"])
    assert desk.run("attest", BOT, *given).code == 1
    assert nonce(desk, "other") == 500


# A locked account


def test_a_locked_account_is_left_alone_and_the_time_is_told(desk, monkeypatch):
    desk.advance(3700)
    desk.switch("lockout-threshold", "1")
    set_nonce(desk, 10**18)
    signed = counting(monkeypatch)
    with at(monkeypatch):
        assert desk.run("attest", BOT).code == 1  # it is told with the next call
        assert "EGeneral:Temporary lockout" in told(desk.run("attest", BOT, "--nonce", "500"))
        calls = signed()
        ran = desk.run("attest", BOT)
        assert (ran.code, signed(), "before 2027-01-15T09:16:40Z" in told(ran)) == (1, calls, True), told(ran)
        desk.switch("lockout-threshold", "5")
        desk.advance(3600)
        assert desk.run("attest", BOT, "--nonce", str(10**18 + 1)).code == 0


# What people get wrong


def test_another_keys_pair_attests_nothing(desk, monkeypatch):
    other = operate.make_key(desk.db, "acme", "other", ["query-funds"])
    given = in_env(monkeypatch, other["apiKey"], other["secret"])
    with at(monkeypatch):
        ran = desk.run("attest", BOT, *given)
    assert (ran.code, "another key" in ran.out, f"give the pair of {NAME}" in told(ran)) == (3, True, True)


def test_the_pair_of_another_key_of_the_workspace_is_not_even_asked(desk, monkeypatch):
    desk.declare(by_hand(), a_key(ipAllowlist=[THERE]), a_key("view"))
    made(desk)
    view = row(desk, "view.a7.g1")
    given = in_env(monkeypatch, view.public_key, view.secret)
    signed = counting(monkeypatch)
    ran = desk.run("attest", BOT, *given)
    assert (ran.code, signed()) == (1, 0)
    assert "the pair of view.a7.g1 (ApiKey/acme/view)" in told(ran)
    assert f"give that of {NAME}" in told(ran)


def test_the_pair_of_another_account_is_named_with_whose_it_is(desk, monkeypatch):
    operate.make_account(desk.db, "zulu")
    other = operate.make_key(desk.db, "zulu", NAME, ["query-funds"], ip_allowlist=[THERE])
    pin(desk, a_key(ipAllowlist=[THERE]))
    given = in_env(monkeypatch, other["apiKey"], other["secret"])
    with at(monkeypatch):
        ran = desk.run("attest", BOT, *given)
    assert (ran.code, "it belongs to the account" in told(ran), desk.recorded().keys) == (3, True, {})


@pytest.mark.parametrize(
    ("address", "hint"),
    [
        ("ApiKey/acme/other", f"what waits: {BOT}"),
        ("acme/bot", f"did you mean {BOT}?"),
        ("bot", f"did you mean {BOT}?"),
    ],
)
def test_a_wrong_address_is_told_what_waits(desk, address, hint):
    ran = desk.run("attest", address)
    assert (ran.code, hint in told(ran)) == (64, True), told(ran)


def test_where_nothing_waits_any_more_that_is_said(desk, monkeypatch):
    with at(monkeypatch):
        desk.run("attest", BOT)
        ran = desk.run("attest", BOT)
    assert (ran.code, "krakenctl plan" in told(ran)) == (64, True)
