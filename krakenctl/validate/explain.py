"""Turns what jsonschema says into sentences for a person. Its own messages never leave here, and no secret does."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from krakenctl.model.document import Document
from krakenctl.model.finding import Finding
from krakenctl.model.origin import KEY, Path
from krakenctl.validate.report import error
from krakenctl.validate.words import guess, nearest_permission, quoted, shown

_FRAME = {("kind",), ("apiVersion",)}  # judged before a schema is chosen
_SWITCHES = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}
_TYPES = {"object": "a mapping", "array": "a list", "string": "a text", "integer": "a whole number",
          "boolean": "true or false"}  # fmt: skip
_ALLOWLIST_EMPTY = "an empty allow-list means the whole world on Kraken"

# jsonschema.ValidationError, whose types admit an “unset” that an error in hand never has.
Broken = Any
Value = Any  # what a Document may hold

Problem = tuple[str, str, str, Path]  # rule, message, hint, path


class Validator(Protocol):
    """The part of jsonschema's validators that is used here."""

    def iter_errors(self, instance: Value) -> Iterator[Broken]: ...


def explain(document: Document, checker: Validator) -> Iterator[Finding]:
    """Yield every way in which the document breaks its schema, each once."""
    address = _address(document)
    told = set()
    for problem in checker.iter_errors(document.value):
        for rule, message, hint, path in _problems(problem):
            if (path not in _FRAME or rule == "missing-field") and (rule, path, message) not in told:
                told.add((rule, path, message))
                yield error(rule, document.place.at(*path), message, hint=hint, address=address)


def validator(schema: Mapping[str, Any]) -> Validator:
    """jsonschema's validator, with regular expressions read as JSON Schema does: `$` is the very end."""
    from jsonschema import Draft202012Validator, ValidationError
    from jsonschema.validators import extend

    def pattern(_validator: object, wanted: str, value: Value, _schema: object) -> Iterator[ValidationError]:
        if isinstance(value, str) and re.search(wanted.replace("$", r"\Z"), value) is None:
            yield ValidationError("pattern")

    checker: Validator = extend(Draft202012Validator, {"pattern": pattern})(schema)  # type: ignore[no-untyped-call]
    return checker


def _address(document: Document) -> str:
    """As much of an address as a broken document tells."""
    value = document.value
    metadata, spec = value.get("metadata"), value.get("spec")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    account = spec.get("account") if isinstance(spec, dict) and document.kind == "ApiKey" else None
    parts = [document.kind, *([account] if document.kind == "ApiKey" else []), name]
    return "/".join(map(str, parts)) if all(isinstance(part, str) and part for part in parts) else ""


def _problems(problem: Broken) -> Iterator[Problem]:
    path: Path = tuple(problem.absolute_path)
    if problem.instance is None and problem.validator != "required":
        yield _null(path)
    elif problem.validator == "anyOf":
        for nested in _meant_branch(problem):
            yield from _problems(nested)
    elif "propertyNames" in problem.schema_path:
        yield from _named(problem, path)
    else:
        yield from _SAYINGS.get(str(problem.validator), _other)(problem, path)


def _null(path: Path) -> Problem:
    return (
        "null-value",
        f"“{_field(path)}” is null",
        "a field left out is inherited or not managed; null is not a value",
        path,
    )


def _meant_branch(problem: Broken) -> list[Broken]:
    """Of several forms, the errors of the one that the value looks like."""
    branches: dict[Any, list[Broken]] = {}
    for nested in problem.context or ():
        branches.setdefault(nested.schema_path[0], []).append(nested)
    fitting = [errors for errors in branches.values() if not any(_is_other_type(nested) for nested in errors)]
    return next(iter(fitting or branches.values()))


def _is_other_type(nested: Broken) -> bool:
    return nested.validator == "type" and len(nested.path) == 0


def _named(problem: Broken, path: Path) -> Iterator[Problem]:
    name = problem.instance
    why = problem.schema.get("patternErrorMessage", "a name is not empty")
    yield _rule(problem, "bad-name"), f"{shown(name)} is not a name that can stand here: {why}", "", (*path, name, KEY)


def _unknown_fields(problem: Broken, path: Path) -> Iterator[Problem]:
    known = list(problem.schema.get("properties", ()))
    for name in problem.instance:
        if name not in known:
            hint = guess(name, [field for field in known if field not in problem.instance] or known)
            where = f"“{_field(path)}”" if path else "a document"
            message = f"{shown(name)} is not a field of {where}; it has {quoted(known)}"
            yield "unknown-field", message, hint, (*path, name, KEY)


def _missing_fields(problem: Broken, path: Path) -> Iterator[Problem]:
    for name in problem.validator_value:
        if name not in problem.instance:
            where = f" in “{_field(path)}”" if path else ""
            yield "missing-field", f"“{name}” is missing{where}", "", (*path, name)


def _wrong_type(problem: Broken, path: Path) -> Iterator[Problem]:
    wanted, value = str(problem.validator_value), problem.instance
    message = f"“{_field(path)}” must be {_TYPES.get(wanted, wanted)}, not {_kind_of(value, path)}"
    yield "wrong-type", message, _type_hint(wanted, value, problem.schema), path


