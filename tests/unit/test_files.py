"""Writing whole or not at all, through no link, and nowhere but where it was meant."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from krakenctl import files
from krakenctl.errors import SafetyStop


@pytest.fixture
def root(tmp_path):
    """A workspace, and beside it a file that is none of its business."""
    (tmp_path / "w/.krakenctl").mkdir(parents=True)
    (tmp_path / "precious").write_text("precious")
    return tmp_path / "w"


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_a_private_file_and_its_new_folders_are_for_their_owner_alone_whatever_was_there(root):
    file = root / ".krakenctl/a/b/token"
    files.write_private(file, "one")
    file.chmod(0o644)
    files.write_private(file, "two")
    assert (file.read_text(), mode(file), mode(file.parent), mode(file.parent.parent)) == ("two", 0o600, 0o700, 0o700)
    assert list(file.parent.iterdir()) == [file]


def test_a_link_that_stands_under_the_name_is_replaced_and_what_it_leads_to_is_kept(root):
    link = root / ".krakenctl/token"
    link.symlink_to(root.parent / "precious")
    files.write_private(link, "mine")
    assert (root.parent / "precious").read_text() == "precious"
    assert (link.is_symlink(), link.read_text()) == (False, "mine")


def test_what_fails_half_way_leaves_what_was_there_and_nothing_beside_it(root, monkeypatch):
    file = root / "plan"
    files.write_whole(file, b"whole", mode=0o666)

    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        files.write_whole(file, b"half", mode=0o666)
    assert (file.read_bytes(), sorted(root.iterdir())) == (b"whole", [root / ".krakenctl", file])


@pytest.mark.parametrize("there", ["a file", "a dangling link"])
def test_an_exclusive_write_never_takes_the_place_of_anything(root, there):
    file = root / "identity.txt"
    file.write_text("first") if there == "a file" else file.symlink_to(root.parent / "nowhere")
    with pytest.raises(FileExistsError):
        files.write_whole(file, b"second", mode=0o600, exclusive=True)
    assert not (root.parent / "nowhere").exists()
    assert sorted(root.iterdir()) == [root / ".krakenctl", file]


def test_a_line_is_added_behind_whole_lines_and_the_mode_stays(root):
    file = root / "recipients.txt"
    file.write_bytes(b"age1one \xff")
    file.chmod(0o640)
    files.append(file, "age1two\n")
    files.append(file, "age1three\n")
    assert (file.read_bytes(), mode(file)) == (b"age1one \xff\nage1two\nage1three\n", 0o640)


@pytest.mark.parametrize("path", ["../precious", "a/../../precious", ".", "", "/etc/passwd", "out", "folder/x"])
def test_what_really_lies_outside_the_workspace_is_refused(root, path):
    (root / "out").symlink_to(root.parent / "precious")
    (root / "folder").symlink_to(root.parent)
    with pytest.raises(SafetyStop, match="out of the workspace"):
        files.inside(root, root / path)


def test_a_link_within_the_workspace_is_followed_there(root):
    (root / "keys").mkdir()
    (root / "link").symlink_to("keys")
    assert files.inside(root, root / "link/recipients.txt") == root / "keys/recipients.txt"


def test_a_workspace_that_is_itself_behind_a_link_is_no_reason_to_refuse(root, tmp_path, monkeypatch):
    (tmp_path / "door").symlink_to(root)
    for door in (tmp_path / "door", tmp_path / "door/../door"):
        assert files.own(door, door / ".krakenctl/token") == root / ".krakenctl/token"
    monkeypatch.chdir(tmp_path)
    assert files.own(Path("door"), Path("door/.krakenctl/token")) == root / ".krakenctl/token"
    monkeypatch.chdir(tmp_path / "door")
    assert files.own(Path(), Path(".krakenctl/token")) == root / ".krakenctl/token"
    assert files.own(Path(), tmp_path / "w/.krakenctl/token") == root / ".krakenctl/token"


@pytest.mark.parametrize("link", [".krakenctl/token", ".krakenctl/folder"])
@pytest.mark.parametrize("target", ["..", "../../precious", "elsewhere-below", "/nowhere"])
def test_below_our_own_folder_no_link_is_gone_through(root, link, target):
    (root / link).symlink_to(target)
    with pytest.raises(SafetyStop, match="symbolic link"):
        files.own(root, root / (link if link.endswith("token") else f"{link}/token"))


def test_our_own_folder_may_not_be_a_link(root):
    (root / ".krakenctl").rmdir()
    (root / ".krakenctl").symlink_to(root.parent)
    with pytest.raises(SafetyStop, match="symbolic link"):
        files.own(root, root / ".krakenctl/token")


@pytest.mark.parametrize("path", ["token", ".krakenctl", ".krakenctl/../token", "../precious", "/etc/passwd"])
def test_what_is_not_below_our_own_folder_is_not_ours(root, path):
    with pytest.raises(SafetyStop, match="not below"):
        files.own(root, root / path)


def test_what_stands_in_the_place_of_a_file_has_a_name(root):
    os.mkfifo(root / "pipe")
    (root / "link").symlink_to("nowhere")
    (root / "file").write_text("")
    found = {name: files.oddity(root / name) for name in ("file", "nothing", "pipe", "link", ".krakenctl")}
    assert found == {
        "file": "",
        "nothing": "",
        "pipe": "a named pipe",
        "link": "a symbolic link that leads nowhere",
        ".krakenctl": "a folder",
    }
