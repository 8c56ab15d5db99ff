"""Silence proves a key's end only once somebody has claimed it, and where the key was heard right before."""

from __future__ import annotations

import socket

import pytest

from by_hand import OPEN, a_key, by_hand, planned, run
from krakenctl.errors import ExchangeError
from krakenctl.model.plan import Action
from krakenctl.sandbox.people import operate
from krakenctl.surfaces.kraken.gently import Caller
from krakenctl.testing.person import Robot
from waiting import ORDERS, at

BOT, NAME = "ApiKey/acme/bot", "bot.a7.g1"
AWAY = ["198.51.100.7"]
OVERLAP = {"rotation": {"overlap": "48h"}}


@pytest.fixture(params=ORDERS)
def ordered(desk, request):
    desk.switch("check-order", request.param)
    return desk


def restrict(desk, to=AWAY):
    until = desk.rows()[NAME].valid_until
    operate.edit_key(desk.db, "acme", NAME, ["query-funds"], ip_allowlist=to, valid_until=until)


def in_its_overlap(desk, **spec):
    desk.declare(by_hand(), a_key(**spec, **OVERLAP), a_key("peer"))
    run(desk, Robot(desk.db))
    planned(desk)
    desk.declare(by_hand(), a_key("bot", "query-ledger", **spec, **OVERLAP), a_key("peer"))
    run(desk, Robot(desk.db))
    desk.advance(3600)


class Unreachable(Robot):
    """Deletes it, and Kraken is not to be reached from then on."""

    def __init__(self, db, patch, **what):
        super().__init__(db, **what)
        self.patch = patch

    def revoke(self, step):
        super().revoke(step)
        self.patch.setattr(Caller, "lives", unreachable)


def unreachable(*_):
    raise ExchangeError("nobody answers")


def on(patch, host):
    patch.setattr(socket, "gethostname", lambda: host)


def claim_of(desk):
    [record] = [key for key in desk.recorded().retired if key.live_name == NAME]
    return bool(record.claimed_by), record.unheard


def is_named(desk):
    return any(NAME in finding.message for finding in planned(desk).findings)


# In its overlap


@pytest.mark.parametrize("comes_back", [True, False])
def test_a_key_that_falls_silent_in_its_overlap_is_still_to_be_deleted_when_that_ends(ordered, comes_back):
    in_its_overlap(ordered)
    restrict(ordered)
    planned(ordered)
    assert (NAME in [key.live_name for key in ordered.recorded().retired], ordered.recorded().gone) == (True, {})
    if comes_back:
        restrict(ordered, OPEN)
    ordered.advance(50 * 3600)
    robot = Robot(ordered.db)
    run(ordered, robot)
    assert [(what, step.name) for what, step, _ in robot.told] == [("revoke", NAME)]
    assert NAME not in ordered.rows()


def test_and_it_ends_as_claimed_until_somebody_has_looked(desk):
    desk.switch("check-order", "address-first")
    in_its_overlap(desk)
    restrict(desk)
    planned(desk)
    desk.advance(50 * 3600)
    run(desk, Robot(desk.db, deletes=False))
    desk.advance(86400)
    assert (claim_of(desk), is_named(desk), desk.recorded().gone) == ((True, True), True, {})
    operate.revoke_key(desk.db, "acme", NAME)
    assert desk.run("recover", "--absent", f"{BOT}:{NAME}").code == 0
    assert desk.recorded().retired == ()


def test_whoever_deletes_one_unasked_says_so_once(desk):
    in_its_overlap(desk)
    operate.revoke_key(desk.db, "acme", NAME)
    planned(desk)
    assert desk.run("recover", "--absent", f"{BOT}:{NAME}").code == 0
    assert desk.recorded().retired == ()


def test_that_it_lived_a_moment_before_its_deletion_belies_nobody(desk, monkeypatch):
    desk.declare(by_hand(), a_key(ipAllowlist=AWAY), a_key("peer"))
    run(desk, Robot(desk.db, reason="a test"))
    desk.declare(by_hand(), a_key("peer"))
    desk.advance(86400)
    with monkeypatch.context() as patch:
        run(desk, Unreachable(desk.db, patch))
    for seconds in (0, 30):
        desk.advance(seconds)
        plan = planned(desk)
        assert (plan.changes, claim_of(desk)) == ((), (True, False))
        assert any(NAME in finding.message and "nobody had said then" in finding.message for finding in plan.findings)


@pytest.mark.parametrize("deletes", [True, False])
def test_and_what_is_heard_after_that_settles_it(desk, monkeypatch, deletes):
    desk.declare(by_hand(), a_key(), a_key("peer"))
    run(desk, Robot(desk.db))
    desk.declare(by_hand(), a_key("peer"))
    desk.advance(86400)
    with monkeypatch.context() as patch:
        run(desk, Unreachable(desk.db, patch, deletes=deletes))
    for seconds in (60, 30):  # the second time it is not asked
        desk.advance(seconds)
        assert [change.action for change in planned(desk).changes] == ([] if deletes else [Action.REVOKE])
        assert not is_named(desk)


# Two hosts


@pytest.mark.parametrize("words", ["EAPI:Invalid key", "EGeneral:Permission denied"])
def test_one_host_proves_no_end_where_the_key_lives_for_another(ordered, words, monkeypatch):
    ordered.switch("disallowed-ip-error", words)
    on(monkeypatch, "b")
    in_its_overlap(ordered, ipAllowlist=[*OPEN, *AWAY])
    restrict(ordered)
    planned(ordered)
    on(monkeypatch, "a")
    with at(monkeypatch):
        ordered.advance(50 * 3600)
        run(ordered, Robot(ordered.db))
        assert NAME not in ordered.rows() or is_named(ordered)


def test_a_claim_is_not_proved_by_a_silence_that_another_host_had_met_before(ordered, monkeypatch):
    ordered.declare(by_hand(), a_key(), a_key("peer"))
    on(monkeypatch, "b")
    run(ordered, Robot(ordered.db))
    planned(ordered)
    restrict(ordered)
    on(monkeypatch, "a")  # which has never heard it
    ordered.declare(by_hand(), a_key("peer"))
    ordered.advance(3600)
    run(ordered, Robot(ordered.db, deletes=False))
    on(monkeypatch, "b")
    for _ in range(3):
        ordered.advance(86400)
        run(ordered, None)
    assert is_named(ordered)


@pytest.mark.parametrize("elsewhere", [True, False])
def test_what_one_host_heard_before_the_claim_another_cannot_prove(desk, monkeypatch, elsewhere):
    """The proof fails where the key was heard: Kraken does not answer any more."""
    desk.switch("check-order", "address-first")
    on(monkeypatch, "b" if elsewhere else "a")
    desk.declare(by_hand(), a_key(), a_key("peer"))
    run(desk, Robot(desk.db))
    planned(desk)
    on(monkeypatch, "a")
    desk.declare(by_hand(), a_key("peer"))
    desk.advance(3600)
    run(desk, Unreachable(desk.db, monkeypatch))
    assert claim_of(desk) == (True, elsewhere)
