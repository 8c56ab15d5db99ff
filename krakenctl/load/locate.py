"""Works out lines and columns, for the few places that somebody wants to see.

Reading keeps no marks, because most runs have nothing to report. So the files concerned are read once more here. A
place that cannot be found any more (the file has changed since) is the file itself; nothing is ever raised.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import yaml

from krakenctl.load.build import Builder, Mark, Marks, Stopped, Value
from krakenctl.load.content import as_text, read_bytes
from krakenctl.model.finding import Finding
from krakenctl.model.origin import KEY, Origin, Place

_Found = tuple[Value, Mark, dict[int, Marks]]  # a document: its value, its mark, the marks of all its entries


def locate(root: Path, places: Iterable[Place]) -> dict[Place, Origin]:
    """Line and column of every place.

    A path that ends in KEY is the field's name; otherwise it is its value. A field that does not exist is where its
    nearest parent is named.
    """
    by_file: dict[str, list[Place]] = {}
    for place in places:
        by_file.setdefault(place.file, []).append(place)
    origins: dict[Place, Origin] = {}
    for file, wanted in by_file.items():
        origins |= dict.fromkeys(wanted, Origin(file)) | _in_file(root, file, wanted)
    return origins


def located(root: Path, findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """The findings with lines and columns, worked out only now that there is something to report."""
    places = {finding.place for finding in findings if finding.place is not None}
    places |= {where for finding in findings for _, where in finding.related if isinstance(where, Place)}
    origins = locate(root, places) if places else {}

    def origin(where: Place | Origin) -> Origin:
        return where if isinstance(where, Origin) else origins.get(where, Origin(where.file))

    return tuple(
        replace(
            finding,
            origin=finding.origin or (origin(finding.place) if finding.place else None),
            related=tuple((text, origin(where)) for text, where in finding.related),
        )
        for finding in findings
    )


def _in_file(root: Path, file: str, wanted: list[Place]) -> dict[Place, Origin]:
    by_document: dict[int, list[Place]] = {}
    for place in wanted:
        by_document.setdefault(place.document, []).append(place)
    return {
        place: _origin(place, document)
        for number, document in _documents(root, file, set(by_document))
        for place in by_document[number]
    }


def _documents(root: Path, file: str, numbers: set[int]) -> Iterator[tuple[int, _Found]]:
    data = read_bytes(root, file)
    text = as_text(data, file) if isinstance(data, bytes) else None
    if not isinstance(text, str):
        return
    last = max(numbers)
    builder = Builder(text, file, marked=numbers)
    try:
        for number, value, mark in builder.documents():
            if number in numbers:
                yield number, (value, mark, builder.marks)
            if number >= last:
                return
    except (Stopped, yaml.YAMLError, UnicodeError):
        return


def _origin(place: Place, document: _Found) -> Origin:
    value, mark, marks = document
    key_mark, about_key = mark, place.path[-1:] == (KEY,)
    for step in place.path[:-1] if about_key else place.path:
        entry = marks.get(id(value), {}).get(step)
        if entry is None:
            about_key = True  # there is no such field: its nearest parent's name is the best there is
            break
        key_mark, mark = entry
        value = value[step]
    spot = key_mark if about_key or _is_block(value, key_mark, mark) else mark
    return Origin(place.file, spot.line + 1, spot.column + 1)


def _is_block(value: Value, key_mark: Mark, mark: Mark) -> bool:
    """A mapping or a list below its name begins with its first entry; what a person means is the name."""
    return isinstance(value, dict | list) and bool(mark.line > key_mark.line)
