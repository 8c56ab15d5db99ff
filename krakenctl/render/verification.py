"""Declared against effective: for a terminal, as Markdown for a pull request, and as JSON. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from krakenctl.model.coverage import Coverage
from krakenctl.model.time import show_time
from krakenctl.model.verification import Right, Setting, Source, Verdict, Verification, Verified, VerifySight
from krakenctl.render.markdown import code, plain
from krakenctl.render.paint import Paint, count, visible

FORMAT = "krakenctl.verification/v1"
_COLOURS = {
    Verdict.GRANTED: "green",
    Verdict.LISTED: "green",
    Verdict.DENIED: "red",
    Verdict.BLOCKED_BY_IP: "yellow",
    Verdict.EXPIRED: "red",
    Verdict.REVOKED: "red",
    Verdict.LOCKED_OUT: "yellow",
    Verdict.UNKNOWN: "yellow",
}
_WORDS = {verdict: verdict.value.replace("-by-ip", " by IP").replace("-", " ") for verdict in Verdict}
_SOURCES = {
    Source.KEY: "said by the key itself",
    Source.LIST: "shown by its account's list",
    Source.RECORDED: "as recorded: nobody could look from here",
}
_LISTS = {
    Coverage.COMPLETE: "its list shows every key",
    Coverage.OUR_CLIENT: "its list shows the keys that krakenctl made",
    Coverage.HELD: "no list shows its keys: each can only be asked itself",
    Coverage.NONE: "its list could not be seen",
}


def text(found: Verification, paint: Paint) -> str:
    return "\n".join(_lines(found, paint)) + "\n"


def _lines(found: Verification, paint: Paint) -> Iterator[str]:
    what = f"{count(len(found.keys), 'key')} on {visible(found.endpoint)}, as of {show_time(found.now)}"
    yield paint(paint.wrapped(f"{what}. Nothing was changed there.", 0), "dim")
    for key in found.keys:
        yield ""
        yield from _key(key, paint)
    yield ""
    for line in _coverage(found):
        yield paint.wrapped(line, indent=2)
    yield ""
    yield paint(paint.wrapped(summary(found), 0), "bold", _tone(found))


def _tone(found: Verification) -> str:
    if found.differs:
        return "red"
    return "green" if found.complete else "yellow"


def summary(found: Verification) -> str:
    """One sentence, which never sounds better than what was seen."""
    if not found.keys:
        return "No key is declared there: there was nothing to verify."
    wrong = sum(key.differs for key in found.keys)
    unseen = sum(not key.seen for key in found.keys)
    blind = f"; {count(unseen, 'key')} could not be seen" if unseen else ""
    if wrong:
        verb = "differs" if wrong == 1 else "differ"
        return f"{count(wrong, 'key')} of {len(found.keys)} {verb} from what is declared{blind}."
    if any(sight.mixed for sight in found.sights):
        return f"The accounts are not those that are declared{blind}."
    if found.blind:
        return "Nothing could be seen from here, so nothing was compared."
    seen = len(found.keys) - unseen
    return f"{_all(seen, len(found.keys))} as declared{blind}."


def _all(seen: int, every: int) -> str:
    if seen < every:
        return f"{count(seen, 'key')} of {every} {'is' if seen == 1 else 'are'}"
    return f"All {every} keys are" if every != 1 else "The key is"


def _key(key: Verified, paint: Paint) -> Iterator[str]:
    name = f"  {visible(key.name)}" if key.name else ""
    yield f"{_sign(key)} {paint(str(key.address), 'bold')}{paint(name, 'dim')}  " + paint(
        _verdict(key), _COLOURS[key.verdict]
    )
    for line in _about(key):
        yield "    " + paint.wrapped(line, indent=6, first=4)
    for right in key.rights:
        if right.differs:
            yield "    " + paint(paint.wrapped(_right(right), indent=6, first=4), "red")
    for setting in key.settings:
        if setting.agrees is False:
            yield "    " + paint(paint.wrapped(_setting(setting), indent=6, first=4), "red")
    if agreed := [f"{one.name} {_value(one.effective)}" for one in key.settings if one.agrees]:
        yield "    " + paint.wrapped(f"as declared: {'; '.join(agreed)}", indent=6, first=4)
    if unknown := [one.name for one in key.settings if one.agrees is None]:
        yield "    " + paint.wrapped(f"not known: {', '.join(unknown)}", indent=6, first=4)
    if held := _held(key.rights):
        yield "    " + paint.wrapped(held, indent=6, first=4)
    for right in key.rights:
        if right.why and not right.differs and right.verdict is Verdict.LISTED:
            yield "    " + paint(paint.wrapped(f"{right.code} is listed only: {visible(right.why)}", 6, first=4), "dim")


def _verdict(key: Verified) -> str:
    """A key is called granted for one permission that was tried; it is not to sound like all of them."""
    granted = sum(right.verdict is Verdict.GRANTED for right in key.rights)
    is_partly = key.verdict is Verdict.GRANTED and granted < len(key.rights)
    return f"{granted} of {len(key.rights)} granted" if is_partly else _WORDS[key.verdict]


def _sign(key: Verified) -> str:
    if key.differs:
        return "≠"
    return "=" if key.seen else "?"


def _about(key: Verified) -> Iterator[str]:
    if key.why:
        yield visible(key.why)
    if key.name:
        asked = f"; not asked itself: {visible(key.unasked)}" if key.unasked and key.unasked not in key.why else ""
        yield _SOURCES[key.source] + asked
    yield from map(visible, key.remarks)


def _right(right: Right) -> str:
    declared = "declared" if right.declared else "not declared"
    why = f" ({visible(right.why)})" if right.why else ""
    return f"{visible(right.code)}: {declared}, {_WORDS[right.verdict]}{why}"


def _setting(setting: Setting) -> str:
    declared = f"declared {_value(setting.declared)}" if setting.managed else "not declared"
    return f"{setting.name}: {declared}, effective {_value(setting.effective)}"


def _value(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(visible(str(item)) for item in value)
    return "none" if value is None else visible(str(value))


def _held(rights: Sequence[Right]) -> str:
    """The permissions that are as declared, by what is known of them."""
    groups = {
        verdict: [right.code for right in rights if right.verdict is verdict and not right.differs]
        for verdict in Verdict
    }
    return "; ".join(f"{_WORDS[verdict]}: {', '.join(codes)}" for verdict, codes in groups.items() if codes)


def _coverage(found: Verification) -> Iterator[str]:
    counts = _counts(found)
    tried = f" ({counts['probed']} with calls that try permissions)" if found.probing else ""
    silent = f"{counts['silent']} refused, gone or never issued, " if counts["silent"] else ""
    asked, listed, unseen = (f"{counts[name]}" for name in ("asked", "listed", "unseen"))
    told = f"{asked} asked{tried}, {listed} seen in a list only, {silent}{unseen} not seen"
    yield f"Coverage: {count(len(found.keys), 'key')}: {told}."
    for sight in found.sights:
        yield f"  {_sight(sight)}"
    for left in found.left:
        yield f"  {left.address} ({visible(left.name)}) was not compared: {left.why}."


def _counts(found: Verification) -> dict[str, int]:
    """Every key is one of asked, listed, silent and unseen."""
    return {
        "listed": sum(key.source is Source.LIST for key in found.keys),
        "asked": sum(key.asked for key in found.keys),
        "probed": sum(key.probed for key in found.keys),
        "silent": sum(key.seen and key.source is Source.RECORDED for key in found.keys),
        "unseen": sum(not key.seen for key in found.keys),
    }


def _sight(sight: VerifySight) -> str:
    why = f" ({visible(sight.reason)})" if sight.reason else ""
    mixed = "".join(f"; {visible(each)}" for each in sight.mixed)
    return f"{sight.account}: {_LISTS[sight.coverage]}{why}{mixed}."


def markdown(found: Verification) -> str:
    return "\n".join(_markdown(found)) + "\n"


def _markdown(found: Verification) -> Iterator[str]:
    yield f"### krakenctl verify: {code(found.endpoint)}, as of {show_time(found.now)}"
    yield ""
    yield f"**{summary(found)}**"
    if found.keys:
        yield ""
        yield "| | key | verdict | declared against effective | known from |"
        yield "|---|---|---|---|---|"
        yield from map(_row, found.keys)
    yield ""
    yield from (f"- {plain(line.strip())}" for line in _coverage(found))


def _row(key: Verified) -> str:
    differing = [_right(right) for right in key.rights if right.differs]
    differing += [_setting(setting) for setting in key.settings if setting.agrees is False]
    what = "<br>".join(map(plain, differing)) or ("not seen" if key.source is Source.RECORDED else "as declared")
    why = f"<br>{plain(key.why)}" if key.why else ""
    unasked = f"<br>{plain(key.unasked)}" if key.unasked and key.unasked not in key.why else ""
    verdict = f"**{_verdict(key)}**{why}"
    return f"| {_sign(key)} | {code(str(key.address))} | {verdict} | {what} | {key.source.value}{unasked} |"


def to_json(found: Verification) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "endpoint": found.endpoint,
        "at": show_time(found.now),
        "probing": found.probing,
        "summary": {
            "keys": len(found.keys),
            "differing": sum(key.differs for key in found.keys),
            "seen": sum(key.seen for key in found.keys),
            **_counts(found),
            "complete": found.complete,
        },
        "keys": [_key_json(key) for key in found.keys],
        "accounts": [
            {
                "account": sight.account,
                "coverage": sight.coverage.value,
                "reason": sight.reason,
                "mixed": list(sight.mixed),
            }
            for sight in found.sights
        ],
        "notCompared": [{"address": str(one.address), "name": one.name, "why": one.why} for one in found.left],
    }


def _key_json(key: Verified) -> dict[str, Any]:
    return {
        "address": str(key.address),
        "name": key.name,
        "verdict": key.verdict.value,
        "why": key.why,
        "differs": key.differs,
        "seen": key.seen,
        "source": key.source.value,
        "asked": key.asked,
        "unasked": key.unasked,
        "permissions": [_right_json(right) for right in key.rights],
        "fields": [_setting_json(setting) for setting in key.settings],
        "remarks": list(key.remarks),
    }


def _right_json(right: Right) -> dict[str, Any]:
    return {
        "permission": right.code,
        "declared": right.declared,
        "verdict": right.verdict.value,
        "differs": right.differs,
        "calls": list(right.calls),
        "why": right.why,
    }


def _setting_json(setting: Setting) -> dict[str, Any]:
    return {
        "field": setting.name,
        "declared": setting.declared,
        "managed": setting.managed,
        "effective": setting.effective,
        "source": setting.source.value,
        "agrees": setting.agrees,
    }
