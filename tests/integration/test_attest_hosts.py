"""Attest on another host than the one where the key was typed in: with the store or without it, and killed anywhere."""

from __future__ import annotations

import itertools
import json
import shutil

import pytest
from test_attest import MISTYPED

from by_hand import run
from desk import Desk, make_desk
from elsewhere import KILLED, krakenctl_on
from krakenctl.model.outcome import Result
from krakenctl.model.recorded import Recorded
from krakenctl.stores.age import new_identity
from krakenctl.stores.base import Slot
from krakenctl.tasks import remembered
from krakenctl.testing.person import Robot
from postgres import DSN
from waiting import BOT, NAME, ORDERS, THERE, replacing, row, waiting_desk

FAR = "far.example"


def told(ran):
    return " ".join((ran.out + ran.err).split())


def pair(desk, name=NAME):
    """As its consumer there has it, and the flag that says so."""
    made = row(desk, name)
    return {"MM_API_KEY": made.public_key, "MM_API_SECRET": made.secret}


def far(desk, *args, strike=-1, root=None, **env):
    return krakenctl_on(FAR, THERE, "attest", BOT, *args, root=root or desk.root, strike=strike, env=env)


WITH = ("--env", "MM_API_KEY,MM_API_SECRET")


class SharedDesk(Desk):
    """A desk whose state is in PostgreSQL."""

    def recorded(self) -> Recorded:
        return remembered.recorded(self.root)


@pytest.fixture
def shared(postgres, tmp_path, monkeypatch):
    monkeypatch.setenv(DSN, postgres.fresh_database("desk"))
    desk = make_desk(tmp_path / "acme")
    desk.settings(state={"type": "postgres", "dsn": f"env:{DSN}"})
    return replacing(SharedDesk(desk.root))


def test_another_host_attests_through_a_shared_state_and_it_is_remembered_which(shared):
    ran = far(shared)
    assert (ran.code, "revoke bot.a7.g1" in told(ran)) == (8, True), told(ran)
    record = shared.recorded().keys[next(iter(shared.recorded().keys))]
    assert (record.live_name, record.unverified) == ("bot.a7.g2", "")
    assert (record.public_key, FAR) in shared.recorded().answered
    assert f"on {FAR}" in shared.run("log").out


def without_identity(desk):
    """It can write into the store, and not read it."""
    identity = desk.root / ".krakenctl/identity.txt"
    shutil.move(identity, desk.root / "away.txt")
    return lambda: shutil.move(desk.root / "away.txt", identity)


@pytest.mark.parametrize("order", ORDERS)
def test_a_host_that_cannot_read_the_store_finishes_with_the_pair_that_answered(tmp_path, order):
    desk = make_desk(tmp_path / "acme")
    desk.switch("check-order", order)
    replacing(desk)
    give_back = without_identity(desk)
    assert far(desk).code == 1
    ran = far(desk, *WITH, **pair(desk, "bot.a7.g2"))
    assert (ran.code, "cannot be read here; the pair that answered is kept now" in told(ran)) == (8, True), told(ran)
    give_back()
    assert desk.entry("acme/bot").secret.reveal() == row(desk, "bot.a7.g2").secret
    assert desk.entry("acme/bot", Slot.PREVIOUS).live_name == "bot.a7.g1"
    done = run(desk, robot := Robot(desk.db))
    assert [(kind, step.name) for kind, step, _ in robot.told] == [("revoke", "bot.a7.g1")]
    assert [one.result for one in done.recovered] == [Result.DONE]
    [record] = desk.recorded().keys.values()
    [old] = desk.recorded().retired  # no key of the account answers from here that could prove its end
    assert (record.unverified, old.claimed_by) == ("", "alice")


def no_folder(desk, root):
    """Its clone of the workspace never had the secrets."""
    shutil.rmtree(root / "secrets")


def no_store(desk, root):
    (root / "recipients.txt").unlink()


def another_identity(desk, root):
    """Whoever reads the store may not be able to read what would be written here."""
    (root / "other.txt").write_text(new_identity()[0].reveal())
    (root / "other.txt").chmod(0o600)
    settings = json.loads((root / "krakenctl.yaml").read_text())
    settings["spec"]["stores"]["main"]["identity"] = "file:other.txt"
    (root / "krakenctl.yaml").write_text(json.dumps(settings))


@pytest.mark.parametrize("lack", [no_folder, no_store, another_identity])
def test_where_the_store_is_out_of_reach_it_is_a_claim_and_the_host_that_has_it_finishes(tmp_path, lack):
    desk = replacing(make_desk(tmp_path / "acme"))
    here = tmp_path / "clone"
    shutil.copytree(desk.root, here)
    lack(desk, here)
    shutil.rmtree(here / ".krakenctl")
    if (here / "secrets").exists():
        shutil.rmtree(here / "secrets")
        (here / "secrets").symlink_to(desk.root / "secrets")
    (here / ".krakenctl").symlink_to(desk.root / ".krakenctl")  # the same state, and the same exchange
    ran = far(desk, *WITH, "-o", "json", root=here, **pair(desk, "bot.a7.g2"))
    assert (ran.code, ran.json["verdict"], ran.json["secret"]) == (4, "claimed", "untried"), told(ran)
    assert desk.entry("acme/bot").live_name == "bot.a7.g1"
    run(desk, robot := Robot(desk.db))
    assert [(kind, step.name) for kind, step, _ in robot.told] == [("revoke", "bot.a7.g1")]
    [record] = desk.recorded().keys.values()
    assert "was not compared" in record.unverified
    assert "unverified" in {drift["kind"] for drift in desk.run("drift", "-o", "json").json["drifts"]}


def test_whoever_is_killed_at_any_deed_loses_nothing_and_runs_it_again(tmp_path):
    """A mistyped pair is kept; the one that answers is in its place before anything says that it answered."""
    template = waiting_desk(tmp_path / "template", ORDERS[1], MISTYPED)
    right = pair(template)
    for strike in itertools.count(0):
        desk = template.copy(tmp_path / str(strike))
        ran = far(desk, *WITH, strike=strike, **right)
        if ran.code != KILLED:
            assert ran.code == 0, told(ran)
            assert strike > 15
            return
        consistent(desk)
        desk.advance(5)
        again = far(desk, *WITH, "--lock-timeout", "60s", **right)
        if again.code == 64:  # it does not wait any more: what was begun is finished by any run
            again = desk.run("recover")
        assert again.code == 0, (strike, told(again))
        finished(desk, strike)


def consistent(desk):
    """Killed: what consumers read is what answered, or nothing yet; a mistyped pair is journalled as no proof."""
    current, recorded = desk.entry("acme/bot"), desk.recorded()
    assert current is None or current.secret.reveal() == row(desk).secret
    [trace] = [*recorded.intents, *recorded.keys.values()][:1]
    pending = desk.entry("acme/bot", Slot.PENDING) or current
    is_right = pending.secret.reveal() == row(desk).secret
    assert is_right or not getattr(trace, "vouched", "")


def finished(desk, strike):
    [record] = desk.recorded().keys.values()
    assert (record.live_name, record.unverified, desk.recorded().intents) == (NAME, "", ()), strike
    assert desk.entry("acme/bot").secret.reveal() == row(desk).secret
    lines = [json.loads(line) for line in desk.run("log", "-o", "json").out.splitlines()]
    assert [line for line in lines if line["verb"] == "attest" and line["outcome"] == "done"], strike
