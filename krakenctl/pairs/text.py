"""A text of any shape that people keep a key pair in: two lines, NAME=VALUE, or JSON. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from krakenctl.audit.rules import finding
from krakenctl.model.finding import Finding
from krakenctl.model.secret import Secret, hidden
from krakenctl.pairs import dotenv, names, pasted
from krakenctl.pairs.harvest import Harvest

_SECTION = re.compile(r"^[^\S\n]*\[[^\]\n]*\][^\S\n]*\r?$", re.MULTILINE)
_DEEPEST = 6  # levels of JSON; configurations have two or three


def harvest(text: Secret, *, label: str = names.ONLY, bare_is_meant: bool = True) -> Harvest:
    """`label`: of a pair that has no name of its own."""
    if text.reveal().lstrip("\ufeff \t\r\n")[:1] in ("{", "["):
        return _from_json(text, bare_is_meant=bare_is_meant)
    if (two := _two_lines(text)) is not None:
        return names.gathered([names.made(label, *two)])
    return from_assignments(text, bare_is_meant=bare_is_meant)


def from_assignments(text: Secret, *, bare_is_meant: bool = False) -> Harvest:
    """As a .env file has them; a later line of the same name wins, as it does in a shell."""
    read = list(dotenv.lines(text))
    values = {line.name: line.value for line in read if line.name}
    found = names.harvest(values.items(), bare_is_meant=bare_is_meant)
    guess = _guess(text)
    lost = [finding("unreadable-line", _unreadable(line) + guess) for line in read if not line.name]
    return Harvest(pairs=found.pairs, findings=(*lost, *_overwritten(read, values), *found.findings))


def _unreadable(line: dotenv.Line) -> str:
    return f"line {line.number} is no NAME=VALUE" + (f": {line.why}" if line.why else "")


def _guess(text: Secret) -> str:
    """What a file with such a line may be."""
    if _SECTION.search(text.reveal()):
        return "; the file looks like TOML or INI, whose sections are not told apart here"
    return ""


def _overwritten(read: Sequence[dotenv.Line], values: Mapping[str, Secret]) -> Iterator[Finding]:
    """Earlier lines of the same name that may be half of a pair."""
    for line in read:
        if line.name and line.value != values[line.name] and pasted.may_be_half(pasted.clean(line.value)):
            told = f"line {line.number}: {line.name} is there once more further down, and that one counts"
            yield finding("unclaimed-value", told)


def _two_lines(text: Secret) -> tuple[Secret, Secret] | None:
    """The public key, then the private one; None: it is something else."""
    halves = [half for half in map(Secret, text.reveal().split("\n")) if half.reveal().strip("\ufeff \t\r")]
    if len(halves) != 2 or any(_is_assignment(half) for half in halves):
        return None
    return halves[0], halves[1]


def _is_assignment(line: Secret) -> bool:
    """A base64 text has its equals signs at its end only."""
    return "=" in line.reveal().strip().rstrip("\"'=")


def _from_json(text: Secret, *, bare_is_meant: bool) -> Harvest:
    document = _parsed(text)
    if document is None and _SECTION.search(text.reveal()) and "=" in text.reveal():
        return from_assignments(text, bare_is_meant=bare_is_meant)
    if document is None:
        return Harvest(findings=(finding("unreadable-line", "it begins like JSON, and is none"),))
    return names.harvest(_flat(document, ()), bare_is_meant=bare_is_meant)


def _parsed(text: Secret) -> Any:
    """Every text in it is a secret at once. None: it is no JSON."""
    try:
        return json.loads(text.reveal().lstrip("\ufeff"), object_hook=hidden)
    except (ValueError, RecursionError):
        return None


def _flat(value: Any, path: tuple[str, ...]) -> Iterator[tuple[str, Secret]]:
    """Each text under the path of names that leads to it: `bots.mm.apiKey`."""
    if isinstance(value, Secret):
        yield ".".join(path), value
    elif isinstance(value, dict) and len(path) < _DEEPEST:
        for name, child in value.items():
            yield from _flat(child, (*path, name))
    elif isinstance(value, list) and len(path) < _DEEPEST:
        for place, child in enumerate(value, 1):
            yield from _flat(child, (*path, str(place)))
