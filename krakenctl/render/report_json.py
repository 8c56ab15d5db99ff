"""What became of a plan, for machines. Pure. Schema: schemas/report.schema.json."""

from __future__ import annotations

from typing import Any

from krakenctl.model.finding_json import finding_json
from krakenctl.model.outcome import Outcome, Report, Result
from krakenctl.render.recovery import recovered_json

FORMAT = "krakenctl.report/v1"


def to_json(report: Report) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "summary": {result.value: report.count(result) for result in Result},
        **({"recovered": [recovered_json(one) for one in report.recovered]} if report.recovered else {}),
        "outcomes": [_outcome(outcome) for outcome in report.outcomes],
        **({"findings": [finding_json(finding) for finding in report.findings]} if report.findings else {}),
        **({"logHead": report.log_head} if report.log_head else {}),
    }


def _outcome(outcome: Outcome) -> dict[str, Any]:
    raw = {
        "address": str(outcome.address),
        "action": outcome.action.value,
        "result": outcome.result.value,
        "code": outcome.code,
        "message": outcome.message,
        "hint": outcome.hint,
        "verdict": outcome.verdict,
        "liveName": outcome.live_name,
    }
    steps = [{"verb": step.verb.value, "name": step.name} for step in outcome.steps_done]
    return {**{name: value for name, value in raw.items() if value}, "stepsDone": steps}
