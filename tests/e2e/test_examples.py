"""Every example, run as its README says, from a copy."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from running import ROOT, krakenctl

EXAMPLES = sorted(path for path in (ROOT / "examples").iterdir() if (path / "krakenctl.yaml").exists())
OF_THIS_HOST = shutil.ignore_patterns(".krakenctl", "secrets", "recipients.txt")


@pytest.fixture(params=EXAMPLES, ids=lambda path: path.name)
def example(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return Path(shutil.copytree(request.param, tmp_path / "example", ignore=OF_THIS_HOST))


def meant(example: Path) -> list[str]:
    """What its README says about the dangers in it; an example without any needs no flag."""
    readme = (example / "README.md").read_text()
    command = re.search(r"^\$ krakenctl apply( --allow .*)$", readme, re.MULTILINE)
    return shlex.split(command[1]) if command else []


def committed(folder: Path) -> dict[Path, bytes]:
    ours = {".krakenctl", "secrets", "recipients.txt"}
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path: path.read_bytes() for path in files if not ours & set(path.relative_to(folder).parts)}


def test_an_example_is_planned_applied_and_found_in_order(example: Path) -> None:
    before = committed(example)
    assert krakenctl("-C", example, "init").code == 0
    assert krakenctl("-C", example, "validate").code == 0
    assert krakenctl("-C", example, "plan", "--detailed-exitcode").code == 2
    applied = krakenctl("-C", example, "apply", "--yes", "-o", "json", *meant(example))
    assert applied.code == 0, applied.err
    assert {row["result"] for row in applied.json["outcomes"]} == {"done"}
    assert krakenctl("-C", example, "plan", "--detailed-exitcode").code == 0
    assert krakenctl("-C", example, "init").out == "Nothing was missing.\n"
    assert committed(example) == before


@pytest.mark.parametrize("output", ["text", "json", "markdown"])
def test_planning_twice_gives_the_same_bytes(example: Path, output: str) -> None:
    krakenctl("-C", example, "init")
    first, second = (krakenctl("-C", example, "plan", "-o", output) for _ in range(2))
    assert first.out == second.out
    krakenctl("-C", example, "apply", "--yes", *meant(example))
    first, second = (krakenctl("-C", example, "plan", "-o", output) for _ in range(2))
    assert first.out == second.out


def test_the_trading_desk_has_a_master_four_sub_accounts_and_twenty_keys() -> None:
    tree = krakenctl("-C", ROOT / "examples/02-trading-desk", "tree", "-o", "json").json
    [master] = tree["accounts"]
    below = master["subAccounts"]
    assert len(below) == 4
    assert len(master["keys"]) + sum(len(account["keys"]) for account in below) == 20
    everyone = [key for account in below for key in account["keys"]]
    assert not [key["address"] for key in everyone if "withdraw-funds" in key["permissions"]]


def test_the_demo_tells_its_whole_story(tmp_path: Path) -> None:
    here = Path(sys.executable).parent
    demo = subprocess.run(
        [ROOT / "examples/demo.sh", tmp_path / "desk"],
        env={"PATH": f"{here}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert demo.returncode == 0, demo.stdout[-2000:] + demo.stderr[-2000:]
    assert demo.stdout.count("No changes. What is live is what is declared.") == 2
    assert "8 replaced" in demo.stdout
