"""What tells the changes of a saved plan from those of a fresh one, for people. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from krakenctl.model.plan import Change, NewKey
from krakenctl.model.time import show_duration, show_time
from krakenctl.model.written import FIELDS, as_written, show_secret


def difference(was: Sequence[Change], now: Sequence[Change]) -> str:
    """Value by value where both would do the same; else what each would do."""
    parts: list[str] = []
    if [change.action for change in was] == [change.action for change in now]:
        parts = [part for before, after in zip(was, now, strict=True) for part in _between(before, after)]
    return "; ".join(parts) or f"planned {_summary(was)}, now {_summary(now)}"


def _between(was: Change, now: Change) -> Iterator[str]:
    """The key that is there, the one that is to come, and how they take turns. If it is none of that: the fields."""
    parts = [
        *_compare(_live(was), _live(now)),
        *_compare(_wanted(was), _wanted(now)),
        *_compare(_turns(was), _turns(now)),
    ]
    yield from parts or _compare(_fields(was), _fields(now))


def _compare(was: Mapping[str, object], now: Mapping[str, object]) -> Iterator[str]:
    for name in dict.fromkeys((*was, *now)):
        before, after = was.get(name), now.get(name)
        if before != after:
            yield f"{name}: planned {_value(before)}, now {_value(after)}"


def _live(change: Change) -> dict[str, Any]:
    if change.old is None:
        return {"the live key": "none"}
    created = f", created at {show_time(change.old.created)}" if change.old.created else ""
    values = {name: value for name, value in as_written(change.old.spec, None).items() if name != "secret"}
    key = {"the live key": f"{change.old.name}{created}"}
    return key | {f"{name} of the live key": _or(value, "not set") for name, value in values.items()}


def _wanted(change: Change) -> dict[str, Any]:
    if change.new is None:
        return {"secret": show_secret(change.secret)}
    values = as_written(change.new.spec, change.secret, change.new.valid_for) | _unmanaged(change.new)
    return {"the new key": change.new.name, **values}


def _unmanaged(new: NewKey) -> dict[str, None]:
    return {name: None for name, part in FIELDS.items() if part not in new.managed}


def _turns(change: Change) -> dict[str, Any]:
    return {
        "account": change.account,
        "steps": ", ".join(f"{step.verb.value} {step.name}" for step in change.steps) or "none",
        "order": change.strategy.value if change.strategy else "none",
        "overlap": show_duration(change.overlap),
        "waits for": str(change.waits_for or "nothing"),
        "rotation.trigger": change.trigger or "none",
        "protect": change.protect,
        "recorded as": str(change.renamed_from or change.address),
    }


def _fields(change: Change) -> dict[str, Any]:
    """Also what is recorded only shows here."""
    return {
        f"{field.field} ({side})": value
        for field in change.fields
        for side, value in (("before", field.before), ("after", field.after))
    }


def _or(value: object, otherwise: str) -> object:
    return otherwise if value is None else value


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value)) or "none"
    return "as it is" if value is None else str(value)


def _summary(changes: Sequence[Change]) -> str:
    if not changes:
        return "nothing to do"
    return " and ".join(f"{c.action.value} ({', '.join(f.field for f in c.fields) or 'no field'})" for c in changes)
