"""A plan as people read it: on terminals of three widths, and as a pull-request comment."""

import re

import pytest

from golden import golden
from krakenctl.render import plan_markdown, plan_text
from krakenctl.render.paint import Paint
from plan_scenes import plans

PLANS = plans()
ANSI = re.compile(r"\x1b\[[0-9;]*m")


def shown(render):
    """Every plan under its name."""
    return "\n".join(f"=== {name} ===\n\n{render(plan)}" for name, plan in PLANS.items())


@pytest.mark.parametrize("width", [60, 100, 160])
def test_a_plan_reads_as_it_did_when_somebody_last_read_it(width):
    got, kept = golden(f"plan-{width}.txt", shown(lambda plan: plan_text.render(plan, Paint(width=width))))
    assert got == kept


def test_a_comment_reads_as_it_did_when_somebody_last_read_it():
    got, kept = golden("plan.md", shown(plan_markdown.render))
    assert got == kept


@pytest.mark.parametrize("width", range(60, 161, 5))
@pytest.mark.parametrize("name", PLANS)
def test_no_line_is_wider_than_the_terminal(name, width):
    lines = plan_text.render(PLANS[name], Paint(width=width)).splitlines()
    assert [line for line in lines if len(line) > width] == []


@pytest.mark.parametrize("name", PLANS)
def test_no_line_ends_in_blanks(name):
    assert not [line for line in plan_text.render(PLANS[name], Paint()).splitlines() if line != line.rstrip()]


@pytest.mark.parametrize("name", PLANS)
def test_a_narrower_terminal_loses_no_word(name):
    wide, narrow = (plan_text.render(PLANS[name], Paint(width=width)).split() for width in (160, 60))
    assert wide == narrow


@pytest.mark.parametrize("name", PLANS)
def test_colours_are_on_top_of_the_same_text_and_only_where_they_are_wanted(name):
    plain = plan_text.render(PLANS[name], Paint(width=70))
    coloured = plan_text.render(PLANS[name], Paint(colour=True, width=70))
    assert "\x1b" not in plain
    assert ANSI.sub("", coloured) == plain
    assert coloured != plain


def test_the_summary_comes_before_everything():
    assert plan_text.render(PLANS["rotate"], Paint()).splitlines()[1] == "  3 to rotate"


def test_a_gap_is_said_three_times_and_in_red():
    text = plan_text.render(PLANS["replace with a gap"], Paint(colour=True))
    painted = re.findall(r"\x1b\[([0-9;]*)m([^\x1b]*GAP[^\x1b]*)", text)
    assert len(painted) == 3  # in the summary, beside the address, and in the two keys' lives
    assert all("31" in codes.split(";") for codes, _ in painted)


def test_what_a_key_could_do_is_said_before_it_is_revoked():
    text = plan_text.render(PLANS["revoke"], Paint())
    assert "could        query-funds, add-funds, withdraw-funds" in text
