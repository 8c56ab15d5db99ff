"""`plan --out`: a whole file or none, refused before anything is planned, and never through a planted link."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from krakenctl.plan import planfile
from krakenctl.workflow import Desk
from running import krakenctl


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    assert krakenctl("-C", tmp_path / "w", "init", "--name", "acme", "--tag", "a7").code == 0
    return tmp_path / "w"


@pytest.mark.parametrize("target", ["", ".", "..", "/", "folder", "folder/", "pipe", "nowhere/a.plan", "a" * 300])
def test_what_no_plan_can_be_saved_to_is_a_usage_error_before_anything_is_planned(
    workspace: Path, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (workspace / "folder").mkdir()
    os.mkfifo(workspace / "pipe")
    before = sorted(workspace.parent.rglob("*"))
    monkeypatch.setattr(Desk, "plan", lambda *_: pytest.fail("it was planned"))
    told = krakenctl("plan", "--out", target, cwd=workspace)
    assert (told.code, told.out) == (64, "")
    assert "no plan can be saved" in told.err
    assert sorted(workspace.parent.rglob("*")) == before


def test_a_plan_is_saved_without_going_through_a_link_and_leaves_nothing_beside_it(workspace: Path) -> None:
    precious = workspace / "precious"
    precious.write_text("precious")
    (workspace / ".tonight.plan.tmp").symlink_to(precious)
    (workspace / "tonight.plan").symlink_to(precious)
    before = {each.name for each in workspace.iterdir()}
    assert krakenctl("plan", "--out", "tonight.plan", cwd=workspace).code == 0
    assert precious.read_text() == "precious"
    assert planfile.load((workspace / "tonight.plan").read_text()).plan.changes
    assert {each.name for each in workspace.iterdir()} == before


def test_a_full_disk_leaves_the_plan_that_was_there(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (workspace / "tonight.plan").write_text("the last one")
    before = sorted(workspace.iterdir())

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("krakenctl.files.os.fsync", full)
    told = krakenctl("plan", "--out", "tonight.plan", cwd=workspace)
    assert told.code == 1
    assert "No space left on device" in told.err
    assert (workspace / "tonight.plan").read_text() == "the last one"
    assert sorted(workspace.iterdir()) == before


def test_a_comment_names_the_digest_and_the_end_of_the_plan_that_was_saved_with_it(workspace: Path) -> None:
    told = krakenctl("plan", "--out", "tonight.plan", "-o", "markdown", cwd=workspace)
    assert f"Digest `{planfile.load((workspace / 'tonight.plan').read_text()).digest}`." in told.out
    assert "Can be applied until" in told.out
    assert "Digest" not in krakenctl("plan", "-o", "markdown", cwd=workspace).out
