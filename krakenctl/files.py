"""Where krakenctl may write, and writing there whole or not at all. It opens no link to write.

A workspace may be a clone of somebody else's: what is a link in it may lead anywhere.
"""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

from krakenctl.errors import SafetyStop

OWN = ".krakenctl"  # the folder of a workspace that is this host's own


def inside(root: Path, path: Path) -> Path:
    """The real place of `path`. Raises SafetyStop when that is not in the workspace at `root`."""
    real, base = _real(path), _real(root)
    if real == base or not real.is_relative_to(base):
        raise SafetyStop(
            f"{path} leads out of the workspace, to {real}; nothing was done there",
            hint="name a place inside it, or remove the symbolic link",
        )
    return real


def own(root: Path, path: Path) -> Path:
    """The real place of a file of krakenctl's own. Raises SafetyStop unless it is below .krakenctl, without links."""
    base = _real(root) / OWN
    if link := _link(root, path):
        raise SafetyStop(
            f"{link} is a symbolic link, and below {OWN} nothing is written or deleted through one",
            hint="remove the link, or put in its place what it leads to",
        )
    real = _real(path)
    if real == base or not real.is_relative_to(base):
        raise SafetyStop(
            f"{path} is not below {OWN}/ of the workspace, and the sandbox makes and deletes files nowhere else",
            hint=f"with endpoint: sandbox, credentials are files in {OWN}/",
        )
    return real


def oddity(path: Path) -> str:
    """What is there instead of an ordinary file: `a folder`, `a named pipe`, …; empty for a file, or nothing at all."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return "a symbolic link that leads nowhere" if path.is_symlink() else ""
    if stat.S_ISREG(mode):
        return ""
    return "a folder" if stat.S_ISDIR(mode) else "a named pipe" if stat.S_ISFIFO(mode) else "a device or a socket"


def write_private(path: Path, text: str) -> None:
    """A file for its owner alone, from its first byte on; missing folders too. Raises OSError."""
    make_folder(path.parent)
    write_whole(path, text.encode(), mode=0o600)


def write_whole(path: Path, content: bytes, *, mode: int, exclusive: bool = False) -> None:
    """Durable under its name, or OSError and nothing there. A link of that name is replaced, not followed.

    `exclusive`: FileExistsError when anything is there already, also when it came a moment ago.
    """
    beside = path.with_name(f".{secrets.token_hex(8)}.tmp")  # nobody can have planted a link of this name
    try:
        _write(beside, content, mode)
        if exclusive:
            path.hardlink_to(beside)
        else:
            beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    sync_folder(path.parent)


def append(path: Path, text: str) -> None:
    """Whole lines at a file's end, whatever its encoding. It keeps its mode, and a line that somebody else adds."""
    gap = "\n" if path.exists() and path.read_bytes()[-1:] not in (b"", b"\n") else ""
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, 0o666), "ab") as out:
        out.write((gap + text).encode())


def make_folder(folder: Path) -> None:
    """Every missing one with mode 0700 (mkdir's `parents` leaves that to the umask), and each durable."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write(path: Path, content: bytes, mode: int) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, mode), "wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))


def _link(root: Path, path: Path) -> Path | None:
    """The link nearest to the root on the way to `path`, the root's own way not counted."""
    below = [each for each in (path, *path.parents) if each != root and each.is_relative_to(root)]
    return next((each for each in reversed(below) if each.is_symlink()), None)
