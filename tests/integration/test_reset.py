"""`krakenctl sandbox reset` deletes what the sandbox made: all of it or nothing, and nothing else."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

import desk as d
from desk import Desk
from running import Ran, krakenctl


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """With one key applied: a state, a store, credentials, a sandbox."""
    d.stop_time(monkeypatch)
    desk = d.make_desk(tmp_path / "w")
    desk.declare(d.account(), d.key("bot"))
    return desk.applied()


def reset(desk: Desk) -> Ran:
    return desk.run("sandbox", "reset", "--yes")


def said(told: Ran) -> str:
    """However it was wrapped."""
    return " ".join(told.err.split())


def files_of(desk: Desk) -> dict[Path, bytes]:
    """All that lasts; SQLite may tidy its journals whenever it looks."""
    found = {file: file.read_bytes() for file in desk.root.parent.rglob("*") if file.is_file()}
    return {file: content for file, content in found.items() if not file.name.endswith(("-wal", "-shm"))}


def test_reset_makes_everything_anew_but_the_identity_and_the_recipients(desk: Desk):
    before = files_of(desk)
    assert reset(desk).code == 0
    after = files_of(desk)
    changed = {str(file.relative_to(desk.root)) for file in before if after.get(file) != before[file]}
    assert changed == {
        ".krakenctl/credentials/acme.json",
        ".krakenctl/credentials/acme.key.json",
        ".krakenctl/sandbox.db",
        ".krakenctl/state.db",
        "secrets/acme/bot/current.age",
    }
    assert set(after) <= set(before)
    desk.applied()


def test_the_help_says_what_json_is_printed(desk: Desk):
    assert "krakenctl.init/v1" in desk.run("sandbox", "reset", "--help").out
    assert desk.run("sandbox", "reset", "--yes", "-o", "json").json["format"] == "krakenctl.init/v1"


@pytest.mark.parametrize("where", ["absolute", "home", "in the workspace", "through a link"])
def test_a_credential_outside_our_own_folder_is_never_deleted_or_replaced(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
):
    folder = (desk.root if where == "in the workspace" else tmp_path) / "realcreds"
    folder.mkdir()
    (folder / "acme.json").write_text("real")
    (desk.root / ".krakenctl/link").symlink_to(folder)
    monkeypatch.setenv("HOME", str(tmp_path))
    name = {"absolute": folder, "home": "~/realcreds", "through a link": ".krakenctl/link"}.get(where, "realcreds")
    desk.settings(credentials={"*": {"token": f"file:{name}/{{account}}.json"}})
    before = files_of(desk)
    told = reset(desk)
    assert told.code == 7
    assert ".krakenctl" in said(told)
    assert files_of(desk) == before


def _garbage(desk: Desk) -> None:
    desk.db.write_bytes(b"no database " * 500)


def _torn(desk: Desk) -> None:
    """Its head is sound, and its tables are not."""
    with sqlite3.connect(desk.db) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    content = desk.db.read_bytes()
    desk.db.write_bytes(content[:100] + b"\xff" * (len(content) - 100))


def _gone(desk: Desk) -> None:
    desk.db.unlink()


@pytest.mark.parametrize("damage", [_garbage, _torn, _gone])
def test_what_the_state_knows_is_kept_when_the_sandbox_cannot_say_that_it_is_its_own(desk: Desk, damage):
    for suffix in ("-wal", "-shm"):
        desk.db.with_name(desk.db.name + suffix).unlink(missing_ok=True)
    damage(desk)
    before = files_of(desk)
    told = reset(desk)
    assert told.code == 7, told
    assert "nothing was done" in said(told)
    assert ".krakenctl/state.db" in said(told)
    assert files_of(desk) == before


def test_a_damaged_sandbox_of_which_nothing_is_remembered_is_made_anew(desk: Desk):
    desk.state_path.unlink()
    _garbage(desk)
    assert reset(desk).code == 0
    assert desk.run("plan").code == 0


@pytest.mark.parametrize("path", ["../state.db", "/abs/state.db"])
def test_a_state_outside_the_workspace_is_never_deleted(desk: Desk, path: str):
    outside = desk.root.parent / "state.db"
    outside.write_bytes(b"")
    desk.settings(state={"path": str(outside) if path.startswith("/") else path})
    assert reset(desk).code == 1
    assert outside.exists()


@pytest.mark.parametrize("what", ["state", "store"])
def test_a_state_or_a_store_that_a_link_leads_out_to_is_never_deleted(desk: Desk, what: str):
    inside, outside = (desk.state_path if what == "state" else desk.root / "secrets"), desk.root.parent / "elsewhere"
    inside.rename(outside)
    inside.symlink_to(outside)
    before = files_of(desk)
    told = reset(desk)
    assert (told.code, "out of the workspace" in said(told)) == (7, True)
    assert files_of(desk) == before


def test_reset_does_nothing_when_one_of_the_files_cannot_go(desk: Desk):
    key = desk.root / ".krakenctl/credentials/acme.key.json"
    key.unlink()
    key.mkdir()
    before = files_of(desk)
    told = reset(desk)
    assert told.code == 1
    assert "is a folder" in said(told)
    assert files_of(desk) == before


def test_reset_does_nothing_when_a_folder_cannot_be_written(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    real = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: "credentials" not in str(path) and real(path, mode))
    before = files_of(desk)
    told = reset(desk)
    assert told.code == 1
    assert "cannot be removed; nothing was done" in said(told)
    assert files_of(desk) == before


def test_reset_does_nothing_when_the_store_cannot_be_written(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    def full(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("krakenctl.stores.age.write_whole", full)
    before = files_of(desk)
    told = reset(desk)
    assert told.code == 1
    assert "Read-only file system" in said(told)
    assert files_of(desk) == before


def test_a_reset_without_the_identity_works_and_makes_a_new_one(desk: Desk):
    (desk.root / ".krakenctl/identity.txt").unlink()
    assert reset(desk).code == 0
    desk.applied()


@pytest.mark.parametrize("stop", range(12))
def test_a_reset_that_dies_at_any_file_is_finished_by_the_next(desk: Desk, monkeypatch: pytest.MonkeyPatch, stop: int):
    real, left = Path.unlink, [stop]

    def unlink(path: Path, missing_ok: bool = False) -> None:
        if not path.name.endswith(".tmp"):
            left[0] -= 1
            if left[0] < 0:
                raise KeyboardInterrupt
        real(path, missing_ok)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", unlink)
        krakenctl("-C", desk.root, "sandbox", "reset", "--yes")
    assert reset(desk).code == 0
    assert desk.slots() == []
    desk.applied()
