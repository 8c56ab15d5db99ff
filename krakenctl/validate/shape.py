"""Does a document look as its schema says? A compiled validator says yes quickly; jsonschema explains a no.

The only user of both libraries. It asks nothing that needs a second document.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from krakenctl.model.document import Document
from krakenctl.model.finding import Finding
from krakenctl.validate.explain import Validator, explain, validator
from krakenctl.validate.report import error
from krakenctl.validate.words import guess, quoted, shown

API_VERSION = "krakenctl/v1"


class Shapes:
    """The schemas of all kinds, each compiled once when it is first needed."""

    def __init__(self, schemas: Mapping[str, dict[str, Any]]) -> None:
        self._schemas = {name.lower(): schema for name, schema in schemas.items()}
        self._compiled: dict[str, Callable[[Any], bool]] = {}
        self._validators: dict[str, Validator] = {}

    def check(self, document: Document, kinds: tuple[str, ...]) -> tuple[Finding, ...]:
        """All that is wrong with one document by itself; nothing when its shape is right."""
        kind = document.kind
        if kind in kinds and self.fits(kind, document.value):
            return ()
        frame = tuple(_frame(document, kinds))
        if kind not in kinds:
            return frame
        return frame + tuple(explain(document, self._thorough(kind)))

    def fits(self, kind: str, value: object) -> bool:
        fits = self._compiled.get(kind)
        if fits is None:
            import jsonschema_rs

            fits = self._compiled[kind] = jsonschema_rs.validator_for(self._schemas[kind.lower()]).is_valid
        return fits(value)

    def _thorough(self, kind: str) -> Validator:
        found = self._validators.get(kind)
        if found is None:
            found = self._validators[kind] = validator(self._schemas[kind.lower()])
        return found


def _frame(document: Document, kinds: tuple[str, ...]) -> list[Finding]:
    """What must be right before a schema can be chosen."""
    place, value = document.place, document.value
    if not isinstance(value, dict):
        return [error("not-a-resource", place, "a document is a mapping with apiVersion, kind, metadata and spec")]
    findings = []
    version = value.get("apiVersion")
    if "apiVersion" in value and version != API_VERSION:
        message = f"{shown(version)} is no version of this format; it is “{API_VERSION}”"
        findings.append(error("unknown-api-version", place.at("apiVersion"), message))
    kind = value.get("kind")
    if "kind" not in value:
        findings.append(error("missing-field", place, "“kind” is missing", hint=f"the kinds are {quoted(kinds)}"))
    elif kind not in kinds:
        findings.append(_unknown_kind(document, kinds))
    return findings


def _unknown_kind(document: Document, kinds: tuple[str, ...]) -> Finding:
    kind, place = document.value["kind"], document.place.at("kind")
    if kind == "Workspace":
        return error("misplaced-kind", place, "a Workspace is declared in krakenctl.yaml and nowhere else")
    if kind == "SandboxSeed":
        hint = "keep it out of the manifests, and run `krakenctl sandbox seed FILE`"
        return error("misplaced-kind", place, "a SandboxSeed is no resource; it fills a sandbox", hint=hint)
    if kinds == ("Workspace",):
        return error("unknown-kind", place, f"krakenctl.yaml declares a Workspace, and {shown(kind)} is none")
    if kinds == ("SandboxSeed",):
        return error("unknown-kind", place, f"a seed declares a SandboxSeed, and {shown(kind)} is none")
    hint = guess(kind, kinds) if isinstance(kind, str) else ""
    message = f"{shown(kind)} is no kind of resource; the kinds are {quoted(kinds)}"
    return error("unknown-kind", place, message, hint=hint)
