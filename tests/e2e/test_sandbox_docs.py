"""Every example of docs/sandbox.md, run as it stands there."""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from krakenctl.sandbox import open_sandbox
from krakenctl.sandbox.faults import KINDS
from krakenctl.sandbox.people import seed
from krakenctl.sandbox.server import Server
from krakenctl.testing.sandbox import served
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


@pytest.mark.parametrize("code", blocks("python", "Call it"), ids=["ccxt", "krakenex", "python-kraken-sdk"])
def test_a_clients_example_prints_the_balance(code: str, surroundings: dict[str, str]) -> None:
    done = subprocess.run([sys.executable, "-c", code], env=surroundings, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert re.search(r"XXBT|BTC", done.stdout)


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("openssl")), reason="needs curl and openssl")
def test_the_curl_example_prints_the_balance(surroundings: dict[str, str]) -> None:
    [code] = [block for block in blocks("sh", "Call it") if "curl" in block]
    done = subprocess.run(["bash", "-euc", code], env=surroundings, capture_output=True, text=True, check=False)
    assert '"error":[]' in done.stdout, done.stderr + done.stdout


def test_the_clients_examples_work_one_after_the_other_with_one_key(surroundings: dict[str, str]) -> None:
    every = "\n".join(blocks("python", "Call it"))
    done = subprocess.run([sys.executable, "-c", every], env=surroundings, capture_output=True, text=True, check=False)
    assert (done.returncode, "EAPI" in done.stdout) == (0, False), done.stderr + done.stdout


def test_the_sample_of_a_key_has_the_fields_that_the_command_prints(tmp_path: Path) -> None:
    open_sandbox(tmp_path / "sandbox.db").close()
    krakenctl("sandbox", "account", "create", "--name", "acme", cwd=tmp_path)
    printed = krakenctl(
        "sandbox", "key", "create", "--account", "acme", "--name", "bot", "-o", "json", cwd=tmp_path
    ).json  # fmt: skip
    [sample] = blocks("json", "Serve it")
    assert json.loads(sample).keys() <= printed.keys()


def test_a_lockout_ends_as_the_page_says(tmp_path: Path) -> None:
    with served(tmp_path / "sandbox.db") as sandbox:
        ask = functools.partial(requests.post, f"{sandbox.url}/0/private/Balance")
        stranger = {"API-Key": "nobody's", "API-Sign": "c2lnbg=="}
        errors = [ask(data={"nonce": n}, headers=stranger).json()["error"] for n in range(1, 8)]
        assert errors[-1] == ["EGeneral:Temporary lockout"]
        assert krakenctl("sandbox", "clock", "--advance", "15m", "--db", sandbox.db).code == 0
        assert ask(data={"nonce": 9}, headers=stranger).json()["error"] == ["EAPI:Invalid key"]


def test_the_pytest_examples_pass(tmp_path: Path) -> None:
    code = "\n".join(blocks("python", "In your tests"))
    (tmp_path / "test_bot.py").write_text(code)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", tmp_path],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "3 passed" in done.stdout, done.stdout


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
        assert settings.strip() == "<br>".join(f"`{name}`: {told.limits}" for name, told in about.settings.items())
