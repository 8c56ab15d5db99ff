"""A process that gets a Ctrl-C just before any of its calls. (One that is killed: tests/chaos.)"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import desk as d
import interrupt_driver
from desk import Desk, Scene
from krakenctl.stores.base import Slot

SCENES = (d.create, d.replace_create_first, d.replace_revoke_first, d.replace_with_overlap)


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
def test_ctrl_c_at_any_call_exits_130_with_every_secret_in_its_place(desk: Desk, tmp_path: Path, scene: Scene):
    declared = scene(desk)
    strangers = desk.strangers()
    driver = [sys.executable, interrupt_driver.__file__, desk.root, tmp_path / "interrupted"]
    runs = json.loads(subprocess.run(driver, capture_output=True, text=True, check=True).stdout)
    assert {run["code"] for run in runs} == {130}
    for run in runs:
        stopped = Desk(Path(run["root"]))
        paths = ("acme/bot", "acme/view")
        held = {entry.live_name for path in paths for slot in Slot if (entry := stopped.entry(path, slot))}
        assert set(stopped.ours()) == held
        assert stopped.recorded().intents == ()
        d.recover(stopped)
        stopped.check_promises(declared, strangers)
