"""What `krakenctl init` makes, what it never touches, and what it refuses."""

from __future__ import annotations

import os
import stat
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from krakenctl import validate
from krakenctl.load.manifests import parse
from krakenctl.project import open_project
from krakenctl.schema_files import load_kinds
from krakenctl.tasks import starter
from krakenctl.tasks.initialise import Wish, initialise
from running import Ran, krakenctl

SCHEMAS = load_kinds()
NAMES = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True) | st.sampled_from(
    ["123", "0", "007", "null", "true", "no", "on", "y", "1e3", "0x1f", "2027-05-01", "1--1"]
)
TAGS = st.from_regex(r"[a-z0-9]{2}", fullmatch=True) | st.sampled_from(["42", "00", "07", "no", "on", "1e", "0o"])


def init(root: Path, *more: str) -> Ran:
    return krakenctl("-C", root, "init", "--name", "acme", "--tag", "a7", *more)


def said(told: Ran) -> str:
    """However it was wrapped."""
    return " ".join(told.err.split())


def edit(root: Path, old: str, new: str) -> None:
    file = root / "krakenctl.yaml"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """Freshly made, as somebody else may have committed it: without .krakenctl."""
    root = tmp_path / "w"
    assert init(root).code == 0
    for file in sorted((root / ".krakenctl").rglob("*"), reverse=True):
        file.rmdir() if file.is_dir() else file.unlink()
    (root / ".krakenctl").rmdir()
    return root


@pytest.fixture
def precious(tmp_path: Path) -> Path:
    file = tmp_path / "precious"
    file.write_text("precious\n")
    return file


@given(name=NAMES, tag=TAGS)
def test_every_legal_name_and_tag_makes_a_sound_workspace(name, tag):
    [document] = parse(starter.workspace(name, tag, "sandbox").encode(), "krakenctl.yaml").documents
    workspace, findings = validate.workspace(document, SCHEMAS)
    assert (findings, workspace.name, workspace.tag) == ((), name, tag)
    texts = {"account.yaml": starter.account(name), "keys.yaml": starter.keys(name)}
    documents = [each for file, text in texts.items() for each in parse(text.encode(), file).documents]
    desired, findings = validate.desired(documents, workspace, "", SCHEMAS)
    assert findings == ()
    assert set(desired.accounts) == {name}
    assert sorted(map(str, desired.keys)) == [f"ApiKey/{name}/dashboard", f"ApiKey/{name}/first-bot"]


@settings(max_examples=15)
@given(name=NAMES, tag=TAGS)
def test_init_ends_well_with_every_legal_name_and_tag(name, tag):
    with tempfile.TemporaryDirectory() as folder:
        assert krakenctl("-C", folder, "init", "--name", name, "--tag", tag).code == 0
        assert krakenctl("-C", folder, "plan", "--detailed-exitcode").code == 2


def test_a_tag_that_nobody_chose_begins_with_a_letter(tmp_path: Path):
    tags = set()
    for number in range(30):
        initialise(tmp_path / str(number), Wish("acme", "", "https://api.kraken.com"))
        tags.add(open_project(tmp_path / str(number)).workspace.tag)
    assert all(tag[0].isalpha() for tag in tags)
    assert len(tags) > 5


def test_a_workspace_may_be_named_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    for folder in (Path("w"), Path("./a/../w2"), Path("../" + tmp_path.name + "/w3")):
        assert init(folder).code == 0
        assert krakenctl("-C", folder, "apply", "--yes").code == 0
        assert krakenctl("-C", folder, "sandbox", "reset", "--yes").code == 0
        assert sorted(each.name for each in folder.iterdir()) == [
            ".gitignore", ".krakenctl", "krakenctl.yaml", "manifests", "recipients.txt", "secrets"
        ]  # fmt: skip


def test_init_a_second_time_changes_nothing(tmp_path: Path):
    init(tmp_path)
    before = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    again = init(tmp_path)
    assert again.out == "Nothing was missing.\n"
    assert {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()} == before


def test_what_is_secret_is_for_its_owner_alone(workspace: Path):
    init(workspace)
    own = [workspace / ".krakenctl", *(workspace / ".krakenctl").rglob("*")]
    assert not any(stat.S_IMODE(each.stat().st_mode) & 0o077 for each in own)


