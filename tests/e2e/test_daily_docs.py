"""The console sessions of docs/doctor.md and docs/exec.md, replayed: they print what the pages show."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from test_readme import replayed

from running import ROOT

# What differs from host to host.
VARYING = {
    r"krakenctl \d+\.\d+\.\S+ on Python \d+\.\d+\.\d+": "krakenctl 0.1.0 on Python 3.13.1",
    r"\d+ libraries": "11 libraries",
    r"takes \d+ KiB": "takes 120 KiB",
    r"\d+ lines, each": "8 lines, each",
}


def settled(text: str) -> str:
    for pattern, usual in VARYING.items():
        text = re.sub(pattern, usual, text)
    return text


@pytest.mark.parametrize("name", ["doctor", "exec"])
def test_a_page_shows_what_happens(name: str, tmp_path: Path) -> None:
    page = ROOT / f"docs/{name}.md"
    now = settled(replayed(page.read_text(), tmp_path))
    if os.environ.get("UPDATE_GOLDEN"):
        page.write_text(now)
    assert page.read_text() == now
