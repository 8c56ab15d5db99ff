"""A plan as people read it: on terminals of three widths, and as a pull-request comment."""

import re
from dataclasses import replace

import pytest

from golden import golden
from krakenctl.model.address import key_address
from krakenctl.model.finding import Finding, Severity
from krakenctl.model.live import Aside
from krakenctl.model.plan import Overlap
from krakenctl.plan import planfile
from krakenctl.render import plan_markdown, plan_text
from krakenctl.render.paint import Paint
from plan_builders import DAY, HOUR, NOW, alive, bot, draw, memory, on, recorded, spec_of, wish
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


@pytest.mark.parametrize("render", [lambda plan: plan_text.render(plan, Paint()), plan_markdown.render])
def test_an_expired_key_is_not_said_to_live_on_without_a_gap(render):
    lives = [line for line in render(PLANS["rotate"]).splitlines() if "expired.a7.g1 has expired" in line]
    assert len(lives) == 1
    assert "its consumer has had no key since" in lives[0]


@pytest.mark.parametrize("overlap", [0, DAY])
@pytest.mark.parametrize("render", [lambda plan: plan_text.render(plan, Paint()), plan_markdown.render])
def test_a_key_that_may_be_dead_already_is_promised_no_life(render, overlap):
    record = recorded(bot())
    live = on(alive(record), surface="website", asides={record.live_name: Aside(unasked="refused", silent=True)})
    text = render(draw(wish(bot(overlap=overlap)), live, recorded=memory(record)))
    said = " ".join(text.split())
    assert "bot.a7.g1 may be dead already: then its consumer has no key until bot.a7.g2 is promoted" in said
    assert "no gap" not in said


@pytest.mark.parametrize("render", [lambda plan: plan_text.render(plan, Paint()), plan_markdown.render])
def test_what_could_not_be_asked_is_not_said_to_be_as_declared(render):
    note = Finding(rule="key-not-asked", severity=Severity.NOTE, message="bot.a7.g1 on acme is taken as recorded")
    text = render(replace(PLANS["no changes"], findings=(note,)))
    assert "No changes in what was seen. 1 key could not be asked" in text
    assert "What is live is what is declared" not in text


@pytest.mark.parametrize("render", [lambda plan: plan_text.render(plan, Paint()), plan_markdown.render])
def test_a_plan_is_not_all_well_while_a_key_lives_that_the_kill_switch_was_used_on(render):
    found = Finding(rule="contained-key-live", severity=Severity.WARNING, message="bot.a7.g1 is still live")
    text = render(replace(PLANS["no changes"], findings=(found,)))
    assert "No changes; but a key lives that was to be revoked" in text
    assert "What is live is what is declared" not in text


@pytest.mark.parametrize("render", [lambda plan: plan_text.render(plan, Paint()), plan_markdown.render])
def test_a_third_generation_says_whose_time_it_takes(render):
    declared = [bot(name, overlap=DAY, max_age=30 * DAY) for name in ("bot", "over", "fix")]
    ends = (NOW + 23 * HOUR, NOW, NOW + HOUR)
    old = [
        recorded(key, retired_until=end, spec=replace(spec_of(key), valid_until=end))
        for key, end in zip(declared, ends, strict=True)
    ]
    current = [recorded(key, 2, issued=NOW - 40 * DAY) for key in declared]
    live = on(*(alive(record) for record in (*old, *current)))
    text = render(draw(wish(*declared), live, recorded=memory(*current, retired=old)))
    assert "2 overlaps end early; the last would have lasted until 2027-01-16T07:00:00Z." in text
    assert "early; the" not in render(PLANS["revoke"])


def test_what_a_key_could_do_is_said_before_it_is_revoked():
    text = plan_text.render(PLANS["revoke"], Paint())
    assert "could        query-funds, add-funds, withdraw-funds" in text


# --- what many keys have in common


def crowded(number):
    keys = [key_address("acme", f"bot-{n:02}") for n in range(number)]
    overlaps = tuple(Overlap(address=key, name=f"{key.name}.a7.g1", until=NOW + n) for n, key in enumerate(keys))
    findings = tuple(
        Finding(
            rule="contained-key-live",
            severity=Severity.WARNING,
            message=f"{key} is still live",
            hint=f"krakenctl revoke {key}",
            address=str(key),
        )
        for key in keys
    )
    return replace(PLANS["rotate"], overlaps=overlaps, findings=findings)


@pytest.mark.parametrize("render", [lambda plan: plan_text.render(plan, Paint(width=2000)), plan_markdown.render])
def test_what_many_keys_have_in_common_is_said_once(render):
    few, many = render(crowded(3)), render(crowded(17))
    assert (few.count("lives on until"), few.count("is still live")) == (3, 3)
    assert (many.count("lives on until"), many.count("is still live")) == (0, 1)
    assert "17 overlaps running, the first ends 2027-01-15T08:00:00Z" in many
    assert "… and 16 more" in many


def test_what_is_said_of_another_matter_is_not_drowned():
    mixed = [*crowded(9).findings, Finding(rule="unknown-key", severity=Severity.WARNING, message="look here")]
    text = plan_text.render(replace(crowded(9), findings=tuple(mixed)), Paint())
    assert "look here" in text


def test_the_json_has_them_all():
    told = planfile.to_json(crowded(17), with_now=True)
    assert (len(told["overlaps"]), len(told["findings"])) == (17, 17)
