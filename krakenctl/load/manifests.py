"""Reads manifests into documents. What they mean, and whether they make sense, is not asked here."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from krakenctl.load.build import Builder, Stopped
from krakenctl.load.content import as_text, read_bytes
from krakenctl.load.files import OWN_FILE, find_files
from krakenctl.load.syntax import explain
from krakenctl.model.document import Document
from krakenctl.model.finding import Finding
from krakenctl.model.origin import Place


@dataclass(frozen=True, slots=True)
class Reading:
    """One file's documents. With findings, these are the ones before the mistake, or without what is mistaken."""

    documents: tuple[Document, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Manifests:
    """All that was read. Any finding of severity error means: do not act on the documents, only look at them."""

    documents: tuple[Document, ...]
    findings: tuple[Finding, ...]
    digest: str  # sha256 over the names and bytes of the files that could be read
    files: tuple[str, ...]


def read_file(root: Path, relative: str) -> Reading:
    """Read one file of the workspace. Never raises for what is in it, or for what it is."""
    data = read_bytes(root, relative)
    return Reading((), (data,)) if isinstance(data, Finding) else parse(data, relative)


def read_manifests(root: Path, patterns: Sequence[str]) -> Manifests:
    """Read every file that the patterns mean, each once, in the order of their names."""
    files, problems = find_files(root, patterns)
    findings, documents = list(problems), list[Document]()
    contents: list[tuple[str, bytes]] = []
    for file in files:
        data = read_bytes(root, file)
        if isinstance(data, Finding):
            findings.append(data)
            continue
        contents.append((file, data))
        reading = parse(data, file)
        documents.extend(reading.documents)
        findings.extend(reading.findings)
    if not documents and not findings:
        findings.append(_nothing(patterns))
    return Manifests(tuple(documents), tuple(findings), digest(contents), files)


def parse(data: bytes, file: str) -> Reading:
    """The documents in a file's bytes. Empty documents are none."""
    text = as_text(data, file)
    if isinstance(text, Finding):
        return Reading((), (text,))
    builder, documents = Builder(text, file), list[Document]()
    try:
        for index, value, _mark in builder.documents():
            if value is not None:
                documents.append(Document(Place(file, index), value))
    except Stopped as stop:
        builder.findings.append(stop.finding)
    except (yaml.YAMLError, UnicodeError) as problem:
        builder.findings.append(explain(problem, text, file, max(builder.index, 0)))
    return Reading(tuple(documents), tuple(builder.findings))


def digest(contents: Iterable[tuple[str, bytes]]) -> str:
    """sha256 over names and bytes, each preceded by its length, so that no two sets of files look alike."""
    total = hashlib.sha256()
    for file, data in sorted(contents):
        name = file.encode("utf-8", "surrogateescape")
        total.update(b"%d:%d:" % (len(name), len(data)))
        total.update(name)
        total.update(data)
    return total.hexdigest()


def _nothing(patterns: Sequence[str]) -> Finding:
    named = ", ".join(f"“{pattern}”" for pattern in patterns)
    place = Place(OWN_FILE, 0, ("spec", "manifests"))
    return Finding(rule="no-manifests", message=f"the files of {named} declare nothing", place=place)
