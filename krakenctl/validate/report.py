"""Gathers findings, and says how a finding about a spot in a document is made. It never decides what is wrong."""

from __future__ import annotations

from collections.abc import Iterable

from krakenctl.model.finding import Finding, Severity
from krakenctl.model.origin import Origin, Place

Related = tuple[tuple[str, Origin | Place], ...]
Report = list[Finding]


def error(
    rule: str, place: Place, message: str, *, hint: str = "", address: object = "", related: Related = ()
) -> Finding:
    return Finding(rule=rule, message=message, hint=hint, place=place, address=str(address), related=related)


def warning(
    rule: str, place: Place, message: str, *, hint: str = "", address: object = "", related: Related = ()
) -> Finding:
    return Finding(
        rule=rule, message=message, hint=hint, place=place, address=str(address), related=related,
        severity=Severity.WARNING,
    )  # fmt: skip


def has_errors(findings: Iterable[Finding]) -> bool:
    return any(finding.severity is Severity.ERROR for finding in findings)


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Each finding once, in the order in which a reader meets their places."""
    unique = {(finding.rule, finding.place, finding.message): finding for finding in findings}
    return tuple(sorted(unique.values(), key=_position))


def _position(finding: Finding) -> tuple[str, int, tuple[tuple[bool, int, str], ...], str, str]:
    place = finding.place or Place("", 0)
    steps = tuple((isinstance(step, str), step if isinstance(step, int) else 0, str(step)) for step in place.path)
    return place.file, place.document, steps, finding.rule, finding.message
