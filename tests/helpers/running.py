"""Running krakenctl as a user does: a command line in, an exit code and two texts out."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from krakenctl.cli import main

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def krakenctl(*args: str | Path, cwd: Path | None = None) -> Ran:
    """In this process: fast, and without a terminal."""
    out, err = io.StringIO(), io.StringIO()
    where = contextlib.chdir(cwd) if cwd else contextlib.nullcontext()
    with where, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main([str(arg) for arg in args])
    return Ran(code, out.getvalue(), err.getvalue())


def process(*args: str | Path, cwd: Path | None = None, env: dict[str, str] | None = None) -> Ran:
    """In a process of its own, as from a shell."""
    done = subprocess.run(
        [sys.executable, "-m", "krakenctl", *map(str, args)],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr)
