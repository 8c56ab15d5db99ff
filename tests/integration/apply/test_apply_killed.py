"""A process that is killed, or interrupted, just before any of its lasting deeds; ordinary runs put all right."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import desk as d
import kill_driver
from desk import Desk, Scene
from krakenctl.sandbox.people import seed
from krakenctl.stores.base import Slot

SCENES = (d.create, d.replace_create_first, d.replace_revoke_first, d.replace_with_overlap)


def _hurt(desk: Desk, sort: signal.Signals, folder: Path) -> list[dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, kill_driver.__file__, sort.name, desk.root, folder], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
def test_a_run_killed_before_any_deed_loses_nothing(desk: Desk, tmp_path: Path, scene: Scene):
    seed.seed_website_key(desk.db, "acme", "by hand", ["withdraw-funds"])
    declared = scene(desk)
    strangers = desk.strangers()
    runs = _hurt(desk, signal.SIGKILL, tmp_path / "killed")
    assert {run["code"] for run in runs} == {-signal.SIGKILL}
    untouched = desk.standing()
    wheres = [run["where"] for run in runs]
    assert {"WsgiAdapter.send", "AgeStore.put", "AgeStore.promote", "SqlState.begin"} <= set(wheres)
    for run in runs:
        killed = Desk(Path(run["root"]))
        if killed.standing() == untouched:
            continue
        if scene in (d.replace_create_first, d.replace_with_overlap):
            assert killed.signs(killed.entry("acme/bot")) is not None, run
        d.recover(killed)
        killed.check_promises(declared, strangers)


def test_a_killed_run_is_undone_when_the_manifest_goes_back(desk: Desk, tmp_path: Path):
    d.replace_create_first(desk)
    strangers = desk.strangers()
    runs = _hurt(desk, signal.SIGKILL, tmp_path / "killed")
    issued = [run["where"] for run in runs].index("WsgiAdapter.send")  # before that there is nothing to undo
    for run in runs[issued:]:
        killed = Desk(Path(run["root"]))
        killed.declare(d.account(), d.key("bot"), d.key("view"))
        d.recover(killed)
        killed.check_promises(["ApiKey/acme/bot", "ApiKey/acme/view"], strangers)


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
def test_ctrl_c_at_any_call_exits_130_with_every_secret_in_its_place(desk: Desk, tmp_path: Path, scene: Scene):
    declared = scene(desk)
    strangers = desk.strangers()
    runs = _hurt(desk, signal.SIGINT, tmp_path / "interrupted")
    assert {run["code"] for run in runs} == {130}
    for run in runs:
        stopped = Desk(Path(run["root"]))
        held = {entry.live_name for path in ("acme/bot", "acme/view") for entry in _entries(stopped, path)}
        assert set(stopped.ours()) == held
        assert stopped.recorded().intents == ()
        d.recover(stopped)
        stopped.check_promises(declared, strangers)


def _entries(desk: Desk, path: str) -> list[Any]:
    return [entry for slot in Slot if (entry := desk.entry(path, slot))]
