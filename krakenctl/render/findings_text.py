"""Findings for a terminal: `file:line:column  error  rule` and a sentence. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from krakenctl.model.finding import Finding, Severity
from krakenctl.model.origin import Origin
from krakenctl.render.paint import NARROWEST, Paint, count, visible

_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTE: "cyan"}


def render(findings: Sequence[Finding], paint: Paint, closing: str) -> str:
    """All findings, then a count of each severity (or `closing` when there is none)."""
    lines = list(finding_lines(findings, paint))
    if lines:
        lines.append("")
    lines.append(_summary(findings) or paint(closing, "green"))
    return "\n".join(lines) + "\n"


def finding_lines(findings: Sequence[Finding], paint: Paint) -> Iterator[str]:
    for finding in findings:
        yield _head(finding, paint)
        yield "    " + paint.wrapped(_sentence(finding.message), indent=4)
        if finding.hint:
            yield "    " + paint.wrapped(_sentence(finding.hint), indent=4)
        for text, origin in finding.related:
            yield "      " + paint.wrapped(visible(text) + _spot(origin), indent=8, first=6)


def _head(finding: Finding, paint: Paint) -> str:
    severity, rule = finding.severity.value, visible(finding.rule)
    said = f"{paint(severity, _COLOURS[finding.severity], 'bold')} {paint(rule, 'dim')}"
    if not finding.origin:
        return said
    where = visible(str(finding.origin))
    fits = len(f"{where} {severity} {rule}") <= max(paint.width, NARROWEST)
    return where + (" " if fits else "\n    ") + said


def _spot(origin: object) -> str:
    return f" ({visible(str(origin))})" if isinstance(origin, Origin) else ""


def _sentence(text: str) -> str:
    clean = visible(text)
    if clean.endswith((".", "?", "!")):
        return clean
    return clean + ("?" if clean.startswith("did you mean") and "?" not in clean else ".")


def _summary(findings: Sequence[Finding]) -> str:
    counts = {severity: sum(f.severity is severity for f in findings) for severity in Severity}
    return ", ".join(count(number, severity.value) for severity, number in counts.items() if number)
