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
    named = set(re.findall(r"`([a-z_/]+\.py)`", page))
    there = [path.as_posix() for path in (ROOT / "krakenctl").rglob("*.py")]
    assert named
    assert not [name for name in named if not any(path.endswith(f"/{name}") for path in there)]
