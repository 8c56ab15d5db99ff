"""From a seed's file to a filled sandbox: load → validate → sow. It neither prints nor asks."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from krakenctl import schema_files
from krakenctl.errors import InvalidManifests
from krakenctl.load import located, read_file
from krakenctl.model.finding import Finding
from krakenctl.model.origin import Place
from krakenctl.sandbox.people.sowing import Unsown, sow
from krakenctl.validate.report import error, in_order
from krakenctl.validate.shape import Shapes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from krakenctl.model.document import Document
    from krakenctl.sandbox.people.sowing import Sown

KIND = "SandboxSeed"


def seed(db: Path, file: Path) -> Sown:
    """Fill the sandbox in `db`, which is made where there is none.

    Raises InvalidManifests with everything that is wrong, each with its line; then nothing was put in.
    """
    document = _read(file)
    try:
        return sow(db, document.value["spec"])
    except Unsown as unsown:
        findings = [error("bad-seed", document.place.at(*at), said, hint=hint) for at, said, hint in unsown.mistakes]
        raise _invalid(file, findings) from None


def _read(file: Path) -> Document:
    """The one document of the file, in the shape of its schema."""
    real = _real(file)
    reading = read_file(real.parent, real.name)
    if reading.findings or len(reading.documents) != 1:
        raise _invalid(file, reading.findings or [_not_one(real.name, len(reading.documents))])
    [document] = reading.documents
    if problems := Shapes({KIND: schema_files.load("seed")}).check(document, (KIND,)):
        raise _invalid(file, in_order(problems))
    return document


def _real(file: Path) -> Path:
    """A link is followed wherever it leads: whoever names a file on the command line means it."""
    return Path(os.path.realpath(file))


def _not_one(name: str, number: int) -> Finding:
    message = f"a seed is one document of kind {KIND}, and this file holds {number or 'none'}"
    return Finding(rule="seed-file", message=message, place=Place(name, 0))


def _invalid(file: Path, findings: Sequence[Finding]) -> InvalidManifests:
    count = f"{len(findings)} mistake{'s' * (len(findings) != 1)}"
    told = [_as_named(finding, file) for finding in located(_real(file).parent, findings)]
    return InvalidManifests(f"{count} in {file}", told, hint="fix them and seed again; the sandbox is as it was")


def _as_named(finding: Finding, file: Path) -> Finding:
    """With the file's name as it was given."""
    return replace(finding, origin=finding.origin and finding.origin._replace(file=str(file)))
