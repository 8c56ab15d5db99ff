"""A key is attested where it lives, and what is kept at home is no pair: that is never promoted unasked."""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass, field, replace

import pytest
from test_attest import KEY_MISTYPED, MISTYPED, pin

from by_hand import a_key, planned, run
from krakenctl.errors import NeedsPerson
from krakenctl.model.human import HumanStep
from krakenctl.model.journal import Stage
from krakenctl.model.key import KeyPair
from krakenctl.model.secret import Secret
from krakenctl.stores.base import Slot
from krakenctl.testing.person import Robot
from waiting import BOT, ORDERS, THERE, at, in_env, row, waiting_desk

NO_PAIR = "key and secret do not belong together"


def told(ran):
    return " ".join((ran.out + ran.err).split())


@pytest.fixture(params=["unknown", "ms"])
def desk(tmp_path, request):
    return waiting_desk(tmp_path / "acme", ORDERS[0], MISTYPED, consumer={"nonce": request.param})


def right(desk):
    made = row(desk)
    return KeyPair(public_key=made.public_key, secret=Secret(made.secret))


def attested(desk, monkeypatch):
    """By a host that has the right pair, and a store of its own."""
    before = (desk.root / "krakenctl.yaml").read_text()
    settings = json.loads(before)
    settings["spec"]["stores"]["main"]["path"] = "elsewhere"
    (desk.root / "krakenctl.yaml").write_text(json.dumps(settings))
    desk.advance(60)
    with monkeypatch.context() as there, at(there):
        there.setattr(socket, "gethostname", lambda: "far.example")
        ran = desk.run("attest", BOT, *in_env(there, row(desk).public_key, row(desk).secret))
    (desk.root / "krakenctl.yaml").write_text(before)
    desk.advance(60)
    return ran


@dataclass(slots=True)
class TypesAgain(Robot):
    """They have the right pair at hand."""

    pair: KeyPair | None = None

    def again(self, step: HumanStep, differences: tuple[str, ...]) -> KeyPair | None:
        self.told.append(("again", step, differences))
        return self.pair


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
    assert "was attested elsewhere, but what is kept here" in told(desk.run("log"))


@dataclass(slots=True)
class Types(Robot):
    """One pair after another; then they stop."""

    pairs: list[KeyPair] = field(default_factory=list)

    def again(self, step: HumanStep, differences: tuple[str, ...]) -> KeyPair | None:
        if not self.pairs:
            raise NeedsPerson("they stopped")
        return self.pairs.pop(0)


def test_whoever_types_it_in_again_is_done_and_nobody_attests_it_once_more(desk, monkeypatch):
    attested(desk, monkeypatch)
    run(desk, robot := TypesAgain(desk.db, pair=right(desk)))
    assert [kind for kind, _, _ in robot.told] == ["again"]
    [record] = desk.recorded().keys.values()
    assert (desk.entry("acme/bot").secret, "attested by" in record.unverified) == (right(desk).secret, True)
    assert planned(desk).changes == ()


def test_a_right_pair_stays_attested_however_often_nobody_is_there(tmp_path, monkeypatch):
    desk = fenced_off(tmp_path / "acme")
    attested(desk, monkeypatch)
    before = verdict(desk)
    for _ in range(2):
        desk.advance(7200)
        assert (desk.run("apply", "--yes").code, verdict(desk)) == (8, before)


def test_the_same_pair_typed_in_again_is_no_slip_and_nobody_is_asked_twice(tmp_path, monkeypatch):
    desk = fenced_off(tmp_path / "acme")
    attested(desk, monkeypatch)
    desk.advance(7200)
    run(desk, robot := TypesAgain(desk.db, pair=right(desk)))
    assert [kind for kind, _, _ in robot.told] == ["again"]
    [record] = desk.recorded().keys.values()
    assert ("Invalid signature" in record.unverified, "attested by" in record.unverified) == (True, True)
    assert (desk.entry("acme/bot").secret, planned(desk).changes) == (right(desk).secret, ())


def test_the_mistyped_pair_typed_in_again_is_told_of_beside_who_attested_the_right_one(desk, monkeypatch):
    attested(desk, monkeypatch)
    kept = desk.entry("acme/bot", Slot.PENDING)
    run(desk, TypesAgain(desk.db, pair=KeyPair(public_key=kept.public_key, secret=kept.secret)))
    [record] = desk.recorded().keys.values()
    assert "typed in again alike, though Kraken refuses it" in record.unverified


def test_another_pair_typed_in_is_not_what_was_attested(desk, monkeypatch):
    attested(desk, monkeypatch)
    other = replace(right(desk), secret=Secret("Q" * 86 + "=="))
    run(desk, Types(desk.db, pairs=[other]))
    assert (desk.entry("acme/bot", Slot.PENDING).secret, desk.recorded().keys) == (other.secret, {})
    [intent] = desk.recorded().intents
    assert (intent.stage, intent.verdict) == (Stage.STORED, "")


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
