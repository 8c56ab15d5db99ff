"""What a lost state is rebuilt to, and what nobody could know, as text and as JSON. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from krakenctl.model.rebuilt import Heard, Note, Rebuilt, Sort, Word
from krakenctl.render import report_text, state
from krakenctl.render.paint import Paint, count, visible

FORMAT = "krakenctl.rebuild/v1"
FEW = 3  # of those that are alike, named beside the first
_KEY_OR_TIME = re.compile(r"\S+\.[a-z0-9]{2}\.g\d+|\S+/\S+/\S+|\d{4}-\d\d-\d\dT\S+Z")
_WORDS = {Word.RECOVERED: "answered", Word.UNASKED: "not asked", Word.REFUSED: "refused"}
_TITLES = {Sort.ASSUMED: "Assumed, on the safe side:", Sort.UNKNOWN: "Nobody could know:"}


def to_json(rebuilt: Rebuilt, *, written: bool, aside: str = "", head: str = "") -> dict[str, Any]:
    recorded = state.to_json(rebuilt.recorded)
    return {
        "format": FORMAT,
        "written": written,
        **{name: recorded[name] for name in ("lineage", "accounts", "keys", "intents")},
        "byPerson": [_heard(heard) for heard in rebuilt.heard],
        "notes": [_note(note) for note in rebuilt.notes],
        **({"aside": aside} if aside else {}),
        **({"logHead": head} if head else {}),
    }


def render(rebuilt: Rebuilt, paint: Paint) -> str:
    """Before it is written: what would be."""
    return "\n".join(_lines(rebuilt, paint)) + "\n"


def written(rebuilt: Rebuilt, aside: str, head: str, paint: Paint) -> str:
    recorded = rebuilt.recorded
    keys = count(len(recorded.keys) + len(recorded.retired), "key")
    lines = [paint(f"The state is rebuilt: {count(len(recorded.accounts), 'account')}, {keys}.", "bold")]
    lines += [f"The state before is kept as {visible(aside)}."] if aside else []
    lines += [report_text.head_line(head, paint)] if head else []
    return "\n".join(lines) + "\n"


def _lines(rebuilt: Rebuilt, paint: Paint) -> Iterator[str]:
    recorded = rebuilt.recorded
    if recorded.accounts or recorded.traces:
        yield paint(f"Found, for the lineage {visible(recorded.lineage) or '(a new one)'}:", "bold")
        yield state.render(recorded, paint).rstrip("\n")
    else:
        yield paint("Nothing was found that could be recorded.", "bold")
    if rebuilt.heard:
        yield _counted(rebuilt.heard)
    for sort, title in _TITLES.items():
        notes = [note for note in rebuilt.notes if note.sort is sort]
        if notes:
            yield ""
            yield paint(title, "bold", "yellow" if sort is Sort.UNKNOWN else "cyan")
            yield from (_line(group, paint) for group in _alike(notes))


def _counted(heard: Iterable[Heard]) -> str:
    found = Counter(one.word for one in heard)
    told = ", ".join(f"{found[word]} {_WORDS[word]}" for word in Word if found[word])
    return f"Of the keys that a person made, as the stores keep them: {told}."


def _alike(notes: Iterable[Note]) -> Iterable[list[Note]]:
    """Those that differ by key and time only, together: of forty keys, forty lines hide the one that matters."""
    groups: dict[str, list[Note]] = {}
    for note in notes:
        groups.setdefault(_KEY_OR_TIME.sub("", note.message), []).append(note)
    return groups.values()


def _line(notes: list[Note], paint: Paint) -> str:
    note, *others = notes
    about = f"{note.about}: " if note.about else ""
    named = ", ".join([*(other.about for other in others[:FEW]), *(["…"] if len(others) > FEW else [])])
    likewise = f" (and likewise {len(others)} more: {named})" if others else ""
    return "  " + paint.wrapped(visible(f"- {about}{note.message}{likewise}"), indent=4, first=2)


def _heard(heard: Heard) -> dict[str, str]:
    about = {"address": str(heard.address), "name": heard.name, "result": heard.word.value}
    return {**about, **({"why": heard.why} if heard.why else {})}


def _note(note: Note) -> dict[str, str]:
    return {"sort": note.sort.value, **({"about": note.about} if note.about else {}), "message": note.message}
