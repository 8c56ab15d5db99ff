"""Makes findings about files. It never repeats what a file says, because that may be a secret."""

from __future__ import annotations

from krakenctl.model.finding import Finding
from krakenctl.model.origin import Origin, Path, Place


def in_file(rule: str, file: str, message: str, *, hint: str = "") -> Finding:
    """Something about the file as a whole, or about a path that is no file at all."""
    return Finding(rule=rule, message=message, hint=hint, place=Place(file, 0), origin=Origin(file))


def in_line(rule: str, origin: Origin, message: str, *, hint: str = "", document: int = 0, path: Path = ()) -> Finding:
    """Something at one spot; `origin` is already worked out."""
    return Finding(rule=rule, message=message, hint=hint, place=Place(origin.file, document, path), origin=origin)
