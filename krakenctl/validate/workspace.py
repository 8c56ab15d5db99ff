"""From the document in krakenctl.yaml to the workspace's settings. No reference in it is followed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from krakenctl.model.document import Document
from krakenctl.model.finding import Finding
from krakenctl.model.origin import Place
from krakenctl.model.safety import Safety
from krakenctl.model.time import parse_duration
from krakenctl.model.workspace import (
    SANDBOX,
    CredentialRefs,
    RateLimits,
    StateSettings,
    StoreSettings,
    Workspace,
    usual_schema,
)
from krakenctl.validate.report import error, has_errors, in_order
from krakenctl.validate.shape import Shapes
from krakenctl.validate.stores import clashes
from krakenctl.validate.words import guess, quoted, shown

LONGEST_SCHEMA = 63  # PostgreSQL would cut a longer name off without a word
_STATE_FIELDS = {"sqlite": {"path"}, "postgres": {"dsn", "schema"}}  # those that only one type has
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


def workspace(
    document: Document, schemas: Mapping[str, dict[str, Any]]
) -> tuple[Workspace | None, tuple[Finding, ...]]:
    """The settings, or None with what is wrong about them. No message repeats a credential."""
    problems = Shapes(schemas).check(document, ("Workspace",))
    if problems:
        return None, in_order(problems)
    checks = (_of_state, _stores, clashes, _outside, _references)
    findings = in_order([finding for check in checks for finding in check(document)])
    return (None if has_errors(findings) else _settings(document.value)), findings


def _settings(value: Mapping[str, Any]) -> Workspace:
    spec = value["spec"]
    return Workspace(
        name=value["metadata"]["name"],
        endpoint=spec["endpoint"].rstrip("/"),
        tag=spec["tag"],
        manifests=tuple(spec["manifests"]),
        state=_state(spec.get("state", {}), value["metadata"]["name"]),
        stores={name: _store(each) for name, each in spec["stores"].items()},
        default_store=spec.get("defaultStore") or next(iter(spec["stores"])),
        credentials={name: _credentials(each) for name, each in spec.get("credentials", {}).items()},
        rate_limits=_rate_limits(spec.get("rateLimits", {}), spec["endpoint"]),
        safety=_safety(spec.get("safety", {})),
        required_version=spec.get("requiredVersion", ""),
    )


def _state(spec: Mapping[str, Any], workspace: str) -> StateSettings:
    given = {name: spec[name] for name in ("type", "path", "dsn", "schema") if name in spec}
    if spec.get("type") == "postgres":
        given = {"schema": usual_schema(workspace), **given}
    if "lease" in spec:
        given["lease"] = parse_duration(spec["lease"])
    return StateSettings(**given)


def _rate_limits(spec: Mapping[str, Any], endpoint: str) -> RateLimits:
    """Of the embedded sandbox we know what it counts, unless somebody has turned its switches."""
    usual = RateLimits(tier="pro", count_connect=False) if endpoint == SANDBOX else RateLimits()
    counts = spec["connect"] == "counted" if "connect" in spec else usual.count_connect
    return RateLimits(tier=spec.get("tier", usual.tier), count_connect=counts)


def _safety(spec: Mapping[str, Any]) -> Safety:
    words = {"max_revokes": "maxRevokes", "max_revoke_percent": "maxRevokePercent"}
    return Safety(**{name: spec[word] for name, word in words.items() if word in spec})


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


def _of_state(document: Document) -> Iterator[Finding]:
    spec, place = document.value["spec"].get("state", {}), document.place.at("spec", "state")
    sort, other = ("postgres", "sqlite") if spec.get("type") == "postgres" else ("sqlite", "postgres")
    for field in sorted(spec.keys() & _STATE_FIELDS[other]):
        message, hint = f"“{field}” is for a state of the type {other}", f"take it out, or write `type: {other}`"
        yield error("misplaced-field", document.place.at("spec", "state", field), message, hint=hint)
    if sort == "postgres" and "dsn" not in spec:
        message = "“dsn” is missing: nobody knows which database is meant"
        hint = "name where the connection string is kept, as env:KRAKENCTL_STATE_DSN"
        yield error("missing-field", place, message, hint=hint)
    schema = spec.get("schema") or usual_schema(document.value["metadata"]["name"])
    if sort == "postgres" and len(schema) > LONGEST_SCHEMA:
        message = "this workspace's name is too long to name a schema after: PostgreSQL takes 63 characters"
        yield error("missing-field", place, message, hint="write `schema`")


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
