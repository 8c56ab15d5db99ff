"""From a reference to a credential: every way that works, and every way that is refused without showing anything."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import pytest

from krakenctl.credentials import LARGEST_BYTES, Credentials
from krakenctl.errors import CredentialError, CredentialMissing
from krakenctl.model.secret import Secret
from krakenctl.testing.examples import SECRET
from krakenctl.testing.leaks import everything_shown

PAIR = {"apiKey": "4/SDrDBc+Qh=", "secret": SECRET}


@pytest.fixture
def credentials(tmp_path):
    """The workspace is tmp_path; the environment and the store are empty."""
    return Credentials(tmp_path, {})


def private(path, content=SECRET, mode=0o600):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    path.chmod(mode)
    return path


def refused(kind, deed):
    """The error, which shows no secret however one looks at it."""
    with pytest.raises(kind) as caught:
        deed()
    shown = everything_shown(caught.value) + caught.value.hint
    assert SECRET not in shown
    assert SECRET[:8] not in shown
    return caught.value


def test_a_variable_of_the_environment(tmp_path):
    assert Credentials(tmp_path, {"TOKEN": f" {SECRET}\n"}).token("env:TOKEN") == Secret(SECRET)


def test_a_file_in_the_workspace(tmp_path, credentials):
    (tmp_path / ".krakenctl").mkdir()
    private(tmp_path / ".krakenctl" / "acme.token", f"{SECRET}\n")
    assert credentials.token("file:.krakenctl/acme.token") == Secret(SECRET)


def test_a_file_anywhere_else(tmp_path, credentials, monkeypatch, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("home")
    path = private(elsewhere / "token")
    monkeypatch.setenv("HOME", str(elsewhere))
    assert credentials.token(f"file:{path}") == credentials.token("file:~/token") == Secret(SECRET)


def test_a_path_in_a_store(tmp_path):
    asked = []

    def read(store, path):
        asked.append((store, path))
        return Secret(json.dumps(PAIR))

    pair = Credentials(tmp_path, {}, read).key_pair("store:desk/masters/acme")
    assert (pair.public_key, pair.secret, asked) == (PAIR["apiKey"], Secret(SECRET), [("desk", "masters/acme")])


@pytest.mark.parametrize(
    "reference", ["", SECRET, f"token:{SECRET}", f"https://x/{SECRET}", f"ENV:{SECRET}", f"store:{SECRET}/a"]
)
def test_what_is_no_reference_may_be_the_credential_itself_and_is_not_shown(credentials, reference):
    assert "env:NAME" in refused(CredentialError, lambda: credentials.text(reference)).hint


@pytest.mark.parametrize("environ", [{}, {"TOKEN": ""}, {"TOKEN": " \n"}])
def test_a_variable_that_is_not_set_is_missing_and_not_wrong(tmp_path, environ):
    problem = refused(CredentialMissing, lambda: Credentials(tmp_path, environ).text("env:TOKEN"))
    assert (problem.message, problem.hint) == ("the environment variable TOKEN is not set", "export TOKEN=…")


@pytest.mark.parametrize("reference", ["file:nothing", "file:no/such/folder", "file:/no/such/folder"])
def test_a_file_that_is_not_there_is_missing_and_not_wrong(credentials, reference):
    assert "0600" in refused(CredentialMissing, lambda: credentials.text(reference)).hint


@pytest.mark.parametrize("content", ["", "\n", " \t\r\n"])
def test_an_empty_file_is_missing_and_not_wrong(tmp_path, credentials, content):
    private(tmp_path / "token", content)
    refused(CredentialMissing, lambda: credentials.text("file:token"))


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o601, 0o620, 0o777])
def test_a_file_that_is_open_to_anybody_else_is_refused(tmp_path, credentials, mode):
    private(tmp_path / "token", mode=mode)
    problem = refused(CredentialError, lambda: credentials.text("file:token"))
    assert f"{mode:04o}" in problem.message
    assert f"chmod 600 {tmp_path / 'token'}" in problem.hint


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o700])
def test_a_file_for_its_owner_alone_is_taken(tmp_path, credentials, mode):
    private(tmp_path / "token", mode=mode)
    assert credentials.text("file:token") == Secret(SECRET)


def test_a_link_is_followed_and_what_counts_is_the_file_behind_it(tmp_path, credentials):
    """Kubernetes mounts secrets as links."""
    (tmp_path / "token").symlink_to(private(tmp_path / "data"))
    assert credentials.text("file:token") == Secret(SECRET)
    (tmp_path / "data").chmod(0o644)
    refused(CredentialError, lambda: credentials.text("file:token"))
    (tmp_path / "data").unlink()
    refused(CredentialMissing, lambda: credentials.text("file:token"))


def test_a_link_onto_itself_is_refused(tmp_path, credentials):
    (tmp_path / "token").symlink_to(tmp_path / "token")
    refused(CredentialError, lambda: credentials.text("file:token"))


@pytest.mark.parametrize("reference", ["file:folder", "file:", "file:."])
def test_a_folder_is_refused_and_leaves_no_open_file(tmp_path, credentials, reference):
    (tmp_path / "folder").mkdir(mode=0o700)
    tmp_path.chmod(0o700)
    before = len(list(Path("/dev/fd").iterdir()))
    assert "ordinary file" in refused(CredentialError, lambda: credentials.text(reference)).message
    assert len(list(Path("/dev/fd").iterdir())) == before


def test_a_pipe_that_nobody_writes_to_is_refused_and_does_not_hang(tmp_path, credentials):
    os.mkfifo(tmp_path / "pipe", 0o600)
    assert "ordinary file" in refused(CredentialError, lambda: credentials.text("file:pipe")).message


@pytest.mark.parametrize("reference", ["file:/dev/null", "file:socket"])
def test_a_device_and_a_socket_are_refused(tmp_path, credentials, monkeypatch, reference):
    monkeypatch.chdir(tmp_path)  # a socket's path may not be long
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        refused(CredentialError, lambda: credentials.text(reference))


@pytest.mark.parametrize(
    "reference", ["file:token/below", "file:a\0b", "file:~nobody-of-this-name/token", "file:" + "a" * 300]
)
def test_a_path_that_cannot_be_is_refused(tmp_path, credentials, reference):
    private(tmp_path / "token")
    refused(CredentialError, lambda: credentials.text(reference))


def test_a_large_file_is_refused_and_not_read_into_memory(tmp_path, credentials):
    with (tmp_path / "token").open("wb") as file:
        file.truncate(1 << 30)
    (tmp_path / "token").chmod(0o600)
    assert "64 KiB" in refused(CredentialError, lambda: credentials.text("file:token")).message


def test_the_largest_file_that_is_taken(tmp_path, credentials):
    private(tmp_path / "token", "x" * LARGEST_BYTES)
    assert len(credentials.text("file:token").reveal()) == LARGEST_BYTES
    private(tmp_path / "token", "x" * (LARGEST_BYTES + 1))
    refused(CredentialError, lambda: credentials.text("file:token"))


@pytest.mark.parametrize("content", [b"\xff" + SECRET.encode(), SECRET.encode("utf-16"), SECRET.encode() + b"\xe2\x82"])
def test_what_is_not_utf_8_is_refused(tmp_path, credentials, content):
    private(tmp_path / "token", content)
    assert "UTF-8" in refused(CredentialError, lambda: credentials.text("file:token")).message


@pytest.mark.parametrize(
    "content",
    [f"{SECRET}\n{SECRET}", f"{SECRET} x", f"{SECRET}\r\nX-Evil: 1", f"{SECRET}\0", f"{SECRET}ü", f"{SECRET}\x1b["],
)
def test_a_token_that_no_header_can_carry_is_refused(tmp_path, credentials, content):
    private(tmp_path / "token", content)
    refused(CredentialError, lambda: credentials.token("file:token"))


def test_a_token_may_be_what_krakens_token_endpoint_sends(tmp_path, credentials):
    answer = {"access_token": SECRET, "token_type": "bearer", "expires_in": 14400, "refresh_token": "r"}
    private(tmp_path / "token", json.dumps(answer, indent=2))
    assert credentials.token("file:token") == Secret(SECRET)


@pytest.mark.parametrize(
    "content",
    [
        {"refresh_token": SECRET},
        {"access_token": None, "refresh_token": SECRET},
        {"access_token": "", "refresh_token": SECRET},
        {"access_token": [SECRET]},
        {"access_token": f"{SECRET}\n"},
        PAIR,
    ],
)
def test_a_json_file_without_a_token_is_refused(tmp_path, credentials, content):
    private(tmp_path / "token", json.dumps(content))
    refused(CredentialError, lambda: credentials.token("file:token"))


@pytest.mark.parametrize("content", [f'{{"access_token": "{SECRET}"', '{"a":' * 30_000, f"{{{SECRET}}}"])
def test_broken_json_is_refused(tmp_path, credentials, content):
    private(tmp_path / "token", content)
    refused(CredentialError, lambda: credentials.token("file:token"))


def test_a_key_pair_is_a_json_object_of_two(tmp_path, credentials):
    private(tmp_path / "pair", json.dumps(PAIR | {"note": "more is no harm"}))
    pair = credentials.key_pair("file:pair")
    assert (pair.public_key, pair.secret) == (PAIR["apiKey"], Secret(SECRET))
    assert SECRET not in repr(pair)


@pytest.mark.parametrize(
    "content",
    [
        SECRET,
        [SECRET],
        None,
        {"secret": SECRET},
        {"apiKey": "public"},
        {"apiKey": "", "secret": SECRET},
        {"apiKey": "public", "secret": ""},
        {"apiKey": "public", "secret": [SECRET]},
        {"apiKey": "public\n", "secret": SECRET},
        {"apiKey": "öffentlich", "secret": SECRET},
        {"api_key": "public", "secret": SECRET},
    ],
)
def test_what_is_no_key_pair_is_refused(tmp_path, credentials, content):
    private(tmp_path / "pair", json.dumps(content))
    refused(CredentialError, lambda: credentials.key_pair("file:pair"))


@pytest.mark.parametrize("content", [SECRET, f"{{{SECRET}", f"{PAIR['apiKey']}:{SECRET}"])
def test_a_key_pair_that_is_no_json_is_refused(tmp_path, credentials, content):
    private(tmp_path / "pair", content)
    refused(CredentialError, lambda: credentials.key_pair("file:pair"))


def test_a_file_swapped_for_an_open_one_after_it_was_checked_is_not_read(tmp_path, credentials, monkeypatch):
    """What is checked is the open file, not the path."""
    private(tmp_path / "token")
    real = os.fstat

    def swapped(descriptor):
        private(tmp_path / "new", "somebody else's", mode=0o666)
        (tmp_path / "new").replace(tmp_path / "token")
        return real(descriptor)

    monkeypatch.setattr(os, "fstat", swapped)
    assert credentials.text("file:token") == Secret(SECRET)
