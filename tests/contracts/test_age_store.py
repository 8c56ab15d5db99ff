"""Secrets in age files: the contract of every store, and that the ordinary age program reads them."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pyrage
import pytest

from krakenctl.errors import CredentialMissing, StoreError
from krakenctl.model.secret import Secret
from krakenctl.stores.age import AgeStore, new_identity, recipient_of
from krakenctl.stores.base import Slot
from krakenctl.testing import examples
from krakenctl.testing.leaks import everything_shown
from krakenctl.testing.store_contract import NEW, NEWEST, OLD, PATH, StoreContract

ALL_OPERATIONS = ("open", "replace", "rename", "unlink", "fsync", "mkdir", "rmdir")
IDENTITY, RECIPIENT = new_identity()
STRANGER, STRANGERS_RECIPIENT = new_identity()


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "secrets"


@pytest.fixture
def store(folder):
    return AgeStore(folder, [RECIPIENT], lambda: IDENTITY)


def identity_file(tmp_path, identity=IDENTITY):
    path = tmp_path / "identity.txt"
    path.write_text(identity.reveal())
    return path


def decrypted_by_age(identity: Path, file: Path):
    """What `age -d -i identity.txt current.age | jq` would show."""
    age = shutil.which("age")
    if age is None:
        pytest.skip("the age program is not installed here")
    done = subprocess.run([age, "-d", "-i", identity, file], capture_output=True, check=True, timeout=20)
    return json.loads(done.stdout)


class TestAgeStore(StoreContract):
    @pytest.fixture
    def make_store(self, folder):
        return lambda: AgeStore(folder, [RECIPIENT], lambda: IDENTITY)

    @pytest.fixture
    def make_blind_store(self, folder):
        return lambda: AgeStore(folder, [RECIPIENT], None)

    @pytest.fixture
    def kept(self, folder):
        return lambda: b"\n".join(
            str(path).encode() + (path.read_bytes() if path.is_file() else b"") for path in sorted(folder.rglob("*"))
        )

    @pytest.fixture
    def interrupt(self, monkeypatch):
        """The disk dies after so many calls that could change it: CI runs as root, so modes stop nobody."""

        @contextmanager
        def interrupted(after, stop):
            count = 0

            def counted(operation):
                def call(*arguments, **options):
                    nonlocal count
                    count += 1
                    if count > after:
                        raise stop
                    return operation(*arguments, **options)

                return call

            with monkeypatch.context() as patch:
                for name in ALL_OPERATIONS:
                    patch.setattr(os, name, counted(getattr(os, name)))
                yield lambda: count > after

        return interrupted


def test_the_ordinary_age_program_shows_key_and_secret(store, folder, tmp_path):
    store.put(PATH, Slot.CURRENT, OLD)
    shown = decrypted_by_age(identity_file(tmp_path), folder / "bots/mm-btc/current.age")
    assert (shown["apiKey"], shown["secret"]) == (OLD.public_key, examples.SECRET)
    assert (shown["address"], shown["liveName"], shown["format"]) == (
        OLD.address,
        OLD.live_name,
        "krakenctl.secret/v1",
    )


def test_every_recipient_can_read(folder, tmp_path):
    AgeStore(folder, [RECIPIENT, STRANGERS_RECIPIENT], lambda: IDENTITY).put(PATH, Slot.CURRENT, OLD)
    assert AgeStore(folder, [RECIPIENT], lambda: STRANGER).get(PATH, Slot.CURRENT) == OLD
    shown = decrypted_by_age(identity_file(tmp_path, STRANGER), folder / "bots/mm-btc/current.age")
    assert shown["secret"] == examples.SECRET


@pytest.mark.parametrize("sort", ["ed25519", "rsa"])
def test_who_has_an_ssh_key_can_read_with_krakenctl_and_with_the_age_program(folder, tmp_path, sort):
    keygen = shutil.which("ssh-keygen")
    if keygen is None:
        pytest.skip("ssh-keygen is not installed here")
    subprocess.run([keygen, "-q", "-t", sort, "-N", "", "-f", tmp_path / "id"], check=True, timeout=60)
    ssh_identity = Secret((tmp_path / "id").read_text())
    store = AgeStore(folder, [(tmp_path / "id.pub").read_text().strip()], lambda: ssh_identity)
    store.put(PATH, Slot.CURRENT, OLD)
    assert store.get(PATH, Slot.CURRENT) == OLD
    shown = decrypted_by_age(tmp_path / "id", folder / "bots/mm-btc/current.age")
    assert shown["secret"] == examples.SECRET


def test_files_and_every_new_folder_are_for_their_owner_alone(folder, tmp_path):
    deep = tmp_path / "a" / "b"
    before = os.umask(0o000)
    try:
        AgeStore(deep, [RECIPIENT], lambda: IDENTITY).put(PATH, Slot.CURRENT, OLD)
    finally:
        os.umask(before)
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "a", *(tmp_path / "a").rglob("*"))}
    assert {path for path, mode in modes.items() if mode != (0o600 if path.suffix == ".age" else 0o700)} == set()
    assert len(modes) == 5


def test_the_folder_of_a_key_goes_with_its_last_secret(store, folder):
    store.put(PATH, Slot.CURRENT, OLD)
    store.put("bots/mm-eth", Slot.CURRENT, NEW)
    store.remove(PATH, Slot.CURRENT)
    assert [path.name for path in (folder / "bots").iterdir()] == ["mm-eth"]


def test_a_written_file_that_the_identity_cannot_read_back_is_told_at_once(folder):
    store = AgeStore(folder, [STRANGERS_RECIPIENT], lambda: IDENTITY)
    with pytest.raises(StoreError, match="cannot be decrypted with this identity"):
        store.prove_writable()
    with pytest.raises(StoreError, match="cannot be decrypted with this identity"):
        store.put(PATH, Slot.PENDING, OLD)
    assert [path for path in folder.iterdir() if path.is_file()] == []


def test_a_foreign_identity_reads_nothing_and_is_told_why(store, folder):
    store.put(PATH, Slot.CURRENT, OLD)
    with pytest.raises(StoreError, match="cannot be decrypted with this identity") as caught:
        AgeStore(folder, [RECIPIENT], lambda: STRANGER).get(PATH, Slot.CURRENT)
    assert "other recipients" in caught.value.hint
    assert STRANGER.reveal().split()[-1] not in everything_shown(caught.value)


def test_without_an_identity_the_error_says_where_to_name_one(folder):
    store = AgeStore(folder, [RECIPIENT], None)
    store.put(PATH, Slot.CURRENT, OLD)
    with pytest.raises(StoreError, match="no identity on this host") as caught:
        store.get(PATH, Slot.CURRENT)
    assert "krakenctl.yaml" in caught.value.hint


def test_an_identity_that_is_gone_is_a_store_error_with_the_way_out(folder):
    def identity():
        raise CredentialMissing("file:id.txt: there is no such file", hint="create it, with mode 0600")

    with pytest.raises(StoreError, match="there is no such file") as caught:
        AgeStore(folder, [RECIPIENT], identity).prove_writable()
    assert caught.value.hint == "create it, with mode 0600"
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("cut", [0, 1, 100, -1])
def test_a_file_that_was_cut_off_is_an_error_and_not_an_empty_slot(store, folder, cut):
    store.put(PATH, Slot.CURRENT, OLD)
    file = folder / "bots/mm-btc/current.age"
    file.write_bytes(file.read_bytes()[:cut])
    with pytest.raises(StoreError, match=r"current\.age"):
        store.get(PATH, Slot.CURRENT)
    store.put(PATH, Slot.CURRENT, NEW)
    assert store.get(PATH, Slot.CURRENT) == NEW


@pytest.mark.parametrize("place", [0, 60, 200, -20, -1])
def test_a_file_with_one_bit_turned_is_an_error(store, folder, place):
    store.put(PATH, Slot.CURRENT, OLD)
    file = folder / "bots/mm-btc/current.age"
    content = bytearray(file.read_bytes())
    content[place] ^= 1
    file.write_bytes(content)
    with pytest.raises(StoreError):
        store.get(PATH, Slot.CURRENT)


@pytest.mark.parametrize(
    "text",
    [
        examples.SECRET,
        f'{{"secret": "{examples.SECRET}"',
        f'["{examples.SECRET}"]',
        f'{{"format": "krakenctl.secret/v1", "secret": "{examples.SECRET}"}}',
        f'{{"format": "krakenctl.secret/v2", "secret": "{examples.SECRET}"}}',
        f'{{"format": ["x"], "secret": "{examples.SECRET}"}}',
        "[" * 100_000,
        b"\xff" + examples.SECRET.encode(),
    ],
)
def test_what_is_no_entry_is_an_error_that_does_not_show_it(store, folder, text):
    store.put(PATH, Slot.CURRENT, OLD)
    content = text if isinstance(text, bytes) else text.encode()
    encrypted = pyrage.encrypt(content, [pyrage.x25519.Recipient.from_str(RECIPIENT)])
    (folder / "bots/mm-btc/current.age").write_bytes(encrypted)
    with pytest.raises(StoreError) as caught:
        store.get(PATH, Slot.CURRENT)
    assert examples.SECRET not in str(caught.value) + repr(caught.value) + caught.value.hint


def test_a_format_of_a_newer_krakenctl_is_named(store, folder):
    store.put(PATH, Slot.CURRENT, OLD)
    encrypted = pyrage.encrypt(b'{"format": "krakenctl.secret/v2"}', [pyrage.x25519.Recipient.from_str(RECIPIENT)])
    (folder / "bots/mm-btc/current.age").write_bytes(encrypted)
    with pytest.raises(StoreError, match=r"krakenctl\.secret/v2"):
        store.get(PATH, Slot.CURRENT)


def test_a_file_where_a_folder_belongs_is_a_store_error(store, folder):
    folder.mkdir()
    (folder / "bots").write_text("in the way")
    with pytest.raises(StoreError, match="cannot be written"):
        store.put(PATH, Slot.CURRENT, OLD)
    assert store.get(PATH, Slot.CURRENT) is None
    store.remove(PATH, Slot.CURRENT)
    with pytest.raises(StoreError):
        store.promote(PATH, OLD.live_name)


def test_a_store_whose_folder_is_a_file_is_not_writable(tmp_path):
    (tmp_path / "secrets").write_text("in the way")
    with pytest.raises(StoreError, match="cannot be written"):
        AgeStore(tmp_path / "secrets", [RECIPIENT], None).prove_writable()
    assert (tmp_path / "secrets").read_text() == "in the way"


def test_what_a_dead_run_left_beside_does_not_stop_the_next(store, folder):
    store.put(PATH, Slot.CURRENT, OLD)
    (folder / f"bots/mm-btc/.current.age.{os.getpid()}.tmp").write_bytes(b"half")
    store.put(PATH, Slot.CURRENT, NEWEST)
    assert store.get(PATH, Slot.CURRENT) == NEWEST


def test_two_runs_may_prove_one_store_at_once(store, folder, monkeypatch):
    other = AgeStore(folder, [RECIPIENT], lambda: IDENTITY)

    def meanwhile():
        with monkeypatch.context() as patch:
            patch.setattr(os, "getpid", lambda: 999_999)
            other.prove_writable()
        return IDENTITY

    AgeStore(folder, [RECIPIENT], meanwhile).prove_writable()
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    "text",
    ["age1nonsense", RECIPIENT[:-1], RECIPIENT.upper()[:20], "ssh-ed25519 AAAA", "ssh-dss AAAA me", "", "alice"],
    ids=range(7),  # a recipient in a name would be another one in each worker
)
def test_what_is_no_recipient_is_refused_before_anything_is_written(folder, text):
    with pytest.raises(StoreError, match="is not an age recipient"):
        AgeStore(folder, [RECIPIENT, text], None)
    assert not folder.exists()


def test_an_identity_among_the_recipients_is_refused_and_not_shown(folder):
    identity = IDENTITY.reveal().split()[-1]
    with pytest.raises(StoreError) as caught:
        AgeStore(folder, [identity], None)
    assert identity not in everything_shown(caught.value)


def test_a_store_that_nobody_could_read_is_refused(folder):
    with pytest.raises(StoreError, match="no recipients"):
        AgeStore(folder, [], None)


@pytest.mark.parametrize("text", ["", "# only a comment\n", "AGE-SECRET-KEY-1LEAKED", "-----BEGIN OPENSSH PRIVATE KEY"])
def test_what_is_no_identity_is_an_error_that_does_not_show_it(store, folder, text):
    store.put(PATH, Slot.CURRENT, OLD)
    with pytest.raises(StoreError, match="not an age identity") as caught:
        AgeStore(folder, [RECIPIENT], lambda: Secret(text)).get(PATH, Slot.CURRENT)
    assert "LEAKED" not in everything_shown(caught.value)


def test_any_identity_of_a_file_with_several_opens_the_store(store, folder):
    store.put(PATH, Slot.CURRENT, OLD)
    both = Secret(f"{STRANGER.reveal()}\n\n{IDENTITY.reveal()}")
    assert AgeStore(folder, [RECIPIENT], lambda: both).get(PATH, Slot.CURRENT) == OLD
    assert recipient_of(both) == STRANGERS_RECIPIENT


def test_a_new_identity_is_one_that_the_age_program_would_make():
    identity, recipient = new_identity()
    assert (recipient.startswith("age1"), recipient_of(identity)) == (True, recipient)
    assert identity.reveal().splitlines()[0] == f"# public key: {recipient}"
    assert new_identity()[1] != recipient
