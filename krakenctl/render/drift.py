"""Where live, recorded and desired part: for a terminal and as JSON. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from krakenctl.model.drift import Drift, Drifted, DriftSight, FieldDrift, Kind, Mends
from krakenctl.model.finding import Severity
from krakenctl.model.finding_json import finding_json
from krakenctl.model.time import show_time
from krakenctl.render import words
from krakenctl.render.paint import Paint, count, visible

FORMAT = "krakenctl.drift/v1"
MANY = 50  # of a kind, that are told one by one; the JSON has them all
_COLOURS = {Mends.APPLY: "yellow", Mends.RECOVER: "yellow", Mends.TIME: "cyan", Mends.PERSON: "red"}
_SEVERE = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTE: "cyan"}
# What every format says


def summary(found: Drifted) -> str:
    """`2 changed · 1 missing`, in the order of kinds."""
    counts = Counter(drift.kind for drift in found.drifts)
    unasked = sum(len(sight.unasked) for sight in found.sights)
    blind = f"; {count(unasked, 'key')} could not be asked, and {'is' if unasked == 1 else 'are'} taken as recorded"
    clean = f"No {'other ' if found.ignored else ''}drift in what was seen{blind if unasked else ''}."
    return " · ".join(f"{counts[kind]} {kind}" for kind in Kind if counts[kind]) or clean


def grouped(found: Drifted) -> Iterator[tuple[Sequence[Drift], int]]:
    """Account by account and kind by kind, and how many more of this kind are not told."""
    told: Counter[Kind] = Counter()
    for _, group in groupby(found.drifts, key=lambda drift: (drift.account, drift.kind)):
        drifts = list(group)
        shown = drifts[: max(MANY - told[drifts[0].kind], 0)]
        told[drifts[0].kind] += len(shown)
        yield shown, len(drifts) - len(shown)


def head(drift: Drift) -> str:
    """Which key it is about."""
    if drift.address is not None:
        return str(drift.address)
    return f"{drift.account}: {visible(drift.name)}" if drift.name else drift.account


def when(drift: Drift) -> str:
    """All times that are known; empty: none."""
    times = {"since": drift.since, "modified": drift.modified, "last sent": drift.sent}
    if drift.since == drift.modified or drift.kind is Kind.UNMANAGED:
        del times["since"]
    if drift.modified and drift.modified == drift.sent:
        del times["modified"]
    return ", ".join(f"{word} {show_time(at)}" for word, at in times.items() if at)


def field(row: FieldDrift, drift: Drift) -> str:
    """The three. What is live is told where it differs from what was sent: there may be no such key."""
    declared = "not declared" if not row.managed else f"declared {words.value(row.desired)}"
    live = [f"live {words.value(row.live)}"] if drift.kind is Kind.CHANGED else [] if row.asked else ["live not asked"]
    known = "sent" if drift.sent else "recorded"
    return " · ".join([declared, f"{known} {words.value(row.recorded)}", *live])


def coverage(found: Drifted) -> Iterator[tuple[str, str]]:
    """Accounts of which as much was seen, and how much that is."""
    by_words: dict[str, list[str]] = {}
    for sight in found.sights:
        by_words.setdefault(_sight(sight), []).append(sight.account)
    for said, names in by_words.items():
        yield _some(names), said


def _sight(sight: DriftSight) -> str:
    reason = f" ({visible(sight.reason)})" if sight.reason else ""
    return f"{words.SEEN[sight.coverage]}{reason}{_unasked(sight)}"


def _unasked(sight: DriftSight) -> str:
    by_reason: dict[str, list[str]] = {}
    for name, why in sorted(sight.unasked.items()):
        by_reason.setdefault(why, []).append(name)
    told = (f"; taken as recorded: {_some(names)} ({visible(why)})" for why, names in by_reason.items())
    return "".join(told)


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - words.FEW} more" if len(names) > words.FEW else ""
    return ", ".join(map(visible, names[: words.FEW])) + more


def asides(found: Drifted) -> Iterator[str]:
    """What was left out, and what could not be read."""
    if found.ignored:
        told = ", ".join(f"{number} {kind}" for kind, number in sorted(found.ignored.items()))
        yield f"Left out, as asked for: {told}."
    if found.adopted:
        yield f"Adopted without their secrets, which only their consumers have: {_some(found.adopted)}."
    for problem in found.unread:
        yield f"{problem[0].upper()}{problem[1:]}; whether secrets are kept there was not compared."
    if found.flags and any(drift.mends is Mends.APPLY for drift in found.drifts):
        yield f"An apply of all this goes beyond a safety limit: `krakenctl apply {found.flags}`."


# A terminal


def text(found: Drifted, paint: Paint) -> str:
    return "\n".join(_lines(found, paint)) + "\n"


def _lines(found: Drifted, paint: Paint) -> Iterator[str]:
    yield f"{paint(visible(found.workspace), 'bold')} on {found.endpoint}, {show_time(found.at)}"
    yield ""
    for drifts, more in grouped(found):
        for drift in drifts:
            yield from _drift(drift, paint)
        if more:
            yield paint(f"… and {more} more of these (`krakenctl drift -o json` names them all)", "dim")
            yield ""
    is_clean = not found.drifts and not any(sight.unasked for sight in found.sights)
    yield paint(summary(found), "green" if is_clean else "bold")
    for names, said in coverage(found):
        yield paint(paint.wrapped(f"{names}: {said}.", indent=2, first=0), "dim")
    for aside in asides(found):
        yield paint.wrapped(aside, indent=2, first=0)


def _drift(drift: Drift, paint: Paint) -> Iterator[str]:
    yield f"{paint(drift.kind.value, _COLOURS[drift.mends], 'bold')}  {paint(head(drift), 'bold')}"
    times = when(drift)
    yield "    " + paint.wrapped(visible(drift.message) + (f" ({times})" if times else ""), indent=4)
    for row in drift.fields:
        yield "    " + paint.wrapped(f"{row.field}: {field(row, drift)}", indent=6, first=4)
    for risk in drift.risks:
        yield f"    {paint(risk.rule, _SEVERE[risk.severity])}: " + paint.wrapped(
            visible(risk.message), indent=6, first=6 + len(risk.rule)
        )
    yield "    → " + paint.wrapped(visible(drift.do), indent=6)
    yield ""


# JSON


def as_json(found: Drifted) -> dict[str, Any]:
    counts = Counter(drift.kind for drift in found.drifts)
    return {
        "format": FORMAT,
        "workspace": found.workspace,
        "endpoint": found.endpoint,
        "at": show_time(found.at),
        "counts": {kind.value: counts[kind] for kind in Kind if counts[kind]},
        "drifts": [_drift_json(drift) for drift in found.drifts],
        "ignored": dict(sorted(found.ignored.items())),
        "coverage": [_sight_json(sight) for sight in found.sights],
        "adopted": list(found.adopted),
        "unread": list(found.unread),
        "flags": found.flags,
    }


def _drift_json(drift: Drift) -> dict[str, Any]:
    return {
        "kind": drift.kind.value,
        "account": drift.account,
        "address": str(drift.address) if drift.address else None,
        "name": drift.name,
        "message": drift.message,
        "fields": [_field_json(row) for row in drift.fields],
        "since": _time(drift.since),
        "modified": _time(drift.modified),
        "sent": _time(drift.sent),
        "mends": drift.mends.value,
        "do": drift.do,
        "risks": [finding_json(risk) for risk in drift.risks],
    }


def _field_json(row: FieldDrift) -> dict[str, Any]:
    three = {"desired": row.desired, "recorded": row.recorded, "live": row.live}
    return {"field": row.field, **three, "managed": row.managed, "asked": row.asked}


def _sight_json(sight: DriftSight) -> dict[str, Any]:
    return {
        "account": sight.account,
        "coverage": sight.coverage.value,
        "keys": sight.keys,
        "reason": sight.reason,
        "unasked": dict(sorted(sight.unasked.items())),
    }


def _time(seconds: int) -> str | None:
    return show_time(seconds) if seconds else None
