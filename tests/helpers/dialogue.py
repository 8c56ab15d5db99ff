"""A conversation with krakenctl on a real (pseudo) terminal: wait for what it says, then type."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
from pathlib import Path

from terminal import plain

LONGEST = 60.0  # seconds without a word, after which something is wrong


class Dialogue:
    """One command. `seen` is all that was shown; `heard` marks what has been waited for."""

    def __init__(self, *args: str | Path, cwd: Path, columns: int = 100, env: dict[str, str] | None = None) -> None:
        self.seen, self._heard = "", 0
        self._child, self._terminal = pty.fork()
        if self._child == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 60, columns, 0, 0))
            os.chdir(cwd)
            environment = {**os.environ, "TERM": "xterm-256color", "TZ": "UTC", **(env or {})}
            os.execve(sys.executable, [sys.executable, "-m", "krakenctl", *map(str, args)], environment)

    def until(self, *texts: str) -> str:
        """What was said since the last time, up to and including the first of these texts."""
        while True:
            new = plain(self.seen)[self._heard :]
            if found := [new.index(text) + len(text) for text in texts if text in new]:
                self._heard += min(found)
                return new[: min(found)]
            if not self._read():
                raise AssertionError(f"it never said any of {texts}:\n{new}")

    def type(self, line: str) -> None:
        os.write(self._terminal, line.encode() + b"\n")

    def press(self, key: bytes) -> None:
        os.write(self._terminal, key)

    def hang_up(self) -> int:
        """Close the window. The exit code."""
        os.close(self._terminal)
        return os.waitstatus_to_exitcode(os.waitpid(self._child, 0)[1])

    def kill(self) -> int:
        """As by SIGKILL. The exit code."""
        os.kill(self._child, signal.SIGKILL)
        os.close(self._terminal)
        return os.waitstatus_to_exitcode(os.waitpid(self._child, 0)[1])

    def end(self) -> tuple[int, str]:
        """The exit code, and what was said since the last time."""
        while self._read():
            pass
        os.close(self._terminal)
        code = os.waitstatus_to_exitcode(os.waitpid(self._child, 0)[1])
        return code, plain(self.seen)[self._heard :]

    def _read(self) -> bool:
        if not select.select([self._terminal], [], [], LONGEST)[0]:
            raise AssertionError(f"it says nothing any more:\n{plain(self.seen)[self._heard :]}")
        try:
            new = os.read(self._terminal, 65536)
        except OSError:  # the other end is closed
            return False
        self.seen += new.decode(errors="replace")
        return bool(new)
