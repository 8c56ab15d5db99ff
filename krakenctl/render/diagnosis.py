"""What a doctor found, as a table and as JSON. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from krakenctl.model.diagnosis import Diagnosed, Diagnosis, Health, Told
from krakenctl.render.paint import Paint, count, visible

FORMAT = "krakenctl.diagnosis/v1"  # schemas/diagnosis.schema.json
TOGETHER = 4  # accounts that are well; more of them are told in one line

_SIGNS = {
    Health.OK: ("✓", "green"),
    Health.WARNING: ("!", "yellow"),
    Health.PROBLEM: ("✗", "red"),
    Health.UNKNOWN: ("?", "yellow"),
    Health.SKIPPED: ("·", "dim"),
}
_COUNTED = {
    Health.PROBLEM: "problem",
    Health.WARNING: "warning",
    Health.UNKNOWN: "not known",
    Health.SKIPPED: "left out",
    Health.OK: "fine",
}


def to_json(diagnosis: Diagnosis) -> dict[str, Any]:
    counts = diagnosis.counts()
    return {
        "format": FORMAT,
        "results": [_result_json(result) for result in diagnosis.results],
        "counts": {health.value: counts[health] for health in Health},
        "calls": diagnosis.calls,
    }


def _result_json(result: Diagnosed) -> dict[str, Any]:
    told = result.told
    spoken = {"about": told.about, "hint": told.hint}
    return {
        "check": result.check,
        "verdict": told.health.value,
        "message": told.message,
        **{name: text for name, text in spoken.items() if text},
    }


def render(diagnosis: Diagnosis, paint: Paint) -> str:
    return "\n".join([*_lines(diagnosis, paint), "", _summary(diagnosis, paint)]) + "\n"


def _lines(diagnosis: Diagnosis, paint: Paint) -> Iterator[str]:
    width = max(len(result.title) for result in diagnosis.results)
    unseen = _unseen(diagnosis)
    for _, group in groupby(diagnosis.results, key=lambda result: result.check):
        results = [result for result in group if result.told not in unseen]
        well = [result for result in results if result.told.health is Health.OK and result.told.about]
        if len(well) > TOGETHER:
            results = [result for result in results if result not in well]
            yield _row(Health.OK, well[0].title, f"{len(well)} are well", width, paint)
        for result in results:
            yield from _result(result, width, paint)
    for told, titles in unseen.items():
        yield _row(told.health, "", f"{visible(told.message)}: {', '.join(titles)}", width, paint)


def _unseen(diagnosis: Diagnosis) -> dict[Told, list[str]]:
    """What kept several things from being looked at, with their titles: told once, at the end."""
    found: dict[Told, list[str]] = {}
    for result in diagnosis.results:
        if result.told.health in (Health.UNKNOWN, Health.SKIPPED) and not result.told.about:
            found.setdefault(result.told, []).append(result.title)
    return {told: titles for told, titles in found.items() if len(titles) > 1}


def _result(result: Diagnosed, width: int, paint: Paint) -> Iterator[str]:
    told = result.told
    about = f"{visible(told.about)}: " if told.about and told.about not in told.message else ""
    yield _row(told.health, result.title, about + visible(told.message), width, paint)
    if told.hint:
        yield "    " + " " * width + paint.wrapped(f"→ {visible(told.hint)}", indent=width + 6, first=width + 4)


def _row(health: Health, title: str, text: str, width: int, paint: Paint) -> str:
    sign, colour = _SIGNS[health]
    return f"{paint(sign, colour)} {title.ljust(width)}  {paint.wrapped(text, indent=width + 4)}"


def _summary(diagnosis: Diagnosis, paint: Paint) -> str:
    counts = diagnosis.counts()
    told = [_counted(health, counts[health]) for health in _COUNTED if counts[health]]
    worst = next((health for health in _COUNTED if counts[health]), Health.OK)
    asked = f"The exchange was asked {count(diagnosis.calls, 'time')}." if diagnosis.calls else "Nobody was called."
    return f"{paint(', '.join(told).capitalize() + '.', _SIGNS[worst][1], 'bold')} {asked}"


def _counted(health: Health, number: int) -> str:
    word = _COUNTED[health]
    return count(number, word) if health in (Health.PROBLEM, Health.WARNING) else f"{number} {word}"
