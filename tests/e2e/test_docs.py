"""What the documents say is so."""

from __future__ import annotations

import re

from krakenctl.model.permission import SPELLINGS
from running import ROOT

PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("examples/*/*.md"), *ROOT.glob("benchmarks/*.md")]


def test_the_manual_lists_the_permissions_as_the_table_has_them() -> None:
    page = (ROOT / "docs/manifests.md").read_text()
    for permission, spelling in SPELLINGS.items():
        assert f"| `{permission}` | {spelling.label} | {'yes' if spelling.flag else 'no'} |" in page


def test_links_between_documents_lead_somewhere() -> None:
    for page in PAGES:
        for link in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text()):
            assert (page.parent / link).exists(), f"{page.name}: {link}"


def test_modules_named_in_the_architecture_exist() -> None:
    page = (ROOT / "docs/architecture.md").read_text()
    announced = {"apply/journal.py", "apply/recovery.py", "plan/guard.py"}  # where the next parts go
    named = set(re.findall(r"`([a-z_]+/[a-z_]+\.py|[a-z_]+\.py)`", page)) - announced
    assert named
    homes = (ROOT / "krakenctl", ROOT / "krakenctl/sandbox")  # the sandbox has a section of its own
    assert not [name for name in named if not any((home / name).exists() for home in homes)]
