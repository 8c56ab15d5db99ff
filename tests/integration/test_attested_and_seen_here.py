"""A key that was attested elsewhere, and what this host sees of it later: its own word counts for more."""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass, replace

import pytest
from test_attested_then_doubted import MakesAnother
from test_attested_untried import Types, attested, fenced_off, right, told, verdict

from by_hand import OPEN, a_key, by_hand, run
from desk import make_desk
from krakenctl.model.human import HumanStep
from krakenctl.model.key import KeyPair
from krakenctl.model.secret import Secret
from krakenctl.sandbox.people import operate
from krakenctl.stores.base import Slot
from krakenctl.testing.person import MISTYPED, Robot
from waiting import BOT, NAME, ORDERS, THERE, at, in_env, made, row

CEILING = {"permissions": {"deny": ["withdraw-funds"]}}
WIDER = {
    "a right more": (["query-funds", "withdraw-funds"], [*OPEN, THERE]),
    "open to the world": (["query-funds"], []),
}


def new_desk(root, order):
    desk = make_desk(root)
    desk.switch("check-order", order)
    return desk


@pytest.fixture(params=ORDERS)
def order(request):
    return request.param


@pytest.fixture
def desk(tmp_path, order):
    """This host may use the key, and keeps a mistyped private half of it."""
    desk = new_desk(tmp_path / "acme", order)
    desk.declare(by_hand(**CEILING), a_key("well"))  # its answers end rows of refusals
    run(desk, Robot(desk.db))
    waits = a_key(ipAllowlist=[*OPEN, THERE], consumer={"nonce": "unknown"})
    desk.declare(by_hand(**CEILING), a_key("well"), waits)
    desk.advance(60)
    made(desk, MISTYPED)
    assert desk.slots() == ["acme/bot/pending", "acme/well/current"]
    return desk


def edited(desk, permissions, ips):
    [intent] = desk.recorded().intents
    operate.edit_key(desk.db, "acme", NAME, permissions, ip_allowlist=ips, valid_until=intent.sent.valid_until)


@pytest.mark.parametrize("how", WIDER)
@pytest.mark.parametrize("is_attested", [False, True])
def test_a_key_that_says_itself_that_it_may_more_is_not_promoted(desk, monkeypatch, how, is_attested):
    if is_attested:
        assert attested(desk, monkeypatch).code == 4
    edited(desk, *WIDER[how])
    desk.advance(60)
    run(desk, Types(desk.db, pairs=[right(desk)]))
    assert (right(desk).public_key, socket.gethostname()) in desk.recorded().answered  # it has told so itself
    assert [key.live_name for key in desk.recorded().keys.values()] == ["well.a7.g1"]


@dataclass(slots=True)
class Edits(Robot):
    """At the doubt they widen it on the website, and say that it is right now."""

    ips: tuple[str, ...] = ()

    def again(self, step: HumanStep, differences: tuple[str, ...]) -> KeyPair | None:
        self.told.append(("again", step, differences))
        if len(self.told) > 1:
            return Robot.again(self, step, differences)
        form = {"ip_allowlist": self.ips, "valid_until": step.wanted.valid_until}
        operate.edit_key(self.db, "acme", step.name, ["query-funds", "withdraw-funds"], **form)
        return None


@pytest.mark.parametrize("ips", [(), (THERE,)], ids=["this host may look", "nor may it look then"])
def test_what_is_edited_at_the_doubt_is_looked_at_or_attested_anew(tmp_path, monkeypatch, ips):
    desk = fenced_off(tmp_path / "acme")
    attested(desk, monkeypatch)
    desk.advance(7200)
    run(desk, Edits(desk.db, gives_up=True, ips=ips))
    assert desk.recorded().keys == {}
    assert "attested by" not in verdict(desk)


def test_numbers_that_another_host_has_spent_are_not_tried_again(tmp_path, order, monkeypatch):
    desk = new_desk(tmp_path / "acme", order)
    desk.declare(by_hand(), a_key(ipAllowlist=[*OPEN, THERE]))
    made(desk, MISTYPED)
    attested(desk, monkeypatch)  # with 16, which is remembered
    run(desk, Types(desk.db, pairs=[right(desk)]))
    refused = {where: each.said for where, each in desk.recorded().refused.items()}
    assert refused == {}, (refused, desk.recorded().rows)
    assert (right(desk).public_key, socket.gethostname()) in desk.recorded().answered
    [record] = desk.recorded().keys.values()
    assert (record.unverified, desk.entry("acme/bot").secret) == ("", right(desk).secret)


def attested_next(desk, monkeypatch, name):
    """By a host that has the right pair of the successor, and a store of its own."""
    before = (desk.root / "krakenctl.yaml").read_text()
    settings = json.loads(before)
    settings["spec"]["stores"]["main"]["path"] = "elsewhere"
    (desk.root / "krakenctl.yaml").write_text(json.dumps(settings))
    desk.advance(60)
    with monkeypatch.context() as there, at(there, "127.0.0.1"):
        there.setattr(socket, "gethostname", lambda: "far.example")
        desk.run("attest", BOT, *in_env(there, row(desk, name).public_key, row(desk, name).secret))
    (desk.root / "krakenctl.yaml").write_text(before)
    desk.advance(60)


def test_a_wrong_pair_that_is_pasted_twice_does_not_take_the_bots_key(tmp_path, order, monkeypatch):
    """This host may use both keys, as the old one's answer shows: so it is the pair that Kraken finds wrong."""
    desk = new_desk(tmp_path / "acme", order)
    desk.declare(by_hand(), a_key())
    run(desk, Robot(desk.db))
    desk.advance(60)
    desk.declare(by_hand(), a_key("bot", "query-ledger"))
    made(desk, MISTYPED)
    kept = desk.entry("acme/bot", Slot.PENDING)
    attested_next(desk, monkeypatch, "bot.a7.g2")
    assert "attested by" in verdict(desk)
    run(desk, Types(desk.db, pairs=[KeyPair(public_key=kept.public_key, secret=kept.secret)]))
    assert desk.entry("acme/bot").secret.reveal() in {each.secret for each in desk.rows().values()}
    assert NAME in desk.rows()


@pytest.mark.parametrize("slip", ["its private key", "another key"])
def test_what_was_attested_is_not_overwritten_by_what_is_no_pair_of_it(tmp_path, monkeypatch, slip):
    desk = fenced_off(tmp_path / "acme")
    attested(desk, monkeypatch)
    before = verdict(desk)
    desk.advance(7200)
    secret = Secret("Q" * 86 + "==")
    given = {
        "its private key": replace(right(desk), secret=secret),
        "another key": KeyPair(public_key="A" * 55 + "=", secret=secret),
    }[slip]
    run(desk, Types(desk.db, pairs=[given]))
    assert desk.entry("acme/bot", Slot.PENDING).secret == right(desk).secret
    assert (verdict(desk), desk.recorded().keys) == (before, {})


def test_what_is_kept_stays_attested_when_another_key_made_at_the_doubt_is_deleted(desk, monkeypatch):
    attested(desk, monkeypatch)
    desk.advance(7200)
    run(desk, MakesAnother(desk.db))
    assert "attested by" in verdict(desk)
    assert NAME in told(desk.run("plan"))
    assert desk.slots() == ["acme/bot/pending", "acme/well/current"]


def test_and_where_nobody_attested_it_every_plan_names_it_still(desk):
    desk.advance(7200)
    run(desk, MakesAnother(desk.db))
    assert NAME in told(desk.run("plan"))
