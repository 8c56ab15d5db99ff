"""Why a key may do something, and which keys can: for a terminal and as JSON. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from krakenctl.model.access import AccessSight, Holder, Holders, Says, Sent, Standing, Why
from krakenctl.model.time import show_time
from krakenctl.render.paint import Paint, count, visible
from krakenctl.render.words import SEEN

WHY_FORMAT = "krakenctl.why/v1"
WHO_FORMAT = "krakenctl.who-can/v1"
_COLOURS = {
    Standing.HOLDS: ("red",),
    Standing.LACKS: ("green",),
    Standing.EXPIRED: ("yellow",),
    Standing.ABSENT: ("dim",),
    Standing.UNSEEN: ("yellow",),
}
_WORDS = {
    Standing.HOLDS: "yes",
    Standing.LACKS: "no",
    Standing.EXPIRED: "expired",
    Standing.ABSENT: "–",
    Standing.UNSEEN: "not seen",
}


def why_text(found: Sequence[Why], paint: Paint) -> str:
    return "\n".join("\n".join(_why(each, paint)) + "\n" for each in found)


def why_json(found: Sequence[Why]) -> dict[str, Any]:
    return {"format": WHY_FORMAT, "answers": [_why_json(each) for each in found]}


def _why(why: Why, paint: Paint) -> Iterator[str]:
    yield paint(f"{why.address} · {why.permission}", "bold")
    yield "  " + paint.wrapped(_verdict(why), indent=2)
    if why.declared:
        yield from _levels(why, paint)
    if why.address.kind == "ApiKey":
        yield from _grants(why, paint)
        yield from _sent(why, paint)
    if not why.sound:
        yield "  " + paint(paint.wrapped(_BREACH, indent=2), "yellow")
    yield "  " + paint(paint.wrapped(_live(why), indent=2), "dim")


def _live(why: Why) -> str:
    verify = f"verify {why.address}" if why.declared and why.address.kind == "ApiKey" else "verify"
    return f"Declared and recorded is not live: whether the key really can is what `krakenctl {verify}` finds out."


_BREACH = "The manifests have errors, so nothing of them can be applied: `krakenctl validate` shows them."


def _verdict(why: Why) -> str:
    if not why.declared:
        return "No manifest declares it any more; only what was sent is known."
    may = "may" if why.allowed else "may not"
    if why.address.kind != "ApiKey":
        return f"Keys of this account {may} have it."
    if why.allowed:
        return "It may have it, and is granted it." if why.ways else "It may have it, and is not granted it."
    return f"It {may} have it{', although it is granted it' if why.ways else ', and is not granted it'}."


def _levels(why: Why, paint: Paint) -> Iterator[str]:
    for level in why.levels:
        colour = "green" if level.says is Says.ALLOWS else "red"
        left = f"  {level.address} {level.says}"
        yield paint.beside((f"{left} it", colour), (str(level.origin), "dim"), indent=6)
    can = "can" if why.grantable else "cannot"
    yield paint(f"  surface {why.surface} {can} give it", "green" if why.grantable else "red")


def _grants(why: Why, paint: Paint) -> Iterator[str]:
    if why.declared and not why.ways:
        yield "  granted by: nothing"
    for way in why.ways:
        yield "  granted by:"
        for link in way:
            yield paint.beside((f"    {link.text}",), (str(link.origin), "dim"), indent=8)


def _sent(why: Why, paint: Paint) -> Iterator[str]:
    if why.blind:
        yield "  recorded: " + paint.wrapped(f"not known, {visible(why.blind)}", indent=4, first=12)
    elif not why.has_state:
        yield "  recorded: there is no state yet"
    elif not why.sent:
        yield "  recorded: no key of this address was issued"
    for sent in why.sent:
        yield "  recorded: " + paint.wrapped(_record(sent), indent=4, first=12)


def _record(sent: Sent) -> str:
    told = f"{visible(sent.name)}, made {show_time(sent.issued)}, {'with' if sent.holds else 'without'} it"
    ends = f", valid until {show_time(sent.valid_until)}" if sent.valid_until else ""
    retired = f"; replaced, revoked after {show_time(sent.retired_until)}" if sent.retired_until else ""
    return told + ends + retired


def _why_json(why: Why) -> dict[str, Any]:
    return {
        "address": str(why.address),
        "permission": why.permission.value,
        "declared": why.declared,
        "allowed": why.allowed if why.declared else None,
        "granted": bool(why.ways) if why.declared and why.address.kind == "ApiKey" else None,
        "levels": [
            {"address": str(level.address), "says": level.says.value, "origin": str(level.origin)}
            for level in why.levels
        ],
        "surface": {"name": why.surface, "grantable": why.grantable} if why.declared else None,
        "ways": [[{"text": link.text, "origin": str(link.origin)} for link in way] for way in why.ways],
        "recorded": [
            {
                "name": sent.name,
                "holds": sent.holds,
                "issued": show_time(sent.issued),
                "validUntil": _time(sent.valid_until),
                "retiredUntil": _time(sent.retired_until),
            }
            for sent in why.sent
        ],
        "hasState": why.has_state,
        "blind": why.blind,
        "sound": why.sound,
    }


def _time(seconds: int) -> str | None:
    return show_time(seconds) if seconds else None


@dataclass(frozen=True, slots=True)
class Asked:
    """What `who-can` was asked, in words."""

    what: str  # `withdraw-funds`, `POST /0/private/AddOrder`
    is_call: bool
    needs: str  # “modify-trades and close-trades”
    ways: tuple[tuple[str, ...], ...]
    note: str = ""  # where sources disagree about it


def who_text(asked: Asked, found: Holders, paint: Paint) -> str:
    return "\n".join(_who(asked, found, paint)) + "\n"


def who_json(asked: Asked, found: Holders) -> dict[str, Any]:
    return {
        "format": WHO_FORMAT,
        "asked": asked.what,
        "needs": [list(way) for way in asked.ways],
        "note": asked.note,
        "at": show_time(found.at),
        "sound": found.sound,
        "holders": [_holder_json(holder) for holder in found.holders],
        "doubtful": [_holder_json(holder) for holder in found.doubtful],
        "coverage": [_sight_json(sight) for sight in found.sights],
    }


def _who(asked: Asked, found: Holders, paint: Paint) -> Iterator[str]:
    yield paint.wrapped(f"{_counted(asked, found)}.", indent=2, first=0)
    if asked.note:
        yield paint.wrapped(asked.note, indent=2, first=0)
    if found.holders:
        yield ""
        yield from _table(found, paint)
    yield ""
    if found.doubtful:
        yield paint(paint.wrapped(_doubt(found.doubtful), indent=2, first=0), "yellow")
    if not found.sound:
        yield paint(paint.wrapped(_UNSOUND, indent=2, first=0), "yellow")
    yield from _sights(found.sights, paint)


def _counted(asked: Asked, found: Holders) -> str:
    """Live ones first: they are what counts in an incident."""
    looked = any(sight.looked for sight in found.sights)
    total = len(found.holders)
    live = sum(holder.live is Standing.HOLDS for holder in found.holders)
    if not total:
        return f"No key that is {'seen' if looked else 'declared or recorded'} here {_verb(asked, 1)}"
    if not looked:
        return f"As declared or recorded, {count(total, 'key')} {_verb(asked, total)}"
    seen = f"{count(live, 'live key') if live else 'No live key that is seen'} {_verb(asked, live or 1)}"
    if live == total:
        return seen
    again = "may" if asked.is_call else "does" if total - live == 1 else "do"
    return f"{seen}; {count(total - live, 'more key' if live else 'key')} {again}, as declared or recorded"


def _verb(asked: Asked, number: int) -> str:
    if asked.is_call:
        return f"may call {asked.what}, which needs {asked.needs}"
    return f"{'holds' if number == 1 else 'hold'} {asked.what}"


def _doubt(holders: Sequence[Holder]) -> str:
    names = _some([_name(holder) for holder in holders])
    return f"Not known of {names}: krakenctl does not know all permissions of {'it' if len(holders) == 1 else 'them'}."


_UNSOUND = "The manifests have mistakes (`krakenctl validate`), so what they declare is not known here."


def _table(found: Holders, paint: Paint) -> Iterator[str]:
    """A line with the three columns for each key, and below it where it may be used from and until when."""
    names = [_name(holder) for holder in found.holders]
    width = min(max(map(len, ("key", *names))), max(paint.width - 31, 20))
    yield paint(f"{'key':<{width}}  declared  recorded  live", "dim")
    for name, holder in zip(names, found.holders, strict=True):
        cells = "  ".join(_cell(each, paint) for each in (holder.desired, holder.recorded, holder.live))
        yield f"{name:<{width}}  {cells}".rstrip()
        yield "  " + paint(paint.wrapped(_from(holder), indent=2), "dim")


def _cell(standing: Standing, paint: Paint) -> str:
    return paint(f"{_WORDS[standing]:<8}", *_COLOURS[standing])


def _name(holder: Holder) -> str:
    if holder.address is None:
        return visible(f"{holder.account}: {holder.name} (unmanaged)")
    told = f" {holder.name}" if holder.name else ""
    return visible(f"{holder.address}{told}{' (retired)' if holder.retired_until else ''}")


def _from(holder: Holder) -> str:
    places = ", ".join(holder.ip_allowlist) or "any address"
    ends = f", until {show_time(holder.valid_until)}" if holder.valid_until else ""
    odd = f"; also {', '.join(map(visible, holder.unknown))}" if holder.unknown else ""
    return f"from {places}{ends}{odd}"


def _sights(sights: Sequence[AccessSight], paint: Paint) -> Iterator[str]:
    """Accounts of which as much was seen are told together."""
    by_words: dict[str, list[str]] = {}
    for sight in sights:
        by_words.setdefault(_words(sight), []).append(sight.account)
    for words, accounts in by_words.items():
        yield paint.wrapped(f"{_some(accounts)}: {words}.", indent=2, first=0)


_FEW = 5


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(map(visible, names[:_FEW]))
    return shown if len(names) <= _FEW else f"{shown} and {len(names) - _FEW} more"


def _words(sight: AccessSight) -> str:
    if not sight.looked:
        return "live keys were not looked at (--offline)"
    reason = f" ({visible(sight.reason)})" if sight.reason else ""
    unasked = f"; not asked, and not seen: {_some(sight.unasked)}" if sight.unasked else ""
    return f"{SEEN[sight.coverage]}{reason}{unasked}{_silence(sight)}"


def _silence(sight: AccessSight) -> str:
    silent = f"; answers no more from here, and may live on: {_some(sight.silent)}" if sight.silent else ""
    gone = f"; taken for gone, because it answered no more: {_some(sight.gone)}" if sight.gone else ""
    return f"{silent}{gone}{' (look on the website)' if silent or gone else ''}"


def _holder_json(holder: Holder) -> dict[str, Any]:
    return {
        "account": holder.account,
        "address": str(holder.address) if holder.address else None,
        "name": holder.name,
        "managed": holder.address is not None,
        "declared": holder.desired.value,
        "recorded": holder.recorded.value,
        "live": holder.live.value,
        "ipAllowlist": list(holder.ip_allowlist) or "any",
        "validUntil": _time(holder.valid_until),
        "retiredUntil": _time(holder.retired_until),
        "unknownPermissions": list(holder.unknown),
    }


def _sight_json(sight: AccessSight) -> dict[str, Any]:
    return {
        "account": sight.account,
        "looked": sight.looked,
        "coverage": sight.coverage.value,
        "keys": sight.keys,
        "reason": sight.reason,
        "unasked": list(sight.unasked),
        "told": _words(sight),
    }
