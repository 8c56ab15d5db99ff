"""A key is attested where it lives, and what is kept at home is no pair: that is never promoted unasked."""

from __future__ import annotations

import io
import json
import socket
from dataclasses import dataclass, field

import pytest
from test_attest import KEY_MISTYPED, MISTYPED, pin

from by_hand import a_key, planned, run
from dialogue import Dialogue
from krakenctl.errors import NeedsPerson
from krakenctl.model.human import HumanStep
from krakenctl.model.key import KeyPair
from krakenctl.model.secret import Secret
from krakenctl.stores.base import Slot
from krakenctl.testing.person import Robot
from waiting import BOT, NAME, ORDERS, THERE, at, in_env, row, waiting_desk

STOP = "[n] stop here "
NO_PAIR = "key and secret do not belong together"


def told(ran):
    return " ".join((ran.out + ran.err).split())


@pytest.fixture(params=["unknown", "ms"])
def desk(tmp_path, request):
    return waiting_desk(tmp_path / "acme", ORDERS[0], MISTYPED, consumer={"nonce": request.param})


def right(desk):
    made = row(desk)
    return KeyPair(public_key=made.public_key, secret=Secret(made.secret))


def attested(desk, monkeypatch, *more, name=NAME):
    """By a host that has the right pair, and a store of its own."""
    before = (desk.root / "krakenctl.yaml").read_text()
    settings = json.loads(before)
    settings["spec"]["stores"]["main"]["path"] = "elsewhere"
    (desk.root / "krakenctl.yaml").write_text(json.dumps(settings))
    desk.advance(60)
    with monkeypatch.context() as there, at(there):
        there.setattr(socket, "gethostname", lambda: "far.example")
        ran = desk.run("attest", BOT, *more, *in_env(there, row(desk, name).public_key, row(desk, name).secret))
    (desk.root / "krakenctl.yaml").write_text(before)
    desk.advance(60)
    return ran


def verdict(desk):
    """Of what is under way."""
    [intent] = desk.recorded().intents
    return intent.verdict


def fenced_off(root):
    """The pair at home is right; its allow-list leaves this host out, which Kraken words as for one that is none."""
    desk = waiting_desk(root, ORDERS[1])
    desk.switch("disallowed-ip-error", "EAPI:Invalid signature")
    run(desk, Robot(desk.db, gives_up=True))
    return desk


def test_nobody_there_waits_and_says_why(desk, monkeypatch):
    assert attested(desk, monkeypatch).code == 4
    assert NO_PAIR in str(planned(desk).recovery)
    for _ in range(2):
        ran = desk.run("apply", "--yes")
        assert (ran.code, NO_PAIR in told(ran)) == (8, True), told(ran)
        assert "may be another pair" in told(ran)
        _, hint = told(ran).split("→ compare it there with this store")
        assert "run `krakenctl attest" not in hint
        assert (desk.slots(), desk.recorded().keys) == (["acme/bot/pending"], {})
        assert "attested by" in verdict(desk)
        assert NO_PAIR in str(planned(desk).recovery)
    assert "was attested elsewhere, but this may be another pair" in told(desk.run("log"))


@dataclass(slots=True)
class Types(Robot):
    """One pair after another; then they stop."""

    pairs: list[KeyPair] = field(default_factory=list)

    def again(self, step: HumanStep, differences: tuple[str, ...]) -> KeyPair | None:
        self.told.append(("again", step, differences))
        if not self.pairs:
            raise NeedsPerson("they stopped")
        return self.pairs.pop(0)


@pytest.mark.parametrize("pairs", [1, 2])
def test_what_is_typed_in_and_does_not_answer_here_is_not_kept_nor_promoted(desk, monkeypatch, pairs):
    """What Kraken says of it is remembered by its public half, which both have: so it is to be attested anew."""
    attested(desk, monkeypatch)
    before = desk.entry("acme/bot", Slot.PENDING)
    other = KeyPair(public_key="A" * 55 + "=", secret=right(desk).secret)
    run(desk, Types(desk.db, pairs=[right(desk), other][:pairs]))
    assert (verdict(desk), desk.entry("acme/bot", Slot.PENDING)) == ("", before)
    for seconds in (0, 60, 90_000):
        desk.advance(seconds)
        assert (desk.run("apply", "--yes").code, desk.recorded().keys) == (8, {})


def test_what_is_typed_in_and_does_not_answer_here_is_taken_with_a_reason(desk, monkeypatch):
    attested(desk, monkeypatch)
    run(desk, Types(desk.db, pairs=[right(desk)], reason="ticket 4711"))
    [record] = desk.recorded().keys.values()
    assert desk.entry("acme/bot").secret == right(desk).secret
    assert ("ticket 4711 (Kraken: " in record.unverified, "; attested by" in record.unverified) == (True, True)
    assert planned(desk).changes == ()


def test_a_right_pair_stays_attested_however_often_nobody_is_there(tmp_path, monkeypatch):
    desk = fenced_off(tmp_path / "acme")
    attested(desk, monkeypatch)
    before = verdict(desk)
    for _ in range(2):
        desk.advance(7200)
        assert (desk.run("apply", "--yes").code, verdict(desk)) == (8, before)


