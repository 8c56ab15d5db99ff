"""Which file system a file is on: some have no locks to rely on."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from krakenctl.errors import StateError

# Locks on these do not hold between hosts: two runs would both believe to be alone.
NETWORK_FILE_SYSTEMS = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "afs", "ceph", "lustre"})
_OCTAL = re.compile(r"\\([0-7]{3})")  # how /proc/self/mounts writes blanks


def refuse_network(path: Path, mounts: Callable[[], str] | None = None) -> None:
    kind = _file_system(path.resolve(), (mounts or _read_mounts)())
    if kind in NETWORK_FILE_SYSTEMS:
        raise StateError(
            f"{path} is on a network file system ({kind}), where SQLite's locks do not hold",
            hint="put state.path on a local disk",
        )


def _read_mounts() -> str:
    try:
        return Path("/proc/self/mounts").read_text()
    except OSError:  # not Linux: SQLite's own checks must do
        return ""


def _file_system(path: Path, mounts: str) -> str:
    """The type of the file system with the longest mount point above `path`."""
    best, kind = "", ""
    for line in mounts.splitlines():
        _, escaped, found = line.split()[:3]
        point = _OCTAL.sub(lambda code: chr(int(code[1], 8)), escaped)
        below = str(path).startswith(point.rstrip("/") + "/")
        if below and len(point) >= len(best):
            best, kind = point, found
    return kind
