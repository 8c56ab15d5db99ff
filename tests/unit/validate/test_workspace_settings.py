"""What krakenctl.yaml says, and what it says when it says little."""

from krakenctl import validate
from krakenctl.load.manifests import parse
from krakenctl.model.safety import Safety
from krakenctl.model.workspace import CredentialRefs, StoreSettings
from krakenctl.schema_files import load_kinds

SMALL = """
apiVersion: krakenctl/v1
kind: Workspace
metadata: {name: acme-desk}
spec:
  endpoint: sandbox
  tag: "07"
  manifests: [manifests]
  stores:
    desk: {type: age, path: secrets, recipientsFile: recipients.txt}
"""
LARGE = """
apiVersion: krakenctl/v1
kind: Workspace
metadata: {name: acme-desk}
spec:
  endpoint: http://127.0.0.1:8765/
  tag: a7
  requiredVersion: ">=0.1,<2"
  manifests: [manifests, "more/**/*.yaml"]
  state: {type: sqlite, path: var/state.db}
  stores:
    one: {type: age, path: secrets, recipientsFile: recipients.txt, identity: "file:.krakenctl/identity.txt"}
    two: {type: age, path: b, recipients: [age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p]}
  defaultStore: two
  credentials:
    acme: {token: "file:.krakenctl/credentials/acme.json", apiKey: "store:one/acme/key"}
    "*": {token: "file:.krakenctl/credentials/{account}.json"}
"""


def read(text):
    [document] = parse(text.encode(), "krakenctl.yaml").documents
    return validate.workspace(document, load_kinds())


def test_what_is_left_out_has_the_default_that_is_documented():
    settings, findings = read(SMALL)
    assert findings == ()
    assert (settings.state.path, settings.default_store, settings.tag) == (".krakenctl/state.db", "desk", "07")
    assert (settings.credentials, settings.required_version) == ({}, "")
    assert (settings.safety.max_revokes, settings.safety.max_revoke_percent) == (10, 30)


def test_everything_that_is_written_is_kept():
    settings, findings = read(LARGE)
    assert findings == ()
    assert (settings.name, settings.endpoint, settings.default_store) == ("acme-desk", "http://127.0.0.1:8765", "two")
    assert (settings.state.path, settings.required_version) == ("var/state.db", ">=0.1,<2")
    assert settings.manifests == ("manifests", "more/**/*.yaml")
    assert settings.stores["one"] == StoreSettings(
        type="age", path="secrets", recipients_file="recipients.txt", identity="file:.krakenctl/identity.txt"
    )
    assert settings.credentials_of("desk") == CredentialRefs(token="file:.krakenctl/credentials/desk.json")
    assert settings.credentials_of("acme").api_key == "store:one/acme/key"


def test_a_workspace_may_have_tighter_limits_or_wider_ones():
    settings, findings = read(SMALL + "  safety: {maxRevokes: 0, maxRevokePercent: 100}\n")
    assert findings == ()
    assert settings.safety == Safety(max_revokes=0, max_revoke_percent=100)


def test_a_literal_credential_is_refused_and_nowhere_repeated():
    _, findings = read(LARGE.replace("store:one/acme/key", "hunter2hunter2"))
    assert [finding.rule for finding in findings] == ["literal-credential"]
    assert "hunter2" not in repr(findings)
