"""An entry of the knowledge, for a terminal and as JSON; lists of what there is; what a log holds. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from krakenctl.knowledge.facts import Endpoint, Entry, ErrorString, Facts, PermissionFacts, Word
from krakenctl.knowledge.needs import Needs
from krakenctl.knowledge.strings import Seen, without_secrets
from krakenctl.model.permission import SCOPE_PREFIX, SPELLINGS, in_order
from krakenctl.render.paint import Paint, count, visible

FORMAT = "krakenctl.explanation/v1"
LOG_FORMAT = "krakenctl.explanation-log/v1"
LIST_FORMAT = "krakenctl.explanation-list/v1"
_RETRY = {
    "no": "no: the same call fails again until something is mended",
    "once": "once, with a higher nonce",
    "wait": "after a pause, not before",
    "look-first": "only after you have looked whether it was done",
}
_CALLED = {
    "rule": "a finding of krakenctl",
    "drift": "a kind of drift",
    "check": "a check of krakenctl doctor",
    "verdict": "a verdict of krakenctl verify",
    "coverage": "how much of an account's keys is seen",
    "code": "an error code of krakenctl",
    "exit": "an exit code of krakenctl",
    "limit": "a safety limit of krakenctl",
    "topic": "a word about keys",
    "category": "a family of Kraken's errors",
}


def as_text(entries: Sequence[Entry], facts: Facts, paint: Paint) -> str:
    return "\n".join("\n".join(_entry(entry, facts, paint)) + "\n" for entry in entries)


def as_json(asked: str, entries: Sequence[Entry], facts: Facts) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "asked": visible(without_secrets(asked)),
        "entries": [_json(entry, facts) for entry in entries],
    }


def log_text(seen: Sequence[Seen], lines: int, facts: Facts, paint: Paint) -> str:
    if not seen:
        return f"No error string of Kraken's in {count(lines, 'line')}.\n"
    head = f"{count(len(seen), 'distinct error')} of Kraken's in {count(lines, 'line')}."
    table = [f"{each.count:>7} × {visible(each.error.code)}" for each in seen] if len(seen) > 1 else []
    return "\n".join([head, *table, "", *("\n".join(_seen(each, facts, paint)) + "\n" for each in seen)])


def log_json(seen: Sequence[Seen], lines: int, facts: Facts) -> dict[str, Any]:
    rows = [{"count": each.count, "firstLine": each.line, **_json(each.error, facts)} for each in seen]
    return {"format": LOG_FORMAT, "lines": lines, "errors": rows}


def list_text(rows: Sequence[tuple[str, str, str]], paint: Paint) -> str:
    """`rows`: kind, what to ask for, what it means."""
    return "\n".join(_listed(kind, [row[1:] for row in rows if row[0] == kind], paint) for kind in _kinds(rows))


def list_json(rows: Sequence[tuple[str, str, str]]) -> dict[str, Any]:
    return {
        "format": LIST_FORMAT,
        "entries": [{"kind": kind, "code": code, "means": means} for kind, code, means in rows],
    }


def _kinds(rows: Iterable[tuple[str, str, str]]) -> list[str]:
    return list(dict.fromkeys(kind for kind, _, _ in rows))


def _listed(kind: str, rows: Sequence[tuple[str, str]], paint: Paint) -> str:
    width = min(max(len(code) for code, _ in rows), 34)
    lines = [paint(kind, "bold")]
    for code, means in rows:
        gap = " " * max(width - len(code), 0)
        lines.append(f"  {paint(code, 'cyan')}{gap}  {paint.wrapped(means, indent=6, first=max(width, len(code)) + 4)}")
    return "\n".join(lines) + "\n"


def _seen(each: Seen, facts: Facts, paint: Paint) -> Iterator[str]:
    lines = _entry(each.error, facts, paint)
    first = "in" if each.count == 1 else "first in"
    yield next(lines)
    yield paint(f"{count(each.count, 'line')}, {first} line {each.line}", "dim")
    yield from lines


def _entry(entry: Entry, facts: Facts, paint: Paint) -> Iterator[str]:
    match entry:
        case ErrorString():
            yield from _error(entry, facts, paint)
        case PermissionFacts():
            yield from _permission(entry, facts, paint)
        case Endpoint():
            yield from _endpoint(entry, facts, paint)
        case Word():
            yield from _word(entry, facts, paint)


def _error(error: ErrorString, facts: Facts, paint: Paint) -> Iterator[str]:
    yield from _head(error.code, "an error string of Kraken's", error.means, paint)
    yield from _listing("What causes it, the likeliest first", error.causes, paint, numbered=True)
    yield from _listing("What to do", error.do, paint)
    if error.known:
        yield _line("Try again", _RETRY[error.retry], paint)
    if error.locks:
        yield _line("Mind", "failures like this in a row lock the account for minutes", paint)
    yield from _end(error.doubt, error.sources, facts, paint)


def _permission(entry: PermissionFacts, facts: Facts, paint: Paint) -> Iterator[str]:
    spelling = SPELLINGS[entry.code]
    yield from _head(
        entry.code.value, f"a permission: {spelling.risk.value}", f"a key with it may {entry.words}", paint
    )
    yield _line("Risk", entry.risks, paint)
    yield _line("On the website", spelling.label, paint)
    if spelling.flag:
        yield _line("Through Connect", f"flag {spelling.flag}, scope {SCOPE_PREFIX}{spelling.scope}", paint)
    else:
        yield _line("Through Connect", "cannot be granted; only the website can", paint)
    yield from _unlocks(entry, facts, paint)
    if entry.elsewhere:
        yield _line("Elsewhere", entry.elsewhere, paint)
    yield from _listing("To know", entry.notes, paint)
    yield from _end("", entry.sources, facts, paint)


def _unlocks(entry: PermissionFacts, facts: Facts, paint: Paint) -> Iterator[str]:
    unlocked = facts.unlocked_by(entry.code)
    for heading, changes in (("Lets it do", True), ("Lets it see", False)):
        rows = [(each, beside) for each, beside in unlocked.items() if each.changes is changes]
        if rows:
            yield paint(heading, "bold")
        for each, beside in rows:
            text = f"{each.does}{f' ({beside})' if beside else ''}"
            yield "  " + paint.beside((_named(each), "cyan"), (text,), indent=6)


def _named(endpoint: Endpoint) -> str:
    return endpoint.name if endpoint.path.startswith("/0/private/") else endpoint.call


def _endpoint(entry: Endpoint, facts: Facts, paint: Paint) -> Iterator[str]:
    yield from _head(entry.call, "a call of Kraken's" if entry.changes else "a call that only tells", entry.does, paint)
    unless = f"; nothing but a valid key when it is {entry.unless}" if entry.unless else ""
    yield _line("Needs", f"{entry.needs}{unless}", paint)
    if entry.guide is not None:
        always = ", always" if entry.unless else ""
        yield _line("Disputed", f"so says Kraken's reference; its guide says {entry.guide}{always}", paint)
    yield _line("Cost", _cost(entry), paint)
    if entry.note:
        yield _line("To know", entry.note, paint)
    for permission in in_order(entry.needs.named):
        yield _line(permission.value, facts.permissions[permission].risks, paint)
    yield from _end(entry.doubt, entry.sources, facts, paint)


def _cost(entry: Endpoint) -> str:
    if entry.cost_is == "unknown":
        return "not known"
    others = [f"{cost}" for cost in (entry.cost_low, entry.cost_high) if cost is not None]
    also = f" (some say {' or '.join(others)})" if others else ""
    orders = "; orders have limits of their own" if entry.cost == 0 else ""
    inferred = " (inferred)" if entry.cost_is == "inferred" else ""
    return f"{entry.cost}{inferred} on the key's call counter{also}{orders}"


def _word(entry: Word, facts: Facts, paint: Paint) -> Iterator[str]:
    title = f"exit {entry.code}" if entry.kind == "exit" else f"E{entry.code}:…" if _is_family(entry) else entry.code
    yield from _head(title, _CALLED[entry.kind], entry.means, paint)
    if entry.why:
        yield _line("Why", entry.why, paint)
    yield from _listing("To know", entry.facts, paint)
    yield from _listing("What to do", entry.do, paint)
    yield from _end("", entry.sources, facts, paint)


def _is_family(entry: Word) -> bool:
    return entry.kind == "category"


def _head(code: str, called: str, means: str, paint: Paint) -> Iterator[str]:
    yield paint.beside((visible(code), "bold"), (f"– {called}", "dim"), indent=2, between=" ")
    yield "  " + paint.wrapped(_sentence(means), indent=2)


def _listing(heading: str, texts: Sequence[str], paint: Paint, *, numbered: bool = False) -> Iterator[str]:
    if texts:
        yield paint(heading, "bold")
    for number, text in enumerate(texts, 1):
        mark = f"{number}." if numbered else "-"
        yield f"  {mark} " + paint.wrapped(text, indent=len(mark) + 3)


def _line(heading: str, text: str, paint: Paint) -> str:
    return f"{paint(f'{heading}:', 'bold')} {paint.wrapped(text, indent=2, first=len(heading) + 2)}"


def _end(doubt: str, sources: Sequence[str], facts: Facts, paint: Paint) -> Iterator[str]:
    if doubt:
        yield _line("Not settled", doubt, paint)
    if sources:
        yield paint(f"Sources: {paint.wrapped('; '.join(_told(sources, facts)), indent=2, first=9)}", "dim")


def _told(sources: Sequence[str], facts: Facts) -> list[str]:
    return [facts.sources[source] for source in sources]


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _json(entry: Entry, facts: Facts) -> dict[str, Any]:
    match entry:
        case ErrorString():
            return _error_json(entry, facts)
        case PermissionFacts():
            return _permission_json(entry, facts)
        case Endpoint():
            return _endpoint_json(entry, facts)
        case Word():
            return _word_json(entry, facts)


def _error_json(error: ErrorString, facts: Facts) -> dict[str, Any]:
    return {
        "kind": "error",
        "code": visible(error.code),
        "means": error.means,
        "known": error.known,
        "causes": list(error.causes),
        "do": list(error.do),
        "retry": error.retry,
        "locks": error.locks,
        "doubt": error.doubt,
        "sources": _told(error.sources, facts),
    }


def _permission_json(entry: PermissionFacts, facts: Facts) -> dict[str, Any]:
    spelling = SPELLINGS[entry.code]
    unlocked = facts.unlocked_by(entry.code).items()
    return {
        "kind": "permission",
        "code": entry.code.value,
        "means": entry.words,
        "risk": spelling.risk.value,
        "risks": entry.risks,
        "label": spelling.label,
        "flag": spelling.flag,
        "scope": spelling.scope and SCOPE_PREFIX + spelling.scope,
        "guide": entry.guide,
        "unlocks": [{"call": each.call, "changes": each.changes, "needs": _needs(each.needs)} for each, _ in unlocked],
        "elsewhere": entry.elsewhere,
        "notes": list(entry.notes),
        "sources": _told(entry.sources, facts),
    }


def _endpoint_json(entry: Endpoint, facts: Facts) -> dict[str, Any]:
    known = entry.cost_is != "unknown"
    low, high = entry.cost_low, entry.cost_high
    return {
        "kind": "endpoint",
        "code": entry.call,
        "means": entry.does,
        "needs": _needs(entry.needs),
        "unless": entry.unless,
        "guide": None if entry.guide is None else _needs(entry.guide),
        "cost": entry.cost if known else None,
        "costIs": entry.cost_is,
        "costLow": (entry.cost if known else None) if low is None else low,
        "costHigh": (entry.cost if known else None) if high is None else high,
        "changes": entry.changes,
        "note": entry.note,
        "doubt": entry.doubt,
        "sources": _told(entry.sources, facts),
    }


def _needs(needs: Needs) -> list[list[str]]:
    """Each inner list is enough alone; an empty one is any valid key."""
    return [[permission.value for permission in in_order(way)] for way in needs.ways]


def _word_json(entry: Word, facts: Facts) -> dict[str, Any]:
    return {
        "kind": entry.kind,
        "code": entry.code,
        "means": entry.means,
        "why": entry.why,
        "stage": entry.stage,
        "facts": list(entry.facts),
        "do": list(entry.do),
        "sources": _told(entry.sources, facts),
    }
