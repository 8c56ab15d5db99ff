"""The console sessions of docs/website.md, replayed: they print what the page shows."""

from __future__ import annotations

import os
from pathlib import Path

from test_readme import replayed

from running import ROOT


def test_the_page_shows_what_happens(tmp_path: Path) -> None:
    page = ROOT / "docs/website.md"
    now = replayed(page.read_text(), tmp_path)
    if os.environ.get("UPDATE_GOLDEN"):
        page.write_text(now)
    assert page.read_text() == now
