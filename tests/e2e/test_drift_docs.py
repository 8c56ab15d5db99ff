"""The console sessions of docs/drift.md, replayed: they print what the page shows."""

from __future__ import annotations

import os
from pathlib import Path

from test_readme import replayed

from krakenctl.model.drift import Kind
from running import ROOT

PAGE = ROOT / "docs/drift.md"


def test_the_page_shows_what_happens(tmp_path: Path) -> None:
    now = replayed(PAGE.read_text(), tmp_path)
    if os.environ.get("UPDATE_GOLDEN"):
        PAGE.write_text(now)
    assert PAGE.read_text() == now


def test_the_page_explains_every_kind() -> None:
    rows = [
        line.partition("|")[2].partition("|")[0] for line in PAGE.read_text().splitlines() if line.startswith("| `")
    ]
    assert {kind.strip(" `") for row in rows for kind in row.split(",")} == set(Kind)
