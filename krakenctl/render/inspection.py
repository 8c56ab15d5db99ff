"""Keys that were asked about themselves: for a terminal, a table where they are several, and as JSON. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from krakenctl.model.description import CLOCKS, Description, NonceScale
from krakenctl.model.finding import Finding, Severity
from krakenctl.model.finding_json import finding_json
from krakenctl.model.inspection import UNTOLD, Alive, Described, Inspection, Meaning, Undescribed, short
from krakenctl.model.key_json import spec_to_json
from krakenctl.model.permission import SPELLINGS, Risk
from krakenctl.model.span import seen_from
from krakenctl.model.time import show_time
from krakenctl.model.verification import Probed, Verdict
from krakenctl.render.findings_text import finding_lines
from krakenctl.render.paint import Paint, count, visible

_LABEL = 13  # columns of “Nonce window ”
_SHOWN = 8  # calls that a permission unlocks; `krakenctl explain` knows them all
_JUST_NOW = 120  # seconds: a use so near may be the question itself
_ALIVE = (
    "Key and secret are right, and the key lives. It has been used before, so it tells nothing more to so low a number:"
    " `--nonce` says what its program sends."
)
_UNITS = dict(zip(CLOCKS, ("seconds", "milliseconds", "microseconds", "nanoseconds"), strict=True))


def text(inspection: Inspection, paint: Paint) -> str:
    """A table first where there are several keys, then each key whole."""
    parts = ["\n".join(_asked(inspection, paint))]
    if len(inspection.keys) > 1:
        parts.append("\n".join(_table(inspection, paint)))
    labelled = len(inspection.keys) > 1
    parts += ["\n".join(_key(key, inspection.now, paint, labelled=labelled)) for key in inspection.keys]
    return "\n\n".join(parts) + "\n"


def _asked(inspection: Inspection, paint: Paint) -> Iterator[str]:
    yield paint(paint.wrapped(_done(inspection), 0), "dim")
    yield from finding_lines(inspection.findings, paint)


def _done(inspection: Inspection) -> str:
    where = visible(inspection.endpoint)
    if not inspection.reached:
        return f"{where} was not reached."
    nonces = "the keys' nonces" if len(inspection.keys) > 1 else "the key's nonce"
    changed = "" if all(isinstance(key, Alive) for key in inspection.keys) else f" but {nonces}"
    return f"Asked {where}. Nothing was changed{changed}."


def _table(inspection: Inspection, paint: Paint) -> Iterator[str]:
    rows = [("label", "name", "account", "may", "used from", "findings"), *map(_row, inspection.keys)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for place, row in enumerate(rows):
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        yield paint(line, "bold") if place == 0 else line


def _row(key: Described | Alive | Undescribed) -> tuple[str, ...]:
    if isinstance(key, Alive):
        return visible(key.label), "?", "?", "?", "?", "alive"
    if isinstance(key, Undescribed):
        return visible(key.label), "?", "?", "?", "?", "no answer" if key.code else "not asked"
    spec = key.told.live.spec
    reach = "anywhere" if not spec.ip_allowlist else count(len(spec.ip_allowlist), "network")
    told = visible(key.told.live.name), visible(key.told.iiban) or "?", _powers(key.meanings), reach
    return visible(key.label), *told, _counted(key.findings)


def _powers(meanings: Sequence[Meaning]) -> str:
    risks = {SPELLINGS[meaning.permission].risk for meaning in meanings}
    words = {Risk.READ: "read", Risk.TRADE: "trade", Risk.MOVE_FUNDS: "move funds", Risk.ENABLER: "more"}
    return ", ".join(word for risk, word in words.items() if risk in risks) or "nothing"


def _counted(findings: Sequence[Finding]) -> str:
    counts = ((severity, sum(one.severity is severity for one in findings)) for severity in Severity)
    return ", ".join(count(number, severity.value) for severity, number in counts if number) or "none"


def _key(key: Described | Alive | Undescribed, now: int, paint: Paint, *, labelled: bool) -> Iterator[str]:
    if isinstance(key, Alive):
        yield _title(key.label, "", key.public_key, paint)
        yield "  " + paint(paint.wrapped(_ALIVE, 2), "green")
        return
    if isinstance(key, Undescribed):
        yield _title(key.label, "", key.public_key, paint)
        yield "  " + paint(paint.wrapped(_sentence(visible(key.problem)), 2), "red")
        if key.hint:
            yield "  " + paint.wrapped(f"→ {_sentence(visible(key.hint))}", indent=4, first=2)
        return
    yield _title(key.label if labelled else "", key.told.live.name, key.told.live.public_key, paint)
    for label, value in _facts(key.told, now):
        yield f"  {label:<{_LABEL}}" + paint.wrapped(visible(value), indent=2 + _LABEL)
    yield from _rights(key, paint)
    yield "  " + paint(paint.wrapped(f"Kraken does not tell {_listed(UNTOLD)}.", 2), "dim")
    yield ""
    yield from finding_lines(key.findings, paint)
    if not key.findings:
        yield paint("Nothing to complain about in what it says of itself.", "green")


def _title(label: str, name: str, public_key: str, paint: Paint) -> str:
    called = f" ({visible(label)})" if label and name and label != name else ""
    return f"{paint(visible(name or label), 'bold')}{called}  {paint(visible(short(public_key)), 'dim')}"


def _facts(told: Description, now: int) -> Iterator[tuple[str, str]]:
    live, spec = told.live, told.live.spec
    yield "Account", told.iiban or "not told"
    yield "Used from", ", ".join(spec.ip_allowlist) or "anywhere in the world"
    yield "Expires", _moment(spec.valid_until, now, "never")
    if spec.query_from or spec.query_to:
        ends = _moment(spec.query_from, now, "the beginning"), _moment(spec.query_to, now, "now on")
        yield "Sees history", f"from {ends[0]} to {ends[1]}"
    yield "Nonce window", str(spec.nonce_window)
    yield "Made", _moment(live.created, now, "not told") + _changed(told, now)
    yield "Last used", _last_use(told.last_used, now)
    yield "Nonces", _nonces(told)


def _moment(seconds: int, now: int, absent: str) -> str:
    return f"{show_time(seconds)} ({seen_from(now, seconds)})" if seconds else absent


def _changed(told: Description, now: int) -> str:
    if not told.modified:
        return ""
    if told.modified == told.live.created:
        return "; not changed since"
    return f"; changed {_moment(told.modified, now, '')}"


def _last_use(seconds: int, now: int) -> str:
    if not seconds:
        return "never, as far as Kraken tells"
    if abs(now - seconds) <= _JUST_NOW:
        return f"{show_time(seconds)}: just now, perhaps by this very question"
    return _moment(seconds, now, "")


def _nonces(told: Description) -> str:
    number = f"a number in {_UNITS[told.scale]}" if told.scale in _UNITS else "the number that was given"
    highest = f"; the highest is {told.nonce} now" if told.nonce else ""
    return f"it took {number}{highest}{_consumer(told.scale)}"


def _consumer(scale: NonceScale) -> str:
    """What that tells of the program that uses it."""
    if scale is NonceScale.SECONDS:
        return ". Its program sends seconds, or has not used it yet. One that counts 1, 2, 3 is locked out now"
    return ". Its program sends nothing finer" if scale in _UNITS else ""


def _rights(key: Described, paint: Paint) -> Iterator[str]:
    spec = key.told.live.spec
    yield "  May" if key.meanings or spec.unknown_permissions else "  May do nothing but describe itself."
    tried = {probed.permission: probed for probed in key.probed}
    width = max((len(meaning.permission.value) for meaning in key.meanings), default=0)
    for meaning in key.meanings:
        yield f"    {paint(f'{meaning.permission.value:<{width}}', 'cyan')}  " + paint.wrapped(
            meaning.words, indent=6 + width
        )
        if meaning.unlocks:
            yield "      unlocks  " + paint.wrapped(_few(meaning.unlocks), indent=15)
        yield "      risks    " + paint.wrapped(meaning.risks, indent=15)
        if meaning.permission in tried:
            yield "      tried    " + paint.wrapped(_trial(tried[meaning.permission]), indent=15)
    for code in sorted(spec.unknown_permissions):
        yield f"    {paint(visible(code), 'red')}  unknown to this krakenctl"


def _trial(probed: Probed) -> str:
    """`granted: Balance` or `listed, and not proved: …`."""
    if probed.verdict is Verdict.LISTED:
        return f"listed, and not proved: {visible(probed.why)}"
    return f"{probed.verdict.value}: {visible(probed.why) or ', '.join(probed.calls)}"


def _few(calls: Sequence[str]) -> str:
    more = len(calls) - _SHOWN
    return ", ".join(calls) if more <= 1 else f"{', '.join(calls[:_SHOWN])} and {more} more"


def _listed(texts: Sequence[str]) -> str:
    return f"{', '.join(texts[:-1])} or {texts[-1]}"


def _sentence(words: str) -> str:
    return words if words.endswith((".", "?", "!")) else words + "."


def as_json(inspection: Inspection) -> dict[str, Any]:
    """`krakenctl.inspection/v1`. Public keys are shortened; of secrets there is nothing to leave out."""
    return {
        "format": "krakenctl.inspection/v1",
        "endpoint": inspection.endpoint,
        "at": show_time(inspection.now),
        "findings": [finding_json(finding) for finding in inspection.findings],
        "keys": [_key_json(key) for key in inspection.keys],
        "notTold": list(UNTOLD),
    }


def _key_json(key: Described | Alive | Undescribed) -> dict[str, Any]:
    if isinstance(key, Alive):
        return {"label": key.label, "publicKey": short(key.public_key), "verdict": "alive"}
    if isinstance(key, Undescribed):
        known = {"code": key.code, "hint": key.hint, "errors": list(key.errors)}
        return {
            "label": key.label,
            "publicKey": short(key.public_key),
            "verdict": "no-answer" if key.code else "not-asked",
            "problem": {"message": key.problem, **{name: value for name, value in known.items() if value}},
        }
    told = key.told
    return {
        "label": key.label,
        "publicKey": short(told.live.public_key),
        "verdict": "described",
        "name": told.live.name,
        "iiban": told.iiban,
        "spec": spec_to_json(told.live.spec),
        "created": told.live.created,
        "modified": told.modified,
        "lastUsed": told.last_used,
        "nonce": told.nonce,
        "answeredTo": told.scale.value,
        "permissions": [_meaning_json(meaning, key.probed) for meaning in key.meanings],
        "findings": [finding_json(finding) for finding in key.findings],
    }


def _meaning_json(meaning: Meaning, probed: Sequence[Probed]) -> dict[str, Any]:
    spelling = SPELLINGS[meaning.permission]
    tried = next((one for one in probed if one.permission is meaning.permission), None)
    trial = {"verdict": tried.verdict.value, "calls": list(tried.calls), "why": tried.why} if tried else {}
    return {
        "permission": meaning.permission.value,
        "label": spelling.label,
        "risk": spelling.risk.value,
        "words": meaning.words,
        "unlocks": list(meaning.unlocks),
        "risks": meaning.risks,
        **({"tried": {name: value for name, value in trial.items() if value}} if trial else {}),
    }
