"""The README's console sessions, replayed in a new shell: every command works, and prints what the README shows."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from running import ROOT

README = ROOT / "README.md"
BLOCK = re.compile(r"(?<=```console\n).*?(?=```)", re.DOTALL)
MARK = "\x1e"
# What differs from run to run, and how the README spells it.
VARYING = {
    r"AA\d\d N84G [A-Z0-9]{4} [A-Z0-9]{4}": "AA27 N84G J5PK W3XQ",
    r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ": "2026-11-22T12:00:00Z",
    r"(?<=Log head: )[0-9a-f]{64}": "…",
}


def replayed(readme: str, folder: Path) -> str:
    """The README with each session's output as it is now; all sessions in one shell."""
    sessions = [[line[2:] for line in block.splitlines() if line.startswith("$ ")] for block in BLOCK.findall(readme)]
    script = "".join(f"printf '{MARK}'\n{command}\n" for commands in sessions for command in commands)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", f"exec 2>&1\n{script}"],
        cwd=folder,
        env={"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    outputs = iter(done.stdout.split(MARK)[1:])
    blocks = iter("".join(f"$ {command}\n{settled(next(outputs))}" for command in session) for session in sessions)
    return BLOCK.sub(lambda _: next(blocks), readme)


def settled(output: str) -> str:
    for pattern, text in VARYING.items():
        output = re.sub(pattern, text, output)
    return output


def test_the_readme_shows_what_happens(tmp_path: Path) -> None:
    now = replayed(README.read_text(), tmp_path)
    if os.environ.get("UPDATE_GOLDEN"):
        README.write_text(now)
    assert README.read_text() == now


def test_what_inspect_prints_is_shown_as_it_is() -> None:
    """Its lines, in their order; “…” stands for those left out."""
    shown = README.read_text().partition("$ krakenctl inspect\n")[2].partition("```")[0].splitlines()
    printed = iter((ROOT / "tests/golden/inspection-100.txt").read_text().splitlines())
    assert shown
    assert all(line in printed for line in shown if line.strip() != "…")
