"""One apply at a time on one host. Between hosts nothing is locked: that takes a lease, and a state both can see."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from krakenctl.errors import LockHeld, StateError


@contextmanager
def alone(state: Path) -> Iterator[None]:
    """Hold the lock beside the state. Raises LockHeld, naming the process that has it.

    The kernel lets go of it when its holder dies, however it dies; the file stays, for unlinking it would race.
    """
    path = state.with_name(f"{state.name}.lock")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as problem:
        raise StateError(f"{path} cannot be opened: {problem.strerror}") from None
    try:
        _lock(descriptor)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> None:
    """Raises LockHeld or StateError."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    except BlockingIOError:
        holder = os.read(descriptor, 20).decode("ascii", "replace").strip() or "unknown"
        message = f"another krakenctl is changing this workspace (process {holder}); nothing was done"
        raise LockHeld(
            message, hint="it may be waiting for an answer at its terminal; plan again when it is done"
        ) from None
    except OSError as problem:
        raise StateError(f"the lock beside the state cannot be taken: {problem.strerror}") from None