@pytest.mark.parametrize(
    ("link", "target"),
    [
        (".krakenctl", ".."),
        (".krakenctl", "nowhere"),
        (".krakenctl/krakenctl.schema.json", "../../precious"),
        (".krakenctl/identity.txt", "../leaked.txt"),
        (".krakenctl/credentials", "../manifests"),
        (".krakenctl/credentials/acme.json", "../../leaked.json"),
        ("recipients.txt", "../precious"),
        (".gitignore", "../precious"),
    ],
)
def test_a_link_in_a_cloned_workspace_is_not_gone_through(workspace: Path, precious: Path, link: str, target: str):
    (workspace / link).parent.mkdir(parents=True, exist_ok=True)
    (workspace / link).unlink(missing_ok=True)
    (workspace / link).symlink_to(target)
    outside = set(workspace.parent.iterdir()) | set((workspace / "manifests").iterdir())
    for root in (workspace, workspace / "manifests/.."):  # however the workspace is named
        told = init(root)
        assert told.code == 7, told
        assert "link" in said(told)
    assert precious.read_text() == "precious\n"
    assert set(workspace.parent.iterdir()) | set((workspace / "manifests").iterdir()) == outside
    assert not list(workspace.glob("leaked*"))


@pytest.mark.parametrize("path", ["../authorized_keys", "/abs/authorized_keys"])
def test_a_workspace_cannot_name_a_file_outside_it_for_init_to_write_to(workspace: Path, path: str):
    target = workspace.parent / "authorized_keys"
    target.write_text("ssh-ed25519 AAAA me\n")
    edit(workspace, "recipients.txt", str(target) if path.startswith("/") else path)
    told = init(workspace)
    assert told.code == 1
    assert "inside the workspace" in said(told)
    assert target.read_text() == "ssh-ed25519 AAAA me\n"
    assert not (workspace / ".krakenctl/identity.txt").exists()


def test_a_new_recipient_gets_a_line_of_its_own(workspace: Path):
    recipients = workspace / "recipients.txt"
    recipients.write_text(recipients.read_text().rstrip())
    assert init(workspace).code == 0
    assert len(recipients.read_text().splitlines()) == 2
    assert krakenctl("-C", workspace, "apply", "--yes").code == 0


def test_a_link_in_the_sandbox_s_place_makes_no_file_elsewhere(workspace: Path):
    (workspace / ".krakenctl").mkdir()
    (workspace / ".krakenctl/sandbox.db").symlink_to("../leaked.db")
    assert init(workspace).code == 1
    assert not list(workspace.glob("leaked*"))


def test_a_sandbox_credential_outside_our_own_folder_is_refused_and_not_made(workspace: Path):
    edit(workspace, "file:.krakenctl/credentials/{account}.json", f"file:{workspace.parent}/real/{{account}}.json")
    told = init(workspace)
    assert told.code == 7
    assert "not below .krakenctl/" in said(told)
    assert not (workspace.parent / "real").exists()


def test_a_sub_account_s_token_is_put_below_our_own_folder_or_nothing_is_done(workspace: Path):
    assert init(workspace).code == 0
    edit(workspace, '    "*":', "    mm:\n      token: file:tokens/mm.json\n    '*':")
    spec = "{account: acme, username: mm, email: mm@x.example}"
    text = f"apiVersion: krakenctl/v1\nkind: SubAccount\nmetadata: {{name: mm}}\nspec: {spec}\n"
    (workspace / "manifests/mm.yaml").write_text(text)
    for command in (["plan"], ["apply", "--yes"]):
        told = krakenctl("-C", workspace, *command)
        assert (told.code, "not below .krakenctl/" in said(told)) == (7, True)
    assert not (workspace / "tokens").exists()


def test_a_real_credential_that_is_there_is_left_as_it_is(workspace: Path):
    """`endpoint: sandbox` for a try, in a workspace whose token is a real one."""
    edit(workspace, ".krakenctl/credentials/", "real/")
    (workspace / "real").mkdir()
    for name in ("acme.json", "acme.key.json"):
        (workspace / "real" / name).write_text("real")
    assert init(workspace).code == 0
    assert (workspace / "real/acme.json").read_text() == "real"