def _kind_of(value: Value, path: Path) -> str:
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    glance = shown(value, path)
    if isinstance(value, str):
        return f"the text {glance}" if glance.startswith("“") else "a text"
    return f"the number {glance}" if not isinstance(value, bool) and glance.startswith("“") else glance


def _type_hint(wanted: str, value: Value, schema: Mapping[str, Any]) -> str:
    if wanted == "string" and isinstance(value, bool | int):
        fits = re.search(schema.get("pattern", ""), str(value).lower()) is not None
        return "write it in quotes" if fits else str(schema.get("patternErrorMessage", ""))
    if wanted == "boolean" and isinstance(value, str) and value.lower() in _SWITCHES:
        return f"write {_SWITCHES[value.lower()]}"
    if wanted == "array" and isinstance(value, str):
        return "write it as a list: [ … ]"
    return "write it without quotes" if wanted == "integer" and _is_number(value) else ""


def _is_number(value: Value) -> bool:
    return isinstance(value, str) and re.fullmatch(r"0|[1-9][0-9]*", value) is not None


def _not_listed(problem: Broken, path: Path) -> Iterator[Problem]:
    known, value = [str(word) for word in problem.validator_value], problem.instance
    rule = _rule(problem, "unknown-value")
    if not isinstance(value, str):
        return  # its type is wrong, and that is said already
    if rule == "unknown-permission":
        near = nearest_permission(value)
        hint = f"did you mean “{near}”" if near else f"the permissions are {quoted(known)}"
        yield rule, f"{shown(value, path)} is not a permission", hint, path
        return
    yield rule, f"{shown(value, path)} cannot stand here; it is one of {quoted(known)}", guess(value, known), path


def _not_constant(problem: Broken, path: Path) -> Iterator[Problem]:
    if problem.parent is None:
        yield "unknown-value", f"{shown(problem.instance, path)} cannot stand here", "", path
        return
    message = f"{shown(problem.instance, path)} is not an allow-list"
    yield "bad-allowlist", message, "write a list of addresses and CIDR ranges, or the word any", path


def _bad_pattern(problem: Broken, path: Path) -> Iterator[Problem]:
    rule = _rule(problem, "bad-value")
    why = problem.schema.get("patternErrorMessage", "it is not written as it should be")
    if rule == "literal-credential":
        yield _literal(problem.instance, str(why), path)
        return
    yield rule, f"{shown(problem.instance, path)} cannot stand in “{_field(path)}”: {why}", "", path


def _literal(value: str, why: str, path: Path) -> Problem:
    """Never repeats the value, nor any part of it."""
    if re.match(r"(?i)(env|file|store|vault|aws|keyring|exec|kubernetes):", value):
        return "bad-reference", f"“{_field(path)}” holds a reference that leads nowhere", why, path
    return (
        "literal-credential",
        f"“{_field(path)}” holds the credential itself",
        f"take it out of the file; {why}",
        path,
    )


def _too_long(problem: Broken, path: Path) -> Iterator[Problem]:
    limit, length = problem.validator_value, len(problem.instance)
    if path[-2:] == ("metadata", "name"):
        why = "on Kraken it is followed by the workspace's tag and a generation, and all of it has 32"
        message = f"this name has {length} characters and may have {limit}"
        yield "name-too-long", message, why if limit < 32 else "", path
        return
    yield "too-long", f"“{_field(path)}” has {length} characters and may have {limit}", "", path


def _too_short(_problem: Broken, path: Path) -> Iterator[Problem]:
    yield "empty-value", f"“{_field(path)}” is empty", "leave the field out or give it a value", path


def _too_few(_problem: Broken, path: Path) -> Iterator[Problem]:
    if path[-1:] == ("ipAllowlist",):
        yield "empty-allowlist", _ALLOWLIST_EMPTY, "write `any` if that is meant, or leave it out to inherit", path
        return
    yield "empty-value", f"“{_field(path)}” is empty", "", path


def _repeated(problem: Broken, path: Path) -> Iterator[Problem]:
    seen: list[Any] = []
    for number, value in enumerate(problem.instance):
        if value in seen:
            yield "repeated-value", f"{shown(value, path)} is written twice in “{_field(path)}”", "", (*path, number)
        seen.append(value)


def _out_of_range(problem: Broken, path: Path) -> Iterator[Problem]:
    word = "least" if problem.validator == "minimum" else "most"
    yield "out-of-range", f"“{_field(path)}” must be at {word} {problem.validator_value}", "", path


def _other(_problem: Broken, path: Path) -> Iterator[Problem]:
    yield "bad-value", f"“{_field(path)}” is not as its schema says", "", path


_SAYINGS: Mapping[str, Callable[[Broken, Path], Iterator[Problem]]] = {
    "additionalProperties": _unknown_fields,
    "required": _missing_fields,
    "type": _wrong_type,
    "enum": _not_listed,
    "const": _not_constant,
    "pattern": _bad_pattern,
    "maxLength": _too_long,
    "minLength": _too_short,
    "minItems": _too_few,
    "minProperties": _too_few,
    "uniqueItems": _repeated,
    "minimum": _out_of_range,
    "maximum": _out_of_range,
}


def _rule(problem: Broken, otherwise: str) -> str:
    return str(problem.schema.get("x-rule", otherwise))


def _field(path: Path) -> str:
    """`spec.grants.sets[0]`, as people write it."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}"
    return text.removeprefix(".") or "the document"
