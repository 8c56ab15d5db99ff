"""docs/verify.md: its console session prints what the page shows, and its tables are what the code says."""

from __future__ import annotations

import os
from pathlib import Path

from test_readme import replayed

from krakenctl.model.verification import Source, Verdict
from krakenctl.surfaces.kraken.probes import NO_PROBE, PROBES
from running import ROOT

PAGE = ROOT / "docs/verify.md"


def test_the_page_shows_what_happens(tmp_path: Path) -> None:
    now = replayed(PAGE.read_text(), tmp_path).replace("expires 2026-11-22", "expires 2027-05-21")
    if os.environ.get("UPDATE_GOLDEN"):
        PAGE.write_text(now)
    assert PAGE.read_text() == now


def test_the_page_has_every_verdict_source_and_probe() -> None:
    lines = PAGE.read_text().splitlines()
    rows = {cells[1].strip(" `"): cells[2] for line in lines if len(cells := line.split("|")) == 4}
    assert rows.keys() >= {*Verdict, *Source, *PROBES}
    assert not rows.keys() & set(NO_PROBE)
    assert all(call.name in rows[permission] for permission, calls in PROBES.items() for call in calls)
