"""docs/findings.md says of every rule what krakenctl says."""

from __future__ import annotations

import re

import pytest

from krakenctl.audit.catalogue import RULES
from running import ROOT

PAGE = (ROOT / "docs/findings.md").read_text()


def test_the_page_has_an_anchor_for_every_rule_and_for_nothing_else():
    assert re.findall(r"^### `(.*)`$", PAGE, re.MULTILINE) == list(RULES)


@pytest.mark.parametrize("rule", RULES)
def test_each_entry_says_how_bad_it_is_why_and_what_to_do(rule):
    entry = " ".join(PAGE.partition(f"### `{rule}`")[2].partition("\n##")[0].split())
    known = RULES[rule]
    assert entry.startswith(known.severity.value.capitalize())
    assert known.title[1:] in entry
    assert known.why[1:] in entry
    assert entry.endswith(f"What to do: {known.do}.")
