"""One age-encrypted file per key and slot: `secrets/bots/mm-btc/current.age`. The only user of pyrage.

The ordinary age program reads them: `age -d -i identity.txt current.age` prints JSON with apiKey and secret.
Writing needs only recipients; a host without an identity can issue keys that it cannot read afterwards.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pyrage

from krakenctl.errors import CredentialError, SecretGone, SecretUnreadable, StoreError
from krakenctl.files import make_folder, sync_folder, write_whole
from krakenctl.model import key_json
from krakenctl.model.secret import Secret
from krakenctl.stores.base import Entry, Slot

FORMAT = "krakenctl.secret/v1"


class AgeStore:
    """See `base.Store`. Files are 0600 and replaced atomically; `identity` is asked for only when something is read."""

    def __init__(self, folder: Path, recipients: Sequence[str], identity: Callable[[], Secret] | None) -> None:
        self._folder = folder
        self._recipients = [_recipient(text) for text in recipients]
        self._identity = identity
        self._put: dict[tuple[str, str], str] = {}  # digests of what this process wrote, by path and live name
        if not self._recipients:
            raise StoreError(f"the store in {folder} has no recipients: nobody could read what it keeps")

    def prove_writable(self) -> None:
        path = self._folder / f".canary.{os.getpid()}.age"  # of our own: two runs may prove one store at once
        try:
            for text in ("canary", "overwritten"):
                self._write(path, Secret(text))
        except StoreError:
            with suppress(OSError):
                _remove(path)
            raise
        with _as_store_error(f"{path} cannot be removed"):
            _remove(path)

    def put(self, path: str, slot: Slot, entry: Entry) -> None:
        content = self._write(self._file(path, slot), Secret(json.dumps(_to_json(entry), indent=2)))
        self._put[path, entry.live_name] = _digest(content)

    def get(self, path: str, slot: Slot) -> Entry | None:
        file = self._file(path, slot)
        try:
            content = file.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as problem:
            kind = StoreError if self._identity is None else SecretUnreadable
            raise kind(f"{file} cannot be read: {problem.strerror}") from None
        return _from_json(self._decrypted(content, file), file)

    def exists(self, path: str, slot: Slot) -> bool:
        file = self._file(path, slot)
        with _as_store_error(f"whether there is a file {file} cannot be seen"):
            return file.exists()

    def promote(self, path: str, live_name: str) -> None:
        pending, current, previous = (self._file(path, slot) for slot in Slot)
        with _as_store_error(f"the slots in {current.parent} cannot be moved"):
            if not self._holds(path, Slot.PENDING, live_name):
                self._must_be_current(path, live_name)
                return
            if current.exists():
                _replace(previous, current.read_bytes())  # a copy: a consumer finds a current secret at every moment
            pending.replace(current)  # fails where another run has moved it meanwhile
            sync_folder(current.parent)

    def remove(self, path: str, slot: Slot) -> None:
        file = self._file(path, slot)
        with _as_store_error(f"{file} cannot be removed"), suppress(FileNotFoundError, NotADirectoryError):
            _remove(file)
            if not any(file.parent.iterdir()):
                file.parent.rmdir()

    def _must_be_current(self, path: str, live_name: str) -> None:
        """An earlier run may have promoted it already."""
        if self._holds(path, Slot.CURRENT, live_name):
            return
        folder = self._folder / path
        if not (self.exists(path, Slot.PENDING) or self.exists(path, Slot.CURRENT)):
            raise StoreError(f"nothing was ever put into {folder}, so there is nothing to promote")
        raise SecretGone(f"{folder} does not hold the secret of {live_name} any more: something else was written there")

    def _holds(self, path: str, slot: Slot, live_name: str) -> bool:
        """Whose it is. Without an identity nobody can look, and only what this process wrote is known again."""
        if self._identity is not None:
            entry = self.get(path, slot)
            return entry is not None and entry.live_name == live_name
        file, known = self._file(path, slot), self._put.get((path, live_name))
        return file.exists() and known in (None, _digest(file.read_bytes()))

    def _file(self, path: str, slot: Slot) -> Path:
        return self._folder / path / f"{slot}.age"

    def _write(self, file: Path, text: Secret) -> bytes:
        """Encrypt, write beside, flush, rename, flush the folder, read back. Returns what the file holds."""
        try:
            content: bytes = pyrage.encrypt(text.reveal().encode(), self._recipients)
        except pyrage.EncryptError:
            raise StoreError(f"{file} cannot be encrypted for the store's recipients") from None
        try:
            _replace(file, content)
            back = file.read_bytes()
        except OSError as problem:
            raise StoreError(
                f"{file} cannot be written: {problem.strerror}", hint="check the folder's mode and the disk's space"
            ) from None
        if back != content or (self._identity is not None and self._decrypted(back, file) != text):
            raise StoreError(
                f"{file} reads back differently from what was written",
                hint="is the identity one of the store's recipients?",
            )
        return content

    def _decrypted(self, content: bytes, file: Path) -> Secret:
        if self._identity is None:
            raise StoreError(
                f"{file} cannot be decrypted here: the store has no identity on this host",
                hint="name one in krakenctl.yaml, as identity: file:.krakenctl/identity.txt",
            )
        try:
            return Secret(pyrage.decrypt(content, _identities(self._identity())).decode())
        except CredentialError as problem:
            raise StoreError(f"the store's identity is not to be had: {problem.message}", hint=problem.hint) from None
        except pyrage.DecryptError:
            raise SecretUnreadable(
                f"{file} cannot be decrypted with this identity",
                hint="the file was written for other recipients, or is damaged",
            ) from None
        except UnicodeDecodeError:
            raise _not_ours(file) from None


def new_identity() -> tuple[Secret, str]:
    """A fresh identity, as the text of an age identity file, and its recipient."""
    identity = pyrage.x25519.Identity.generate()
    recipient = str(identity.to_public())
    return Secret(f"# public key: {recipient}\n{identity}\n"), recipient


def recipient_of(identity: Secret) -> str:
    """The recipient of the first identity in an identity file. Raises StoreError, also for an SSH key."""
    first = _identities(identity)[0]
    if not isinstance(first, pyrage.x25519.Identity):
        raise StoreError("the recipient of an SSH key is not worked out", hint="add the line of its .pub file yourself")
    return str(first.to_public())


def _identities(text: Secret) -> list[Any]:
    """All that a file of age identities, or an unencrypted SSH private key, holds."""
    lines = (line.strip() for line in text.reveal().splitlines())
    try:
        if "-----BEGIN" in text.reveal():
            return [pyrage.ssh.Identity.from_buffer(text.reveal().encode() + b"\n")]
        found = [pyrage.x25519.Identity.from_str(line) for line in lines if line and not line.startswith("#")]
    except (pyrage.IdentityError, ValueError):
        found = []
    if not found:
        raise StoreError(
            "the store's identity is not an age identity",
            hint="it starts with AGE-SECRET-KEY-1, or is an SSH private key without a passphrase",
        )
    return found


def _recipient(text: str) -> Any:
    try:
        return (pyrage.ssh if text.startswith("ssh-") else pyrage.x25519).Recipient.from_str(text)
    except pyrage.RecipientError:
        shown = f"“{text}”" if text.startswith(("age1", "ssh-")) else "a line"  # which may be somebody's identity
        raise StoreError(
            f"{shown} among the store's recipients is not an age recipient",
            hint="a recipient starts with age1, ssh-ed25519 or ssh-rsa",
        ) from None


def _replace(file: Path, content: bytes) -> None:
    make_folder(file.parent)
    write_whole(file, content, mode=0o600)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@contextmanager
def _as_store_error(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as problem:
        raise StoreError(f"{what}: {problem.strerror}") from None


def _remove(file: Path) -> None:
    file.unlink(missing_ok=True)
    sync_folder(file.parent)


def _to_json(entry: Entry) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "address": entry.address,
        "lineage": entry.lineage,
        "liveName": entry.live_name,
        "generation": entry.generation,
        "created": entry.created,
        "apiKey": entry.public_key,
        "secret": entry.secret.reveal(),
        "spec": key_json.spec_to_json(entry.spec),
    }


def _from_json(text: Secret, file: Path) -> Entry:
    try:
        raw = json.loads(text.reveal(), object_hook=_hidden)
        if raw["format"] != FORMAT:
            raise SecretUnreadable(f"{file} is of the format {raw['format']!r}, which this krakenctl does not know")
        return Entry(
            address=raw["address"],
            lineage=raw["lineage"],
            live_name=raw["liveName"],
            generation=raw["generation"],
            created=raw["created"],
            public_key=raw["apiKey"],
            secret=raw["secret"],
            spec=key_json.spec_from_json(raw["spec"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise _not_ours(file) from None


def _hidden(fields: dict[str, Any]) -> dict[str, Any]:
    """No frame holds the bare secret: a crash report prints them all."""
    return {**fields, "secret": Secret(fields["secret"])} if "secret" in fields else fields


def _not_ours(file: Path) -> SecretUnreadable:
    return SecretUnreadable(f"{file} does not hold what krakenctl writes into a store")
