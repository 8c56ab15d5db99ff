"""Hands out the JSON Schemas that ship with krakenctl. It never checks anything against them.

They live in `schemas/`: inside the package in a wheel, beside it in a checkout (an editable install does not see what
a wheel is given). `python -m krakenctl.schema_files` prints the schema for all kinds, built from those of each.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

KINDS = ("Workspace", "Account", "SubAccount", "PermissionSet", "ApiKey", "Removed")
_SUFFIX = ".schema.json"


def names() -> tuple[str, ...]:
    """What `text` and `load` know, sorted: `account`, `apikey`, …, and `krakenctl` for all kinds in one."""
    return tuple(sorted(file.name.removesuffix(_SUFFIX) for file in _folder().glob(f"*{_SUFFIX}")))


def text(name: str) -> str:
    """The schema as it is shipped; upper and lower case are the same. Raises KeyError for an unknown name."""
    wanted = name.lower()
    if wanted not in names():
        raise KeyError(wanted)
    return (_folder() / f"{wanted}{_SUFFIX}").read_text(encoding="utf-8")


def load(name: str) -> dict[str, Any]:
    """The schema as data. Raises KeyError for an unknown name."""
    schema: dict[str, Any] = json.loads(text(name))
    return schema


def load_kinds() -> dict[str, dict[str, Any]]:
    """The schema of every kind of manifest, by kind: what `validate` is handed."""
    return {kind: load(kind) for kind in KINDS}


def combined() -> dict[str, Any]:
    """One schema for every kind, in one file without outward references: what an editor is pointed at."""
    kinds = load_kinds()
    shared = {name: part for schema in kinds.values() for name, part in schema["$defs"].items()}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"https://krakenctl.dev/schemas/v1/krakenctl{_SUFFIX}",
        "title": "krakenctl manifest",
        "description": "One document of a krakenctl manifest, of any kind.",
        "type": "object",
        "required": ["apiVersion", "kind"],
        "properties": {
            "apiVersion": kinds["ApiKey"]["properties"]["apiVersion"],
            "kind": {"enum": list(KINDS), "description": "What this document declares.", "examples": ["ApiKey"]},
        },
        "allOf": [_when(kind) for kind in KINDS],
        "$defs": shared | {kind: _without_frame(schema) for kind, schema in kinds.items()},
    }


def _when(kind: str) -> dict[str, Any]:
    of_kind = {"properties": {"kind": {"const": kind}}, "required": ["kind"]}
    return {"if": of_kind, "then": {"$ref": f"#/$defs/{kind}"}}


def _without_frame(schema: dict[str, Any]) -> dict[str, Any]:
    return {word: part for word, part in schema.items() if word not in ("$schema", "$id", "$defs")}


def _folder() -> Path:
    inside = Path(__file__).parent / "schemas"
    return inside if inside.is_dir() else Path(__file__).parent.parent / "schemas"


if __name__ == "__main__":
    sys.stdout.write(json.dumps(combined(), indent=2, ensure_ascii=False) + "\n")
