"""A whole apply with its state in PostgreSQL, through whatever befalls connections and servers meanwhile."""

from __future__ import annotations

import itertools
import json
import math
import subprocess
import sys

import pytest

import desk as d
from krakenctl.model.recorded import Recorded
from krakenctl.state import tenure
from krakenctl.state.postgres import database as adapter
from krakenctl.tasks import remembered
from postgres import DSN, Weather

MOMENTS = ["at once", "before its commit", "after its commit"]


class SharedDesk(d.Desk):
    """A desk whose state is in PostgreSQL."""

    def recorded(self) -> Recorded:
        return remembered.recorded(self.root)


@pytest.fixture
def desk(postgres, tmp_path, monkeypatch):
    d.stop_time(monkeypatch)
    monkeypatch.setenv(DSN, postgres.fresh_database("desk"))
    made = d.make_desk(tmp_path / "w")
    made.settings(state={"type": "postgres", "dsn": f"env:{DSN}"})
    return SharedDesk(made.root)


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("scene", [d.replace_create_first, d.replace_revoke_first])
def test_an_apply_whose_every_write_loses_its_connection_does_everything_once(
    postgres, desk, monkeypatch, scene, moment
):
    declared, strangers = scene(desk), desk.strangers()
    wire = d.Wire().install(monkeypatch)
    weather = Weather(lambda: postgres.cut("desk")).install(monkeypatch)
    weather.strike(moment, times=math.inf)
    ran = desk.apply()
    weather.strike("")
    assert ran.code == 0, ran.out + ran.err
    assert weather.struck > len(wire.deeds())
    assert done_once(wire)
    desk.check_promises(declared, strangers)


def test_a_server_that_goes_away_at_any_write_costs_nothing_and_doubles_nothing(postgres, desk, tmp_path, monkeypatch):
    declared, strangers = d.replace_create_first(desk), desk.strangers()
    postgres.fresh_database("prepared", like="desk")
    wire = d.Wire().install(monkeypatch)
    weather = Weather(lambda: postgres.shut("desk")).install(monkeypatch)
    for number in itertools.count():
        copy = SharedDesk(desk.copy(tmp_path / str(number)).root)
        postgres.fresh_database("desk", like="prepared")
        wire.clear()
        weather.writes = 0
        weather.strike(MOMENTS[1 + number % 2], first=number)
        broken = copy.apply()
        weather.strike("")
        postgres.reopen("desk")
        if weather.struck == number:  # it has no more writes than that
            assert broken.code == 0
            assert number > len(wire.deeds())
            return
        recover(copy)
        assert done_once(wire), wire.deeds()
        copy.check_promises(declared, strangers)


def test_of_two_applies_at_once_one_waits_and_nothing_is_done_twice(desk):
    desk.declare(d.account(), d.key("bot"), d.key("view"))
    command = [sys.executable, "-m", "krakenctl", "-C", str(desk.root), "apply", "--yes", "--lock-timeout", "60s"]
    runs = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(2)]
    told = [run.communicate(timeout=120) for run in runs]
    assert [run.returncode for run in runs] == [0, 0], told
    assert sorted(desk.ours()) == ["bot.a7.g1", "view.a7.g1"]
    desk.check_promises(["ApiKey/acme/bot", "ApiKey/acme/view"], {"master": desk.rows()["master"]})


def test_a_state_that_somebody_has_locked_is_waited_for_like_any_holder(postgres, desk, monkeypatch):
    monkeypatch.setitem(adapter._LIMITS, "lock_timeout", 0.05)
    desk.declare(d.account(), d.key("bot"))
    desk.applied()
    with postgres.connect("desk") as somebody:
        somebody.execute("BEGIN; UPDATE krakenctl_acme.lease SET fence = fence")
        told = desk.apply()
        assert (told.code, "nothing was done" in told.err, "lock timeout" in told.err) == (6, True, True)
        assert desk.run("plan").code == 0
        monkeypatch.setattr(tenure.time, "sleep", lambda _: somebody.rollback())
        told = desk.apply("--lock-timeout", "5m")
        assert (told.code, "waiting up to 300 s" in " ".join(told.err.split())) == (0, True)


def test_every_command_that_looks_at_the_state_finds_it_there(desk):
    desk.declare(d.account(), d.key("bot"))
    desk.applied()
    assert "bot.a7.g1" in desk.run("state", "list").out
    assert "bot.a7.g1" in desk.run("state", "show", "ApiKey/acme/bot").out
    assert "promote bot.a7.g1" in desk.run("log").out
    assert desk.run("log", "verify").code == 0
    assert not desk.state_path.exists()


def test_a_sandbox_is_reset_together_with_its_state(desk):
    desk.declare(d.account(), d.key("bot"))
    lineage = desk.applied().recorded().lineage
    assert desk.run("sandbox", "reset", "--yes").code == 0
    assert desk.recorded() == Recorded(lineage="")
    assert desk.slots() == []
    desk.applied()
    assert desk.recorded().lineage != lineage


def test_a_workspace_can_move_there_from_a_file(desk):
    postgres_state = json.loads((desk.root / "krakenctl.yaml").read_text())["spec"]["state"]
    desk.settings(state={"type": "sqlite"})
    desk.declare(d.account(), d.key("bot"), d.key("view"))
    before = d.Desk(desk.root).applied().recorded()
    desk.settings(state=postgres_state)
    assert desk.run("state", "rebuild", "--yes").code == 0
    assert (desk.recorded().lineage, desk.recorded().keys.keys()) == (before.lineage, before.keys.keys())
    assert desk.changes() == {}


def test_a_connection_string_in_the_workspace_is_kept_out_of_git(desk, postgres):
    desk.settings(state={"type": "postgres", "dsn": "file:state.dsn"})
    (desk.root / "state.dsn").write_text(postgres.dsn_of("desk"))
    (desk.root / "state.dsn").chmod(0o600)
    assert desk.run("init").code == 0
    assert "/state.dsn" in (desk.root / ".gitignore").read_text().splitlines()
    assert desk.run("plan").code == 0


@pytest.mark.parametrize(("write", "moment"), [(2, MOMENTS[2]), (5, MOMENTS[1])])
def test_a_server_that_crashes_in_the_middle_of_an_apply_costs_nothing(postgres, desk, monkeypatch, write, moment):
    declared, strangers = d.replace_create_first(desk), desk.strangers()
    wire = d.Wire().install(monkeypatch)
    weather = Weather(postgres.stop).install(monkeypatch)
    weather.strike(moment, first=write)
    try:
        broken = desk.apply()
    finally:
        weather.strike("")
        postgres.start()
    assert broken.code in (1, 4)
    assert "cannot be reached" in broken.out + broken.err
    recover(desk)
    assert done_once(wire)
    desk.check_promises(declared, strangers)


def recover(desk):
    """The broken run could not give its lease back, and its process, which is this one, has not ended."""
    desk.run("state", "unlock", "--yes", "--reason", "its process has ended")
    d.recover(desk)


def done_once(wire):
    """Whatever changes something; names are never used twice."""
    deeds = [deed for deed in wire.deeds() if deed != "list"]
    return len(deeds) == len(set(deeds))