def test_the_same_pair_typed_in_again_proves_nothing_right_or_wrong(tmp_path, monkeypatch):
    """It may have been copied wrongly twice. What is kept stays, as attested as it was."""
    desk = fenced_off(tmp_path / "acme")
    attested(desk, monkeypatch)
    before = verdict(desk)
    desk.advance(7200)
    run(desk, Types(desk.db, pairs=[right(desk)]))
    assert (desk.recorded().keys, verdict(desk)) == ({}, before)
    assert desk.entry("acme/bot", Slot.PENDING).secret == right(desk).secret
    desk.advance(7200)
    run(desk, Types(desk.db, pairs=[right(desk)], reason="ticket 4711"))
    [record] = desk.recorded().keys.values()
    assert ("Invalid signature" in record.unverified, "attested by" in record.unverified) == (True, True)
    assert (desk.entry("acme/bot").secret, planned(desk).changes) == (right(desk).secret, ())


def given(desk, monkeypatch, pair, *more):
    """On standard input."""
    told = {"name": NAME, "apiKey": pair.public_key, "secret": pair.secret.reveal()}
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(json.dumps(told).encode())))
    return desk.run("apply", "--yes", "--stdin", *more)


def test_the_lines_that_were_mistyped_confirm_nothing_when_they_are_given_again(desk, monkeypatch):
    attested(desk, monkeypatch)
    kept = desk.entry("acme/bot", Slot.PENDING)
    before = verdict(desk)
    for _ in range(2):
        ran = given(desk, monkeypatch, KeyPair(public_key=kept.public_key, secret=kept.secret))
        assert (ran.code, "compare it there" in told(ran), NO_PAIR in told(ran)) == (8, True, True), told(ran)
        assert (desk.slots(), desk.recorded().keys, verdict(desk)) == (["acme/bot/pending"], {}, before)
    assert given(desk, monkeypatch, right(desk), "--accept-unverified", "ticket 4711").code == 0
    assert desk.entry("acme/bot").secret == right(desk).secret


def test_at_the_prompt_nobody_is_sent_to_attest_it_once_more(desk, monkeypatch):
    """Another pair that is typed in changes nothing before it answers."""
    attested(desk, monkeypatch)
    talk = Dialogue("-C", desk.root, "apply", "--yes", cwd=desk.root)
    said = " ".join(talk.until(STOP).split())
    assert "what is kept stays as it is" in said
    assert "looks at it where" not in said
    talk.type("k")
    talk.until("API key: ")
    talk.type(f"{right(desk).public_key}\n{'Q' * 86}==")
    said = " ".join(talk.until(STOP).split())
    assert "what is kept stays as it is" in said
    talk.type("n")
    assert talk.end()[0] == 8


def test_whoever_stops_there_leaves_it_waiting_and_may_attest_it_again(desk, monkeypatch):
    attested(desk, monkeypatch)
    run(desk, Robot(desk.db))
    assert (desk.slots(), desk.recorded().keys) == (["acme/bot/pending"], {})
    with at(monkeypatch):
        ran = desk.run("attest", BOT, *in_env(monkeypatch, row(desk).public_key, row(desk).secret))
    assert ran.code == 0, told(ran)
    assert desk.entry("acme/bot").secret == right(desk).secret


def test_a_host_that_has_both_may_attest_it_before_anybody_applies(desk, monkeypatch):
    attested(desk, monkeypatch)
    with at(monkeypatch):
        ran = desk.run("attest", BOT, *in_env(monkeypatch, row(desk).public_key, row(desk).secret))
    assert (ran.code, desk.entry("acme/bot").secret) == (0, right(desk).secret), told(ran)
    assert [record.unverified for record in desk.recorded().keys.values()] == [""]


def test_a_reason_on_the_record_ends_the_wait_beside_what_both_hosts_know(desk, monkeypatch):
    attested(desk, monkeypatch)
    ran = desk.run("apply", "--yes", "--accept-unverified", "ticket 4711")
    assert ran.code == 0, told(ran)
    [record] = desk.recorded().keys.values()
    assert "ticket 4711 (Kraken: EAPI:Invalid signature); attested by" in record.unverified


def test_a_right_pair_is_promoted_unasked_though_this_host_is_refused(tmp_path, monkeypatch):
    desk = waiting_desk(tmp_path / "acme", ORDERS[0])
    attested(desk, monkeypatch)
    run(desk, robot := Robot(desk.db))
    assert (robot.told, desk.entry("acme/bot").secret) == ([], right(desk).secret)


def test_where_the_public_key_was_mistyped_it_is_known_without_the_store(tmp_path, monkeypatch):
    desk = waiting_desk(tmp_path / "acme", ORDERS[0], KEY_MISTYPED)
    pin(desk, a_key(ipAllowlist=[THERE]))
    ran = attested(desk, monkeypatch)
    assert (ran.code, "takes the pair again, with [k]" in told(ran)) == (1, True), told(ran)
    assert (desk.recorded().keys, BOT in str(planned(desk).recovery)) == ({}, True)
