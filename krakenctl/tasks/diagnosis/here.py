"""What is installed here, and what the workspace's own files say."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from krakenctl import __version__, project, schema_files
from krakenctl.errors import InvalidManifests, WorkspaceError
from krakenctl.load import find_files
from krakenctl.model.diagnosis import Told, ok, problem, unknown, warning
from krakenctl.model.finding import Severity
from krakenctl.render.paint import count
from krakenctl.tasks import starter
from krakenctl.tasks.diagnosis.check import Check, Needs
from krakenctl.tasks.diagnosis.ground import DoctorGround

_SCHEMA_LINE = re.compile(r"^#\s*yaml-language-server:\s*\$schema=(\S+)", re.MULTILINE)
_NAMED = 5  # mistakes in krakenctl.yaml
_HEAD = 4096  # characters; the line stands at a file's beginning


def version(ground: DoctorGround) -> Iterator[Told]:
    installed = f"krakenctl {__version__} on Python {platform.python_version()}"
    wanted = ground.workspace.required_version if ground.sound else ""
    try:
        fits = not wanted or SpecifierSet(wanted).contains(__version__, prereleases=True)
    except InvalidSpecifier:
        hint = "write for example requiredVersion: '>=0.1,<1'"
        yield problem(f"requiredVersion “{wanted}” is not a version specifier", hint=hint)
        return
    if fits:
        yield ok(installed + (f", as the workspace wants it ({wanted})" if wanted else ""))
    else:
        hint = f"pip install 'krakenctl{wanted}'"
        yield problem(f"this is {installed}, and the workspace wants krakenctl {wanted}", hint=hint)


def libraries(_ground: DoctorGround) -> Iterator[Told]:
    """Those that krakenctl was installed to work with."""
    try:
        wanted = [Requirement(text) for text in metadata.requires("krakenctl") or ()]
    except metadata.PackageNotFoundError:
        yield unknown("krakenctl runs from its source: nobody checked which libraries are there")
        return
    needed = [each for each in wanted if each.marker is None or each.marker.evaluate({"extra": ""})]
    wrong = [told for each in needed if (told := _misfit(each))]
    for told in wrong:
        yield problem(told, hint="pip install --upgrade krakenctl")
    if not wrong:
        yield ok(f"{len(needed)} libraries, each of a version that fits")


def _misfit(wanted: Requirement) -> str:
    try:
        installed = metadata.version(wanted.name)
    except metadata.PackageNotFoundError:
        return f"the library {wanted.name} is not installed"
    if wanted.specifier.contains(installed, prereleases=True):
        return ""
    return f"{wanted.name} {installed} is installed, and krakenctl needs {wanted.name}{wanted.specifier}"


def workspace(ground: DoctorGround) -> Iterator[Told]:
    """Whether there is one, and whether its file can be used."""
    try:
        yield ok(f"{ground.workspace.name}, on {ground.workspace.endpoint}")
    except WorkspaceError as none:
        where = "here" if ground.root == Path() else f"in {ground.root}"
        told = f"there is no {project.WORKSPACE_FILE} {where}: accounts, stores and state were not looked at"
        yield unknown(told if not ground.has_workspace else none.message, hint=none.hint)
    except InvalidManifests as wrong:
        for finding in wrong.findings[:_NAMED]:
            place = str(finding.origin) if finding.origin else project.WORKSPACE_FILE
            yield problem(finding.message, hint=finding.hint or "`krakenctl validate` tells more", about=place)


def manifests(ground: DoctorGround) -> Iterator[Told]:
    examined = project.examine(ground.root)
    told = {severity: [each for each in examined.findings if each.severity is severity] for severity in Severity}
    errors, warnings = len(told[Severity.ERROR]), len(told[Severity.WARNING])
    if errors:
        yield problem(f"{count(errors, 'error')} in the manifests", hint="`krakenctl validate` names each")
    elif warnings:
        yield warning(f"{count(warnings, 'warning')} in the manifests", hint="`krakenctl validate` names each")
    else:
        found = f"{count(examined.documents, 'document')} in {count(examined.files, 'file')}"
        yield ok(f"{found}, and nothing wrong with them")


def schema(ground: DoctorGround) -> Iterator[Told]:
    """Where editors look up what a manifest may say."""
    own = ground.root / starter.SCHEMA
    if own.exists() and own.read_bytes() != schema_files.text("krakenctl").encode():
        yield warning(f"{starter.SCHEMA} is another version's", hint="`krakenctl init` renews it")
    files, _ = find_files(ground.root, ground.workspace.manifests)
    named = {file: _schema_of(ground.root / file) for file in (project.WORKSPACE_FILE, *files)}
    lost = [file for file, schema in named.items() if schema and not _leads_somewhere(ground.root / file, schema)]
    for file in lost:
        yield warning(
            "its yaml-language-server line leads nowhere", hint="`krakenctl init` makes the schema", about=file
        )
    if not lost:
        telling = sum(1 for schema in named.values() if schema)
        yield ok(f"{telling} of {count(len(named), 'file')} tell editors their schema, and it is there")


def _schema_of(file: Path) -> str:
    try:
        with file.open(encoding="utf-8") as opened:
            found = _SCHEMA_LINE.search(opened.read(_HEAD))
    except (OSError, UnicodeDecodeError):  # which `manifests` tells
        return ""
    return found[1] if found else ""


def _leads_somewhere(file: Path, schema: str) -> bool:
    return "://" in schema or (file.parent / schema).exists()


CHECKS = (
    Check("version", "krakenctl", version),
    Check("libraries", "libraries", libraries),
    Check("workspace", "workspace", workspace),
    Check("manifests", "manifests", manifests, Needs.WORKSPACE),
    Check("schema", "schema for editors", schema, Needs.WORKSPACE),
)
