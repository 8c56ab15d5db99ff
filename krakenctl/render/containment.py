"""What the kill switch would do and did, as text and as JSON. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from krakenctl.model.containment import Blind, ContainmentReport, Doomed, Fate, Found, KeyFate, Seen
from krakenctl.model.coverage import Coverage
from krakenctl.model.page import in_words
from krakenctl.model.permission import in_order
from krakenctl.render.paint import Paint, count, visible
from krakenctl.render.report_text import head_line

FORMAT = "krakenctl.containment/v1"
_SIGNS = {
    Fate.REVOKED: ("✓", "green"),
    Fate.GONE: ("·", "dim"),
    Fate.CLAIMED: ("?", "yellow"),
    Fate.FAILED: ("✗", "red"),
}
_MANY = 6  # accounts, from which on they are only counted
_ALL = "every key of the account shows in its list"
_SOME = "keys that were made on the website, or by another client, need not show in its list"
_WORDS = {
    Fate.REVOKED: "revoked",
    Fate.GONE: "gone already",
    Fate.CLAIMED: "said to be deleted, not proved",
    Fate.FAILED: "not revoked",
}


def to_json(report: ContainmentReport) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "contained": report.contained,
        "remembered": report.remembered,
        "seconds": round(report.seconds, 3),
        "keys": [_fate_json(fate) for fate in report.keys],
        "accounts": [_seen_json(seen) for seen in report.seen],
        "notContained": [_blind_json(blind) for blind in report.blind],
        "leftAlone": [{"account": each.account, "liveName": each.name} for each in report.spared],
        "notes": [*report.before, *report.notes, *_running(report)],
        **({"logHead": report.log_head} if report.log_head else {}),
    }


def question(found: Found) -> str:
    return f"Revoke {'this key' if len(found.doomed) == 1 else f'these {len(found.doomed)} keys'} now?"


def before(found: Found, paint: Paint) -> str:
    return "\n".join(_before(found, paint)) + "\n"


def after(report: ContainmentReport, paint: Paint) -> str:
    return "\n".join(_after(report, paint)) + "\n"


def _before(found: Found, paint: Paint) -> Iterator[str]:
    yield paint(f"To be revoked: {count(len(found.doomed), 'key')} on {count(len(found.accounts), 'account')}.", "bold")
    for each in found.doomed:
        owner = str(each.address) if each.address else "none of ours"
        yield f"  {each.account}  {paint(visible(each.name), 'cyan')}  {visible(owner)}  {_rights(each)}"
    yield from (f"  {address}: gone already" for address in found.gone)
    for each in found.given:
        yield f"  {each.address}: {visible(each.name)} was handed over (Removed, action: forget), and is left alone"
    for lost in found.strayed:
        yield paint(f"  {lost.address}: {visible(lost.name)} does not show; {visible(lost.sentence)}", "yellow")
    yield from _spared(found.spared)
    for blind in found.blind:
        yield paint(f"Not within reach: {blind.account}: {visible(blind.why)}", "yellow")
    yield from _notes(found.notes)


def _rights(each: Doomed) -> str:
    rights = [*in_order(each.live.spec.permissions), *map(visible, sorted(each.live.spec.unknown_permissions))]
    return ", ".join(rights) or "no permission"


def _after(report: ContainmentReport, paint: Paint) -> Iterator[str]:
    for fate in report.keys:
        sign, colour = _SIGNS[fate.fate]
        told = f": {visible(fate.message)}" if fate.message else ""
        yield f"{paint(sign, colour)} {fate.account}  {visible(fate.name)}  {_WORDS[fate.fate]}{told}"
        yield from _helps(fate)
    for blind in report.blind:
        yield paint(f"✗ {blind.account}: not contained: {visible(blind.why)}", "red")
        yield from _helps(blind)
    yield from _spared(report.spared)
    yield from _notes(report.notes)
    yield paint(_summary(report), "bold")
    yield from (paint(line, "yellow") for line in _coverage(report))
    if any(fate.fate is Fate.REVOKED for fate in report.keys):
        yield "Nothing was removed from the stores: a dead secret is evidence."
    if report.log_head:
        yield head_line(report.log_head, paint)
    yield from (paint(line[0].upper() + line[1:] + ".", "yellow") for line in _running(report))


def _running(report: ContainmentReport) -> Iterator[str]:
    """What it was just issuing may have come to light after our last look."""
    if report.running:
        yield (
            f"{visible(report.running)}: it begins nothing more, and takes back what it is issuing; "
            "run this again in a minute to be sure"
        )


def _helps(each: KeyFate | Blind) -> Iterator[str]:
    if each.helps:
        yield f"  → {visible(each.helps)}"


def _coverage(report: ContainmentReport) -> Iterator[str]:
    """Of a whole node only: whoever names a key by its address asks for no other."""
    if report.under and report.unseen:
        where = f"on {_accounts(report.unseen)}. Look for them at {in_words(report.page)}, and revoke them there."
        yield f"Not seen from here: keys that were made on the website, or by another client, {where}"
    elif report.under and report.seen and not report.blind:
        shown = _accounts([seen.account for seen in report.seen])
        yield f"Complete: every key there is shows in the lists of {shown}."


def _accounts(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= _MANY else count(len(names), "account")


def _summary(report: ContainmentReport) -> str:
    revoked = count(sum(fate.fate is Fate.REVOKED for fate in report.keys), "key")
    if report.contained:
        seen = ", as far as can be seen from here" if report.under and report.unseen else ""
        but = "" if report.remembered else " But the state could not be told all of it: see the note above."
        return f"Contained{seen}: {revoked} revoked in {report.seconds:.2f} s.{but}"
    helps = "what is said at each ✗"
    again = f"Run it again, and mind {helps}." if report.passes else f"To run it again helps only after {helps}."
    return f"NOT contained after {report.seconds:.2f} s: {revoked} revoked, and see ✗ above. {again}"


def _spared(spared: tuple[Doomed, ...]) -> Iterator[str]:
    if spared:
        names = ", ".join(f"{visible(each.name)} on {each.account}" for each in spared)
        yield f"Left alone, as none of ours: {names} (--unmanaged revokes these too)."


def _notes(notes: tuple[str, ...]) -> Iterator[str]:
    yield from (f"Note: {visible(note)}." for note in notes)


def _fate_json(fate: KeyFate) -> dict[str, Any]:
    return {
        "account": fate.account,
        "liveName": fate.name,
        **({"address": str(fate.address)} if fate.address else {}),
        "result": fate.fate.value,
        **({"message": fate.message, "retryable": fate.passes} if fate.message else {}),
        **({"hint": fate.helps} if fate.helps else {}),
    }


def _seen_json(seen: Seen) -> dict[str, Any]:
    meaning = _ALL if seen.coverage is Coverage.COMPLETE else _SOME
    return {"account": seen.account, "coverage": seen.coverage.value, "message": meaning}


def _blind_json(blind: Blind) -> dict[str, Any]:
    hint = {"hint": blind.helps} if blind.helps else {}
    return {"account": blind.account, "message": blind.why, "retryable": blind.passes, **hint}
