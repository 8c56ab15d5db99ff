"""What `state:` may say: a file or a database, never half of each, and never a connection string itself."""

from __future__ import annotations

import json

import pytest

from krakenctl import validate
from krakenctl.load.manifests import parse
from krakenctl.model.workspace import StateSettings
from krakenctl.schema_files import load_kinds

DSN = "env:KRAKENCTL_STATE_DSN"


def read(name="acme", **state):
    spec = {
        "endpoint": "sandbox",
        "tag": "a7",
        "manifests": ["manifests"],
        "state": state,
        "stores": {"desk": {"type": "age", "path": "secrets", "recipientsFile": "recipients.txt"}},
    }
    workspace = {"apiVersion": "krakenctl/v1", "kind": "Workspace", "metadata": {"name": name}, "spec": spec}
    [document] = parse(json.dumps(workspace).encode(), "krakenctl.yaml").documents
    return validate.workspace(document, load_kinds())


def settings(**fields):
    read_settings, findings = read(**fields)
    assert findings == ()
    return read_settings.state


def rules(**fields):
    return [(finding.rule, finding.place.path[-1]) for finding in read(**fields)[1]]


def test_a_state_is_a_file_of_this_host_unless_it_says_otherwise():
    assert settings() == StateSettings(type="sqlite", path=".krakenctl/state.db", lease=60)


def test_a_postgres_state_is_in_a_schema_named_after_its_workspace():
    assert settings(type="postgres", dsn=DSN).schema == "krakenctl_acme"
    assert settings(name="acme-desk", type="postgres", dsn=DSN).schema == "krakenctl_acme_desk"


def test_what_is_written_about_a_postgres_state_is_kept():
    found = settings(type="postgres", dsn="file:state.dsn", schema="shared_1", lease="2m")
    assert (found.type, found.dsn, found.schema, found.lease) == ("postgres", "file:state.dsn", "shared_1", 120)


def test_either_sort_may_say_how_long_a_lease_outlives_its_holder():
    assert settings(lease="5s").lease == 5


@pytest.mark.parametrize(
    ("state", "field"),
    [
        ({"dsn": DSN}, "dsn"),
        ({"schema": "krakenctl_acme"}, "schema"),
        ({"type": "postgres", "dsn": DSN, "path": "state.db"}, "path"),
    ],
)
def test_fields_of_the_two_sorts_do_not_mix(state, field):
    _, [finding] = read(**state)
    assert (finding.rule, finding.place.path[-1]) == ("misplaced-field", field)
    assert "write `type: " in finding.hint


def test_a_postgres_state_names_its_connection_string():
    assert rules(type="postgres") == [("missing-field", "state")]


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresql://krakenctl:hunter2@db.acme.example/krakenctl",
        "host=db.acme.example password=hunter2",
        "hunter2",
    ],
)
def test_a_connection_string_in_the_file_is_refused_and_nowhere_repeated(dsn):
    _, findings = read(type="postgres", dsn=dsn)
    assert [finding.rule for finding in findings] == ["literal-credential"]
    assert "hunter2" not in repr(findings)


def test_a_connection_string_cannot_be_kept_in_a_store():
    assert rules(type="postgres", dsn="store:desk/dsn") == [("bad-reference", "dsn")]


@pytest.mark.parametrize("schema", ["Acme", "acme-desk", "1acme", "a" * 64, 'a"b', ""])
def test_a_schema_has_a_plain_name(schema):
    assert rules(type="postgres", dsn=DSN, schema=schema) == [("bad-schema", "schema")]


def test_a_workspace_whose_name_is_too_long_for_a_schema_names_one():
    _, [finding] = read(name="a" * 60, type="postgres", dsn=DSN)
    assert finding.hint == "write `schema`"
    assert settings(name="a" * 60, type="postgres", dsn=DSN, schema="acme").schema == "acme"


def test_a_sort_that_nobody_knows_is_told_with_those_that_there_are():
    _, [finding] = read(type="postgresql")
    assert (finding.rule, finding.hint) == ("unknown-value", "did you mean “postgres”")
