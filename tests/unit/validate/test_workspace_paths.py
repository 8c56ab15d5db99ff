"""krakenctl.yaml names nothing to be written outside the workspace, and only what this krakenctl knows."""

from pathlib import Path

import pytest

from krakenctl import plugins, validate
from krakenctl.credentials import Credentials
from krakenctl.load.manifests import parse
from krakenctl.model.workspace import StoreSettings
from krakenctl.schema_files import load, load_kinds

TEXT = """
apiVersion: krakenctl/v1
kind: Workspace
metadata: {name: acme}
spec:
  endpoint: sandbox
  tag: a7
  manifests: [manifests]
  state: {path: STATE}
  stores:
    desk: {type: TYPE, path: STORE, recipientsFile: RECIPIENTS}
  credentials:
    acme: {token: "TOKEN", apiKey: "APIKEY"}
"""
SOUND = {
    "STATE": "var/state.db",
    "TYPE": "age",
    "STORE": "secrets",
    "RECIPIENTS": "keys/recipients.txt",
    "TOKEN": "env:TOKEN",
    "APIKEY": "store:desk/acme",
}
RECIPIENT = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"


def findings(**changed):
    text = TEXT
    for word, value in (SOUND | changed).items():
        text = text.replace(word, value)
    [document] = parse(text.encode(), "krakenctl.yaml").documents
    return validate.workspace(document, load_kinds())[1]


def test_a_sound_workspace_has_no_finding():
    assert findings() == ()


@pytest.mark.parametrize("path", ["../x", "a/../../x", "/abs/x", ".."])
@pytest.mark.parametrize(
    ("word", "field"),
    [("STATE", "state"), ("STORE", "stores"), ("RECIPIENTS", "stores")],
    ids=["state", "store", "file"],
)
def test_what_is_written_lies_inside_the_workspace(word, field, path):
    [finding] = findings(**{word: path})
    assert (finding.rule, finding.place.path[1]) == ("outside-workspace", field)
    assert "inside the workspace" in finding.message


def test_two_dots_in_a_name_lead_nowhere_else():
    assert findings(STATE="a..b/state..db", RECIPIENTS="..keys") == ()


def test_a_token_cannot_be_kept_in_a_store_and_a_key_pair_can():
    [finding] = findings(TOKEN="store:desk/acme/token")
    assert finding.rule == "bad-reference"
    assert finding.place.path == ("spec", "credentials", "acme", "token")
    assert "key pairs only" in finding.message
    assert "env:NAME" in finding.hint


@pytest.mark.parametrize("word", ["agee", "Age"])
def test_a_misspelt_sort_of_store_is_told_with_what_was_meant(word):
    [finding] = findings(TYPE=word)
    assert (finding.rule, finding.hint) == ("unknown-value", "did you mean “age”")


def test_a_sort_of_store_that_nobody_knows_is_told_with_those_that_there_are():
    [finding] = findings(TYPE="vault")
    assert finding.rule == "unknown-value"
    assert finding.message.endswith("it is one of “age”")


def test_every_sort_of_store_that_validates_can_be_opened():
    for sort in load("workspace")["$defs"]["store"]["properties"]["type"]["enum"]:
        settings = StoreSettings(type=sort, path="secrets", recipients=(RECIPIENT,))
        assert plugins.store(settings, Path(), Credentials(Path(), {}))
