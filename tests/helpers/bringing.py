"""Keys that somebody made by hand on a served sandbox, and imports of them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from krakenctl.model.recorded import Recorded
from krakenctl.state.sqlite import read_only
from krakenctl.testing.sandbox import Key, KrakenSandbox
from running import Ran, krakenctl

READS = ("query-funds", "query-open-trades", "query-ledger")
TRADES = (*READS, "modify-trades", "close-trades")


def env_text(keys: Iterable[tuple[str, Key]]) -> str:
    return "".join(f"{name}_API_KEY={key.public_key}\n{name}_API_SECRET={key.secret}\n" for name, key in keys)


@dataclass
class Place:
    """An empty folder for a workspace, and a .env file beside it."""

    sandbox: KrakenSandbox
    folder: Path

    @property
    def root(self) -> Path:
        return self.folder / "desk"

    @property
    def env(self) -> Path:
        return self.folder / ".env"

    @property
    def manifest(self) -> str:
        return (self.root / "manifests/imported.yaml").read_text()

    def hold(self, **keys: Key) -> Place:
        self.env.write_text(env_text(keys.items()))
        self.env.chmod(0o600)
        return self

    def run(self, *args: str | Path) -> Ran:
        return krakenctl("-C", self.root, *args)

    def bring(self, *args: str | Path) -> Ran:
        self.root.mkdir(exist_ok=True)
        return self.run("import", "--from", self.env, "--endpoint", self.sandbox.url, *args)

    def brought(self, *args: str | Path) -> Any:
        ran = self.bring("-o", "json", *args)
        assert ran.code == 0, ran.out + ran.err
        return ran.json

    def recorded(self) -> Recorded:
        return read_only(self.root / ".krakenctl/state.db")

    def changes(self) -> list[Any]:
        ran = self.run("plan", "-o", "json")
        assert ran.code == 0, ran.out + ran.err
        changes: list[Any] = ran.json["changes"]
        return changes

    def files(self) -> dict[str, bytes]:
        """All but the state, which remembers who looked at it."""
        files = [file for file in self.root.rglob("*") if file.is_file() and not file.name.startswith("state.db")]
        return {str(file.relative_to(self.root)): file.read_bytes() for file in files}


_DEADLY = """
import os, signal, sys
from krakenctl.cli import main
from krakenctl.tasks.importing import run, writing
from krakenctl.state.sql import SqlState
from krakenctl.stores.age import AgeStore

def deadly(owner, name, times):
    real = getattr(owner, name)
    left = [times]
    def call(*args, **more):
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)
        left[0] -= 1
        return real(*args, **more)
    setattr(owner, name, call)

deadly({where}, {times})
sys.exit(main(sys.argv[1:]))
"""


def killed_at(where: str, times: int, *words: str | Path) -> None:
    """Run krakenctl, and kill it when it calls `where` for the time after `times`."""
    script = _DEADLY.format(where=where, times=times)
    command = [sys.executable, "-c", script, *map(str, words)]
    killed = subprocess.run(command, env=os.environ, capture_output=True, timeout=60, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
