"""Where something was written. Lines and columns count from 1; 0 means not worked out (yet)."""

from __future__ import annotations

from typing import NamedTuple

Path = tuple[str | int, ...]  # from a document's root: ("spec", "grants", "sets", 0)
KEY = -1  # as the last step of a path: the field's name itself, not its value. No list has a place -1


class Place(NamedTuple):
    """A spot in a document, kept while reading because it costs nothing: no line is known yet."""

    file: str  # relative to the workspace
    document: int  # the n-th in its file, from 0
    path: Path = ()

    def at(self, *path: str | int) -> Place:
        return Place(self.file, self.document, path)


class Origin(NamedTuple):
    """A spot in a file, for people: `manifests/bots.yaml:12:7`."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return ":".join([self.file, *(str(n) for n in (self.line, self.column) if n)])
