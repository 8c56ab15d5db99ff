"""Every example of docs/sandbox.md, run as it stands there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from krakenctl.sandbox import open_sandbox
from krakenctl.sandbox.faults import KINDS
from krakenctl.sandbox.people import seed
from krakenctl.sandbox.server import Server
from running import ROOT, krakenctl

PAGE = (ROOT / "docs/sandbox.md").read_text()


def blocks(language: str, section: str) -> list[str]:
    [text] = re.findall(rf"^## {section}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


@pytest.fixture
def surroundings(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A served sandbox with one key, told as the examples expect it."""
    db = tmp_path / "sandbox.db"
    with Server(db) as server:
        seed.open_account(db, "acme")
        public, secret = seed.seed_website_key(db, "acme", "bot", ["query-funds"])
        pair = {"KRAKEN_URL": server.url, "KRAKEN_KEY": public, "KRAKEN_SECRET": secret}
        yield {**os.environ, **pair, "KRAKENCTL_SANDBOX_DB": str(db), "NO_PROXY": "*"}


@pytest.mark.parametrize("code", blocks("python", "Call it"), ids=["python-kraken-sdk", "ccxt", "krakenex"])
def test_a_clients_example_prints_the_balance(code: str, surroundings: dict[str, str]) -> None:
    done = subprocess.run([sys.executable, "-c", code], env=surroundings, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert re.search(r"XXBT|BTC", done.stdout)


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("openssl")), reason="needs curl and openssl")
def test_the_curl_example_prints_the_balance(surroundings: dict[str, str]) -> None:
    [code] = [block for block in blocks("sh", "Call it") if "curl" in block]
    done = subprocess.run(["bash", "-euc", code], env=surroundings, capture_output=True, text=True, check=False)
    assert '"error":[]' in done.stdout, done.stderr + done.stdout


def test_the_pytest_examples_pass(tmp_path: Path) -> None:
    [code] = blocks("python", "In your tests")
    (tmp_path / "test_bot.py").write_text(code)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", tmp_path],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "2 passed" in done.stdout, done.stdout


def test_every_command_works(tmp_path: Path) -> None:
    open_sandbox(tmp_path / "sandbox.db").close()
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    text = PAGE.replace("\\\n", " ")
    commands = re.findall(r"^krakenctl (sandbox (?!serve).*?)(?:  +#.*)?$", text, re.MULTILINE)
    assert len(commands) > 10
    for command in commands:
        ran = krakenctl(*command.split(), cwd=tmp_path)
        assert ran.code == 0, (command, ran.err)


def test_the_table_of_faults_is_the_one_that_the_sandbox_has() -> None:
    table = dict(re.findall(r"^\| `([a-z-]+)` \| (.+?) \|", PAGE, re.MULTILINE))
    assert table == {kind: about.summary for kind, about in KINDS.items()}
    for kind, about in KINDS.items():
        [settings] = re.findall(rf"^\| `{kind}` \| .+? \|(.*)\|$", PAGE, re.MULTILINE)
        assert re.findall(r"`([a-z-]+)`", settings) == list(about.settings)
