"""Sorts documents into resources by kind and name. Names taken twice are found; what they say is not read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from krakenctl.model.address import Address, key_address
from krakenctl.model.document import Document
from krakenctl.model.finding import Finding
from krakenctl.model.origin import Place
from krakenctl.validate.report import Report, error
from krakenctl.validate.shape import Shapes

KINDS = ("Account", "SubAccount", "PermissionSet", "ApiKey", "Removed")
_ACCOUNTS = ("Account", "SubAccount")


class Resource(NamedTuple):
    """A document whose shape is right."""

    kind: str
    name: str
    address: Address
    place: Place
    metadata: dict[str, Any]
    spec: dict[str, Any]


@dataclass(slots=True)
class Resources:
    """Everything that was declared. `broken` are names whose documents cannot be used: known, but not looked into."""

    accounts: dict[str, Resource] = field(default_factory=dict)  # Account and SubAccount share their names
    sets: dict[str, Resource] = field(default_factory=dict)
    keys: dict[Address, Resource] = field(default_factory=dict)
    removed: dict[str, Resource] = field(default_factory=dict)
    broken: set[tuple[str, str]] = field(default_factory=set)  # kind and name

    def is_broken_account(self, name: str) -> bool:
        return any((kind, name) in self.broken for kind in _ACCOUNTS)


def collect(documents: Sequence[Document], shapes: Shapes, report: Report) -> Resources:
    """Check every document's shape, and keep the sound ones by name. The first of a name, as files go, wins."""
    found = Resources()
    for document in sorted(documents, key=lambda each: each.place):
        problems = shapes.check(document, KINDS)
        if problems:
            report.extend(problems)
            _remember(document, found)
        else:
            _keep(_resource(document), found, report)
    return found


def _resource(document: Document) -> Resource:
    value = document.value
    kind, metadata, spec = value["kind"], value["metadata"], value["spec"]
    name = metadata["name"]
    address = key_address(spec["account"], name) if kind == "ApiKey" else Address(kind, (name,))
    return Resource(kind, name, address, document.place, metadata, spec)


def _remember(document: Document, found: Resources) -> None:
    value = document.value
    metadata = value.get("metadata") if isinstance(value, dict) else None
    name = metadata.get("name") if isinstance(metadata, dict) else None
    if isinstance(name, str):
        found.broken.add((document.kind, name))


def _keep(resource: Resource, found: Resources, report: Report) -> None:
    if resource.kind == "ApiKey":
        first = found.keys.setdefault(resource.address, resource)
    else:
        shelf = {"PermissionSet": found.sets, "Removed": found.removed}.get(resource.kind, found.accounts)
        first = shelf.setdefault(resource.name, resource)
    if first is not resource:
        report.append(_duplicate(resource, first))


def _duplicate(resource: Resource, first: Resource) -> Finding:
    shared = "; an Account and a SubAccount share their names" if resource.kind != first.kind else ""
    return error(
        "duplicate-name",
        resource.place.at("metadata", "name"),
        f"“{first.address}” is declared already{shared}",
        hint="rename or remove one of them",
        address=resource.address,
        related=(("it is first declared here", first.place.at("metadata", "name")),),
    )
