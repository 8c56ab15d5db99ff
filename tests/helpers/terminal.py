"""krakenctl on a real (pseudo) terminal: with colours, a width, and somebody who answers."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import sys
import termios
from pathlib import Path

from running import Ran

ANSI = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


def on_a_terminal(*args: str, cwd: Path, columns: int = 80, answers: dict[str, str] | None = None) -> Ran:
    """Both streams go to the terminal, so `out` holds both and `err` is empty. `answers`: prompt → what to type."""
    child, terminal = pty.fork()
    if child == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        os.chdir(cwd)
        # Not execv: libreadline, which pytest loads, puts COLUMNS into the environment behind Python's back.
        environment = {**os.environ, "TERM": "xterm-256color"}
        os.execve(sys.executable, [sys.executable, "-m", "krakenctl", *args], environment)
    seen = _converse(terminal, dict(answers or {}))
    os.close(terminal)
    return Ran(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), seen, "")


def plain(text: str) -> str:
    return ANSI.sub("", text).replace("\r\n", "\n")


def _converse(terminal: int, answers: dict[str, str]) -> str:
    seen = b""
    while True:
        try:
            new = os.read(terminal, 65536)
        except OSError:  # the other end is closed
            new = b""
        if not new:
            return seen.decode()
        seen += new
        for prompt in [prompt for prompt in answers if prompt.encode() in seen]:
            os.write(terminal, answers.pop(prompt).encode() + b"\n")
