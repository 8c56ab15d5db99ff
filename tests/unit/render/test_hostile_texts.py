"""Names on Kraken are given by anybody, and a plan file may come from anybody: no text of theirs forges output."""

import dataclasses
import html
import re
from enum import Enum

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from krakenctl.model.finding import Finding
from krakenctl.model.origin import Origin
from krakenctl.model.outcome import Outcome, Report, Result
from krakenctl.model.plan import Action, Step, Verb
from krakenctl.render import findings_text, plan_markdown, plan_text, report_text, state
from krakenctl.render.paint import Paint, visible
from plan_builders import alive, bot, draw, on, recorded, stranger, wish
from plan_builders import memory as remember
from plan_scenes import plans

PLANS = plans()
ANSI = re.compile(r"\x1b\[[0-9;]*m")
FORGERIES = [
    "\x1b[2K\x1b[1AAll is well",
    "a\nNo changes. What is live is what is declared.",
    "a\r\n",
    "\u202egnol-elihw-a",
    "\u2028x",
    "\x9b31m",
    "\x00\x07\x08",
    "\ud800",
]
hostile = st.sampled_from(FORGERIES) | st.text(max_size=12)


def everywhere(value, change):
    """The same value with every text in it changed, whoever may have written it."""
    if isinstance(value, Enum):
        return value
    if isinstance(value, str):
        return change(value)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(everywhere(part, change) for part in value))
    if isinstance(value, (tuple, list)):
        return type(value)(everywhere(part, change) for part in value)
    if dataclasses.is_dataclass(value):
        fields = {f.name: everywhere(getattr(value, f.name), change) for f in dataclasses.fields(value)}
        return dataclasses.replace(value, **fields)
    return value


def keeping_kinds(change):
    """Words that our own code compares stay what they are: a plan file with others is refused."""
    ours = {"Account", "SubAccount", "ApiKey", "sandbox", "permissions", "expires", "ipAllowlist", "secret", "any"}
    return lambda text: text if text in ours else change(text)


@settings(max_examples=40, deadline=None)
@given(name=st.sampled_from(sorted(PLANS)), forgery=hostile, width=st.sampled_from([60, 100]))
def test_no_text_in_a_plan_can_move_the_cursor_or_add_a_line(name, forgery, width):
    forged = everywhere(PLANS[name], keeping_kinds(lambda text: text + forgery))
    harmless = everywhere(PLANS[name], keeping_kinds(lambda text: text + visible(forgery)))
    text = plan_text.render(forged, Paint(width=width))
    assert all(char == "\n" or char.isprintable() for char in text)
    assert text == plan_text.render(harmless, Paint(width=width))


@settings(max_examples=40, deadline=None)
@given(name=st.sampled_from(sorted(PLANS)), forgery=hostile)
def test_with_colours_stripped_the_text_is_the_uncoloured_text(name, forgery):
    forged = everywhere(PLANS[name], keeping_kinds(lambda text: text + forgery))
    coloured = plan_text.render(forged, Paint(colour=True, width=70))
    assert ANSI.sub("", coloured) == plan_text.render(forged, Paint(width=70))


MARKDOWN = [
    "<script>alert(1)</script>",
    "<!--",
    "</details>",
    "![x](https://evil.example/x.png)",
    "[click](https://evil.example)",
    "https://evil.example",
    "www.evil.example",
    "@everyone",
    "#1",
    "GH-1",
    "| forged | row |",
    "`code`",
    "``",
    "**bold** __bold__ ~~gone~~ $x$",
    "a\n## Approved",
    "\\",
    "\\|",
    "&lt;b&gt;",
    "\u202e",
]


@pytest.mark.parametrize("forgery", MARKDOWN)
@pytest.mark.parametrize("name", PLANS)
def test_no_text_in_a_plan_can_forge_markdown(name, forgery):
    forged = everywhere(PLANS[name], keeping_kinds(lambda text: text + forgery))
    text = plan_markdown.render(forged)
    assert len(text.splitlines()) == len(plan_markdown.render(PLANS[name]).splitlines())
    unlinked = text.replace("&#8203;", "\u200b")
    loose = re.sub(r"(\\.)|`[^`\n]*`", r"\1", unlinked)  # not in a code span
    outside = re.sub(r"\\.", "", loose)  # nor escaped
    own = re.sub(r"</?(details|summary)>|<br>", "", outside)
    assert not re.search(r"[<>]|!\[|\]\(|~~|\$x", own)
    assert not re.search(r"@\w|#\d|://|\bwww\.|\bgh-", loose, re.IGNORECASE)
    assert own.count("`") == 0
    assert outside.count("<details>") == outside.count("</details>") <= 1
    for row in (line for line in text.splitlines() if line.startswith("| ")):
        assert len(re.findall(r"(?<!\\)(?:\\\\)*\|", row)) == 5


def test_what_was_escaped_is_still_readable():
    live = on(stranger("<b>|x|</b>"))
    line = plan_markdown.render(draw(wish(), live)).splitlines()[-3]
    assert "<b>|x|</b>" in html.unescape(line).replace("\\", "")


def test_a_strangers_name_with_an_escape_sequence_is_shown_with_its_teeth_drawn():
    text = plan_text.render(draw(wish(), on(stranger("\x1b[31mred"))), Paint())
    assert "“�[31mred”" in text


@given(forgery=hostile)
def test_findings_reports_and_state_cannot_be_forged_either(forgery):
    finding = Finding(
        rule="r", message=forgery, hint=forgery, origin=Origin(forgery, 1), related=(("x", Origin(forgery)),)
    )
    step = Step(Verb.ISSUE, forgery)
    outcome = Outcome(
        address=bot().address,
        action=Action.CREATE,
        result=Result.FAILED,
        message=forgery,
        hint=forgery,
        steps_done=(step,),
    )
    record = recorded(bot(), live_name=forgery)
    for text in (
        findings_text.render([finding], Paint(), "fine"),
        report_text.render(Report(outcomes=(outcome,)), Paint()),
        state.render(remember(record), Paint()),
        state.one_text(state.one_json(remember(record), str(record.address)), Paint()),
    ):
        assert all(char == "\n" or char.isprintable() for char in text)
    assert alive(record).name == forgery
