"""From the document in krakenctl.yaml to the workspace's settings. No reference in it is followed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from krakenctl.model.document import Document
from krakenctl.model.finding import Finding
from krakenctl.model.origin import Place
from krakenctl.model.workspace import CredentialRefs, StateSettings, StoreSettings, Workspace
from krakenctl.validate.report import error, has_errors, in_order
from krakenctl.validate.shape import Shapes
from krakenctl.validate.stores import clashes
from krakenctl.validate.words import guess, quoted, shown

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


def workspace(
    document: Document, schemas: Mapping[str, dict[str, Any]]
) -> tuple[Workspace | None, tuple[Finding, ...]]:
    """The settings, or None with what is wrong about them. No message repeats a credential."""
    problems = Shapes(schemas).check(document, ("Workspace",))
    if problems:
        return None, in_order(problems)
    findings = in_order([*_stores(document), *clashes(document), *_outside(document), *_references(document)])
    return (None if has_errors(findings) else _settings(document.value)), findings


def _settings(value: Mapping[str, Any]) -> Workspace:
    spec = value["spec"]
    return Workspace(
        name=value["metadata"]["name"],
        endpoint=spec["endpoint"].rstrip("/"),
        tag=spec["tag"],
        manifests=tuple(spec["manifests"]),
        state=_state(spec.get("state", {})),
        stores={name: _store(each) for name, each in spec["stores"].items()},
        default_store=spec.get("defaultStore") or next(iter(spec["stores"])),
        credentials={name: _credentials(each) for name, each in spec.get("credentials", {}).items()},
        required_version=spec.get("requiredVersion", ""),
    )


def _state(spec: Mapping[str, Any]) -> StateSettings:
    return StateSettings(**{name: spec[name] for name in ("type", "path") if name in spec})


def _store(spec: Mapping[str, Any]) -> StoreSettings:
    return StoreSettings(
        type=spec["type"],
        path=spec["path"],
        recipients=tuple(spec.get("recipients", ())),
        recipients_file=spec.get("recipientsFile", ""),
        identity=spec.get("identity", ""),
    )


def _credentials(spec: Mapping[str, Any]) -> CredentialRefs:
    return CredentialRefs(token=spec.get("token", ""), api_key=spec.get("apiKey", ""))


def _stores(document: Document) -> Iterator[Finding]:
    spec, place = document.value["spec"], document.place
    stores = spec["stores"]
    default = spec.get("defaultStore")
    if default is None and len(stores) > 1:
        message, hint = "“defaultStore” is missing, and there is more than one store", f"one of {quoted(stores)}"
        yield error("missing-field", place.at("spec", "defaultStore"), message, hint=hint)
    if default is not None and default not in stores:
        yield _unknown_store(default, stores, place.at("spec", "defaultStore"))
    for name, store in stores.items():
        path = ("spec", "stores", name)
        if store["type"] == "age" and not ("recipients" in store or "recipientsFile" in store):
            message = f"the store “{name}” has no recipients: nobody could read what is written to it"
            yield error("no-recipients", place.at(*path), message, hint="write `recipients` or `recipientsFile`")


def _outside(document: Document) -> Iterator[Finding]:
    """What krakenctl writes, it writes inside the workspace: a clone must not name files of whoever tries it."""
    for what, at, path in _written(document.value["spec"]):
        if path.startswith("/") or ".." in path.split("/"):
            message, hint = f"{what} lies inside the workspace", "write a path relative to it"
            yield error("outside-workspace", document.place.at(*at), message, hint=hint)


def _written(spec: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, ...], str]]:
    if "path" in spec.get("state", {}):
        yield "the state", ("spec", "state", "path"), spec["state"]["path"]
    for name, store in spec["stores"].items():
        yield "a store", ("spec", "stores", name, "path"), store["path"]
        if "recipientsFile" in store:
            yield "a file of recipients", ("spec", "stores", name, "recipientsFile"), store["recipientsFile"]


def _references(document: Document) -> Iterator[Finding]:
    spec, place = document.value["spec"], document.place
    for account, references in spec.get("credentials", {}).items():
        for field, reference in references.items():
            at = place.at("spec", "credentials", account, field)
            sort, _, target = reference.partition(":")
            store = target.split("/")[0]
            if sort == "store" and field == "token":
                message, hint = "a store keeps key pairs only, and this is a token", "write env:NAME or file:PATH"
                yield error("bad-reference", at, message, hint=hint)
            elif sort == "store" and store not in spec["stores"]:
                yield _unknown_store(store, spec["stores"], at)
            if not set(_PLACEHOLDER.findall(reference)) <= {"account", "username"}:
                message = "only {account} and {username} are filled in; another name stands in braces here"
                yield error("unknown-placeholder", at, message)


def _unknown_store(name: str, stores: Mapping[str, Any], at: Place) -> Finding:
    hint = guess(name, list(stores)) or f"the stores are {quoted(stores)}"
    return error("unknown-store", at, f"there is no store {shown(name)}", hint=hint)
