"""A `Finding` as JSON, the same in plans, `validate -o json` and error envelopes. Pure."""

from __future__ import annotations

from typing import Any

from krakenctl.model.finding import Finding
from krakenctl.model.origin import Origin


def finding_json(finding: Finding) -> dict[str, Any]:
    """What is absent is left out; `file`, `line` and `column` stand beside the message."""
    related = [{"message": text, **_origin(where)} for text, where in finding.related if isinstance(where, Origin)]
    raw = {
        "hint": finding.hint,
        "address": finding.address,
        "addresses": list(finding.addresses),
        **(_origin(finding.origin) if finding.origin else {}),
        "related": related,
    }
    always = {"rule": finding.rule, "severity": finding.severity.value, "message": finding.message}
    return {**always, **{name: value for name, value in raw.items() if value}}


def _origin(origin: Origin) -> dict[str, Any]:
    known = {name: number for name, number in (("line", origin.line), ("column", origin.column)) if number}
    return {"file": origin.file, **known}