@pytest.mark.parametrize("change", ["identity: file:", "token: file:"])
def test_a_home_that_nobody_has_is_a_sentence(workspace: Path, change: str):
    edit(workspace, f"{change}.krakenctl", f"{change}~nosuchuser")
    for command in (["init"], ["sandbox", "reset", "--yes"]):
        told = krakenctl("-C", workspace, *command)
        assert told.code == 1
        assert "no such home folder" in said(told)


def test_git_never_sees_a_secret_wherever_in_the_workspace_it_lies(workspace: Path):
    edit(workspace, "identity: file:.krakenctl/identity.txt", "identity: file:keys/my [own] identity.txt")
    edit(workspace, "https://api.kraken.com", "")
    edit(workspace, "endpoint: sandbox", "endpoint: https://api.kraken.com")
    edit(workspace, "file:.krakenctl/credentials/{account}.json", "file:manifests/../tokens/{account}.json")
    edit(workspace, "file:.krakenctl/credentials/{account}.key.json", f"file:{workspace}/{{username}}.key.json")
    assert init(workspace).code == 0
    once = (workspace / ".gitignore").read_text()
    assert init(workspace).out == "Nothing was missing.\n"
    assert (workspace / ".gitignore").read_text() == once
    secret = ["keys/my [own] identity.txt", "tokens/acme.json", "acme.key.json", ".krakenctl/state.db"]
    secret += ["tonight.plan"]
    public = ["krakenctl.yaml", "manifests/keys.yaml", "recipients.txt", "keys/recipients.txt", "secrets/a/current.age"]
    for path in (*secret, *public):
        (workspace / path).parent.mkdir(parents=True, exist_ok=True)
        (workspace / path).touch()
    assert ignored(workspace, *secret, *public) == secret


def ignored(root: Path, *paths: str) -> list[str]:
    env = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
    subprocess.run(["git", "init", "-q"], cwd=root, env=env, check=True)
    asked = ["git", "check-ignore", "--no-index", "-z", "--stdin"]
    done = subprocess.run(asked, cwd=root, env=env, input="\0".join(paths), capture_output=True, text=True, check=False)
    return done.stdout.split("\0")[:-1]


def test_a_gitignore_of_any_encoding_is_kept_to_the_byte_and_added_to(workspace: Path):
    old = "# caf\xe9\r\n*.pyc".encode("latin-1")
    (workspace / ".gitignore").write_bytes(old)
    assert init(workspace).code == 0
    assert (workspace / ".gitignore").read_bytes().startswith(old + b"\n")
    assert ignored(workspace, ".krakenctl/state.db", "a.pyc") == [".krakenctl/state.db", "a.pyc"]


@pytest.mark.parametrize("there", ["a folder", "a named pipe", "a symbolic link that leads nowhere"])
def test_what_stands_where_the_workspace_file_belongs_is_named(tmp_path: Path, there: str):
    place = tmp_path / "krakenctl.yaml"
    {"a folder": place.mkdir, "a named pipe": lambda: os.mkfifo(place)}.get(there, lambda: place.symlink_to("no"))()
    told = init(tmp_path)
    assert told.code == 1
    assert f"krakenctl.yaml is {there}" in said(told)
    assert list(tmp_path.iterdir()) == [place]


def test_recipients_that_were_lost_follow_from_the_identity(tmp_path: Path) -> None:
    workspace = tmp_path / "w"
    init(workspace)
    recipients = workspace / "recipients.txt"
    before = recipients.read_text()
    recipients.unlink()
    assert "recipients.txt" in krakenctl("-C", workspace, "init").out
    assert recipients.read_text() == before
    assert krakenctl("-C", workspace, "apply", "--yes").code == 0


def test_an_identity_that_was_lost_is_not_replaced_while_secrets_are_stored(tmp_path: Path) -> None:
    workspace = tmp_path / "w"
    init(workspace)
    assert krakenctl("-C", workspace, "apply", "--yes").code == 0
    recipients = (workspace / "recipients.txt").read_text()
    (workspace / ".krakenctl/identity.txt").unlink()
    told = krakenctl("-C", workspace, "init")
    assert told.code == 1
    assert "restore it from your backup" in said(told)
    assert (workspace / "recipients.txt").read_text() == recipients
    told = krakenctl("-C", workspace, "rotate", "--all", "--yes")
    assert "restore it from your backup" in told.out + said(told)
