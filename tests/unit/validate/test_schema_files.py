"""The schemas that editors use: complete, self-contained, described, and the same everywhere."""

import json
from pathlib import Path

import jsonschema
import jsonschema_rs
import pytest

from krakenctl import schema_files
from krakenctl.model.permission import SPELLINGS

ALL = [*schema_files.KINDS, "krakenctl"]


def parts(schema):
    """Every property anywhere in a schema, with its name."""
    if isinstance(schema, dict):
        for name, part in schema.get("properties", {}).items() if "additionalProperties" in schema else ():
            yield name, part
        for part in schema.values():
            yield from parts(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from parts(part)


def resolve(part, definitions):
    return definitions[part["$ref"].rsplit("/", 1)[1]] | part if "$ref" in part else part


@pytest.mark.parametrize("kind", ALL)
def test_a_schema_is_a_schema_and_needs_no_other_file(kind):
    schema = schema_files.load(kind)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema_rs.validator_for(schema)
    assert schema["$id"] == f"https://krakenctl.dev/schemas/v1/{kind.lower()}.schema.json"
    references = json.dumps(schema).count('"$ref": "')
    assert references == json.dumps(schema).count('"$ref": "#/$defs/')


@pytest.mark.parametrize("kind", ALL)
def test_every_field_is_described_and_has_an_example(kind):
    schema = schema_files.load(kind)
    found = [(name, resolve(part, schema["$defs"])) for name, part in parts(schema)]
    assert len(found) > 5
    for name, part in found:
        assert part.get("description"), name
        if part.get("type") != "object" or "properties" not in part:
            assert part.get("examples"), name


@pytest.mark.parametrize("kind", schema_files.KINDS)
def test_no_mapping_takes_fields_that_are_not_known(kind):
    def mappings(schema):
        if isinstance(schema, dict):
            if schema.get("type") == "object":
                yield schema
            for part in schema.values():
                yield from mappings(part)
        elif isinstance(schema, list):
            for part in schema:
                yield from mappings(part)

    for mapping in mappings(schema_files.load(kind)):
        free = mapping["additionalProperties"]
        assert free is False or "properties" not in mapping


def test_the_schema_for_all_kinds_is_built_from_those_of_each():
    """Refresh it: python -m krakenctl.schema_files > schemas/krakenctl.schema.json."""
    assert schema_files.load("krakenctl") == schema_files.combined()


def test_a_definition_means_the_same_in_every_schema():
    seen = {}
    for kind in schema_files.KINDS:
        for name, part in schema_files.load(kind)["$defs"].items():
            assert seen.setdefault(name, part) == part, name


def test_the_permissions_are_krakens_in_its_order_with_its_labels():
    permission = schema_files.load("ApiKey")["$defs"]["permission"]
    assert permission["enum"] == list(SPELLINGS)
    assert permission["enumDescriptions"] == [spelling.label for spelling in SPELLINGS.values()]


def test_names_are_the_same_in_upper_and_lower_case_and_unknown_ones_are_refused():
    assert schema_files.text("ApiKey") == schema_files.text("apikey")
    assert {"krakenctl", "workspace", "apikey"} <= set(schema_files.names())
    with pytest.raises(KeyError):
        schema_files.text("../pyproject")


def test_in_a_wheel_the_schemas_lie_inside_the_package(tmp_path, monkeypatch):
    folder = tmp_path / "krakenctl" / "schemas"
    folder.mkdir(parents=True)
    (folder / "plan.schema.json").write_text("{}")
    monkeypatch.setattr(schema_files, "__file__", str(Path(folder).parent / "schema_files.py"))
    assert schema_files.names() == ("plan",)
    assert schema_files.load("plan") == {}


def test_the_schema_for_all_kinds_judges_as_the_single_ones_do():
    judge = jsonschema_rs.validator_for(schema_files.load("krakenctl"))
    removed = {"apiVersion": "krakenctl/v1", "kind": "Removed", "metadata": {"name": "a"}, "spec": {"address": "b"}}
    assert judge.is_valid(removed)
    assert not judge.is_valid(removed | {"spec": {}})
    assert not judge.is_valid(removed | {"kind": "Remove"})
