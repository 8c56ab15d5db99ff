"""From a reference in the workspace to the credential itself. The only reader of tokens, key pairs and identities.

`env:NAME`, `file:PATH` (relative to the workspace, open to nobody but its owner) or `store:STORE/PATH`.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from krakenctl.errors import CredentialError, CredentialMissing
from krakenctl.model.key import KeyPair
from krakenctl.model.secret import Secret, hidden

LARGEST_BYTES = 64 * 1024  # a credential is small; this is something else

StoreReader = Callable[[str, str], Secret]  # (store, path) → the text kept there


def file_of(root: Path, reference: str) -> Path | None:
    """Where a `file:` reference leads; None for any other. Raises CredentialError where `~somebody` has no home."""
    scheme, _, name = reference.partition(":")
    if scheme != "file":
        return None
    try:
        return root / Path(name).expanduser()
    except RuntimeError:
        raise CredentialError(
            f"{reference} leads nowhere: there is no such home folder", hint="write the path in full"
        ) from None


class Credentials:
    """Follows references within one workspace. Raises CredentialMissing when nothing is there, else CredentialError."""

    def __init__(self, root: Path, environ: Mapping[str, str], read_store: StoreReader | None = None) -> None:
        self._root = root
        self._environ = environ
        self._read_store = read_store

    def text(self, reference: str) -> Secret:
        """Whatever the reference leads to, without the white space around it."""
        scheme, _, rest = reference.partition(":")
        if scheme == "env":
            return self._from_environment(rest)
        if (file := file_of(self._root, reference)) is not None:
            return _from_file(reference, file)
        if scheme == "store" and self._read_store is not None:
            store, _, path = rest.partition("/")
            return self._read_store(store, path)
        raise CredentialError(
            "this is not a credential reference", hint="write env:NAME, file:PATH or store:STORE/PATH"
        )

    def token(self, reference: str) -> Secret:
        """An OAuth access token: the text itself, or `access_token` of the JSON that Kraken's token endpoint sends."""
        text = self.text(reference)
        if not text.reveal().startswith("{"):
            return _one_line(text, reference)
        return _one_line(_field(_parsed(text, reference), reference, "access_token"), reference)

    def beside_token(self, reference: str) -> Mapping[str, Any]:
        """What the JSON of Kraken's token endpoint says beside the token; texts are secrets. Empty: it is bare."""
        text = self.text(reference)
        return _parsed(text, reference) if text.reveal().startswith("{") else {}

    def key_pair(self, reference: str) -> KeyPair:
        """A key pair, as JSON: {"apiKey": …, "secret": …} — which is also how our stores keep one."""
        fields = _parsed(self.text(reference), reference)
        public_key = _one_line(_field(fields, reference, "apiKey"), f"the apiKey of {reference}")
        return KeyPair(public_key=public_key.reveal(), secret=_field(fields, reference, "secret"))

    def _from_environment(self, name: str) -> Secret:
        text = self._environ.get(name, "").strip()
        if not text:
            raise CredentialMissing(f"the environment variable {name} is not set", hint=f"export {name}=…")
        return Secret(text)


def _from_file(reference: str, path: Path) -> Secret:
    """Checked on the open file, so that nobody swaps it in between."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise CredentialMissing(f"{reference}: there is no such file", hint="create it, with mode 0600") from None
    except (OSError, ValueError) as problem:
        raise CredentialError(f"{reference} cannot be read: {_reason(problem)}") from None
    try:  # before fdopen, which takes no folder
        _refuse_unsafe(os.fstat(descriptor), reference, path)
    except CredentialError:
        os.close(descriptor)
        raise
    with os.fdopen(descriptor, "rb") as file:
        text = _text(file)
    if text is None:
        raise CredentialError(f"{reference} is not UTF-8 text")
    if not text.reveal():
        raise CredentialMissing(f"{reference} is empty")
    return text


def _refuse_unsafe(status: os.stat_result, reference: str, path: Path) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise CredentialError(f"{reference} is not an ordinary file")
    if status.st_mode & 0o077:
        raise CredentialError(
            f"{reference} can be read or written by others (mode {stat.S_IMODE(status.st_mode):04o})",
            hint=f"chmod 600 {path}; if others may have read it, replace the credential",
        )
    if status.st_size > LARGEST_BYTES:
        raise CredentialError(f"{reference} is larger than 64 KiB: that is no credential")


def _text(file: BinaryIO) -> Secret | None:
    """None when it is no UTF-8; an error raised from here would have a context that shows the content."""
    try:
        return Secret(file.read(LARGEST_BYTES).decode().strip())
    except UnicodeDecodeError:
        return None


def _one_line(text: Secret, reference: str) -> Secret:
    """A header cannot carry anything else, and the error of whoever tried would show the token."""
    if text.reveal().isascii() and text.reveal().isprintable() and " " not in text.reveal():
        return text
    raise CredentialError(f"{reference} does not fit into a header: it has blanks, line breaks or other odd characters")


def _parsed(text: Secret, reference: str) -> dict[str, Any]:
    """Every text in it is a secret, so that no frame holds a bare one while an error is raised."""
    fields = _object(text)
    if fields is None:
        raise CredentialError(f"{reference} does not hold the JSON object that belongs there")
    return fields


def _object(text: Secret) -> dict[str, Any] | None:
    try:
        fields = json.loads(text.reveal(), object_hook=hidden)
    except (ValueError, RecursionError):
        return None
    return fields if isinstance(fields, dict) else None


def _field(fields: dict[str, Any], reference: str, name: str) -> Secret:
    value = fields.get(name)
    if not isinstance(value, Secret) or not value.reveal():
        raise CredentialError(f"{reference} has no “{name}”")
    return value


def _reason(problem: Exception) -> str:
    return (problem.strerror if isinstance(problem, OSError) else None) or type(problem).__name__
