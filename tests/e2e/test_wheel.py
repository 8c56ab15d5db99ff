"""The wheel, installed into an empty folder: what a user of `pip install` gets, without the checkout beside it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from running import ROOT


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the installed wheel and nothing else of ours."""
    work = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(work)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    [wheel] = work.glob("*.whl")
    pip = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--quiet", "--target", str(work / "site")]
    subprocess.run([*pip, str(wheel)], check=True, capture_output=True)
    return work / "site"


START = """
import sys
site = sys.argv.pop(1)
sys.path.insert(0, site)
import krakenctl.cli
assert krakenctl.cli.__file__.startswith(site)
krakenctl.cli.entry()
"""


def run(site: Path, cwd: Path, *args: str) -> subprocess.CompletedProcess[str]:
    """With the installed package before everything else on the path."""
    command = [sys.executable, "-c", START, str(site), *args]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=60)


def test_an_installed_wheel_makes_a_workspace_and_applies_it(installed: Path, tmp_path: Path) -> None:
    for args, code in [
        (["--version"], 0),
        (["init"], 0),
        (["plan", "--detailed-exitcode"], 2),
        (["apply", "--yes"], 0),
        (["plan", "--detailed-exitcode"], 0),
    ]:
        done = run(installed, tmp_path, *args)
        assert done.returncode == code, (args, done.stdout, done.stderr)


@pytest.mark.parametrize("kind", ["krakenctl", "ApiKey", "workspace", "plan"])
def test_an_installed_wheel_brings_its_schemas(installed: Path, tmp_path: Path, kind: str) -> None:
    assert run(installed, tmp_path, "schema", kind).stdout == (ROOT / f"schemas/{kind.lower()}.schema.json").read_text()


def test_an_installed_wheel_is_typed_and_holds_no_tests(installed: Path) -> None:
    assert (installed / "krakenctl/py.typed").exists()
    assert {path.name.partition("-")[0] for path in installed.iterdir()} <= {"krakenctl", "bin"}
