"""What became of a plan, as people read it."""

import re

import pytest

from golden import golden
from krakenctl.model.outcome import Event, Outcome, Report, Result
from krakenctl.model.plan import Action, Step, Verb
from krakenctl.render import report_json, report_text
from krakenctl.render.paint import Paint
from plan_builders import bot

ANSI = re.compile(r"\x1b\[[0-9;]*m")
ISSUED = Step(Verb.ISSUE, "b.a7.g2")

REPORT = Report(
    outcomes=(
        Outcome(address=bot("a").address, action=Action.CREATE, result=Result.DONE, live_name="a.a7.g1"),
        Outcome(address=bot("a2").address, action=Action.CREATE, result=Result.DONE, live_name="a2.a7.g1"),
        Outcome(address=bot("r").address, action=Action.ROTATE, result=Result.DONE, verdict="verified"),
        Outcome(
            address=bot("b").address,
            action=Action.REPLACE,
            result=Result.FAILED,
            code="exchange-answer-lost",
            message="the answer to issuing b.a7.g2 was lost. It is not tried again: the name b.a7.g2 is burned",
            hint="run plan: if the key came to be, it is shown and revoked, and the next generation is issued",
            steps_done=(ISSUED, Step(Verb.STORE, "b.a7.g2")),
        ),
        Outcome(
            address=bot("c").address,
            action=Action.BLOCKED,
            result=Result.BLOCKED,
            message="no room for it: limits.keysPerAccount is 2",
        ),
        Outcome(
            address=bot("d").address,
            action=Action.REVOKE,
            result=Result.SKIPPED,
            message="interrupted before its turn",
        ),
    )
)


def test_a_report_reads_as_it_did_when_somebody_last_read_it():
    shown = "\n".join(
        f"=== {width} ===\n\n{report_text.render(REPORT, Paint(width=width))}" for width in (60, 100, 160)
    )
    got, kept = golden("report.txt", shown)
    assert got == kept


@pytest.mark.parametrize("width", range(60, 161, 10))
def test_no_line_of_a_report_is_wider_than_the_terminal(width):
    assert max(map(len, report_text.render(REPORT, Paint(width=width)).splitlines())) <= width


def test_colours_are_on_top_of_the_same_report():
    coloured = report_text.render(REPORT, Paint(colour=True, width=70))
    assert "\x1b" in coloured
    assert ANSI.sub("", coloured) == report_text.render(REPORT, Paint(width=70))


def test_what_went_well_is_only_counted():
    assert report_text.render(Report(outcomes=REPORT.outcomes[:3]), Paint()) == (
        "3 changes done (2 created, 1 rotated).\n"
    )


def test_an_empty_report_is_a_sentence_too():
    assert report_text.render(Report(outcomes=()), Paint()) == "0 changes done.\n"


def test_machines_are_told_every_outcome_and_the_counts():
    told = report_json.to_json(REPORT)
    assert told["summary"] == {"done": 3, "failed": 1, "blocked": 1, "skipped": 1}
    assert [row["address"] for row in told["outcomes"]] == [str(o.address) for o in REPORT.outcomes]
    assert told["outcomes"][3]["stepsDone"] == [
        {"verb": "issue", "name": "b.a7.g2"},
        {"verb": "store", "name": "b.a7.g2"},
    ]


@pytest.mark.parametrize(("result", "sign"), [(Result.DONE, "✓"), (Result.FAILED, "✗")])
def test_progress_is_one_line_per_step(result, sign):
    line = report_text.event(Event(address=bot().address, step=ISSUED, result=result, message="a\nb"), Paint())
    assert line == f"{sign} ApiKey/acme/bot  issue b.a7.g2: a�b"


@pytest.mark.parametrize(("result", "sign"), [(Result.DONE, "?"), (Result.FAILED, "✗")])
def test_what_somebody_says_is_done_has_no_tick(result, sign):
    happened = Event(address=bot().address, step=Step(Verb.UPDATE, "b"), result=result)
    assert report_text.event(happened, Paint(), is_said=True).startswith(f"{sign} ApiKey/acme/bot  update b")
