"""The sources that are read from outside: files, standard input, variables. Each gives a `Harvest`."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO

from krakenctl.audit.rules import finding
from krakenctl.errors import CredentialError, NeedsPerson
from krakenctl.model.key import KeyPair
from krakenctl.model.secret import Secret
from krakenctl.pairs import names, pasted, text
from krakenctl.pairs.harvest import Harvest

LARGEST_BYTES = 1024 * 1024
_TRIES = 3  # at a prompt, for each half

Ask = Callable[[str], Secret]  # a question → what was typed, which nobody saw; empty: nothing was


def env_file(path: Path) -> Harvest:
    """Every pair of a .env file, or of a JSON file. Raises CredentialError when it cannot be read."""
    content, is_open = _content(path)
    found = text.harvest(content, bare_is_meant=False)
    if not is_open:
        return found
    warning = finding("file-open-to-others", f"{path} can be read by others on this machine")
    return Harvest(pairs=found.pairs, findings=(warning, *found.findings))


def stream(source: BinaryIO) -> Harvest:
    """Two lines, NAME=VALUE lines or JSON, from standard input. Raises CredentialError."""
    content = _decoded(source)
    if content is None:
        raise CredentialError("what came on standard input is no text of a key pair")
    return text.harvest(content)


def variables(wanted: str, environ: Mapping[str, str]) -> Harvest:
    """`KEY,SECRET`: of these two names; `PREFIX`: of the pair by that name; `*`: every pair there is."""
    values = {name: Secret(value) for name, value in environ.items()}
    key, comma, secret = (part.strip() for part in wanted.partition(","))
    if comma:
        _refuse_missing([name for name in (key, secret) if not environ.get(name)])
        return names.named(values, key, secret)
    found = names.harvest(values.items())
    if wanted == "*":
        return found
    pairs = tuple(one for one in found.pairs if one.label == names.plain(wanted))
    return Harvest(
        pairs=pairs, findings=tuple(told for told in found.findings if names.plain(wanted) in names.plain(told.message))
    )


def prompted(ask: Ask, tell: Callable[[str], None]) -> KeyPair:
    """What a person types or pastes, both halves hidden. Raises NeedsPerson: nothing was, or nothing useful."""
    key = _half(ask, tell, "API key", pasted.key_problem)
    secret = _half(ask, tell, "Private key", lambda typed: pasted.secret_problem(typed, key))
    return pasted.pair_of(key, secret)


def _half(ask: Ask, tell: Callable[[str], None], question: str, problem: Callable[[Secret], str]) -> Secret:
    for again in range(_TRIES):
        typed = pasted.clean(ask(f"{question}, once more" if again else question))
        if not typed.reveal():
            raise NeedsPerson("no key was given, and nothing was asked of Kraken")
        if not (wrong := problem(typed)):
            return typed
        tell(wrong[:1].upper() + wrong[1:] + ".")
    raise NeedsPerson("no usable key was given, and nothing was asked of Kraken")


def _refuse_missing(names_of: list[str]) -> None:
    if names_of:
        raise CredentialError(
            f"the environment has no {' and no '.join(names_of)}", hint="export them, or name those that it has"
        )


def _content(path: Path) -> tuple[Secret, bool]:
    """A file's text, and whether others may read it. A pipe is fine, as `<(sops -d .env)` makes one."""
    try:
        with path.expanduser().open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = _decoded(file)
    except (OSError, ValueError, RuntimeError) as problem:
        reason = (problem.strerror if isinstance(problem, OSError) else None) or type(problem).__name__
        raise CredentialError(f"{path} cannot be read: {reason}") from None
    if content is None:
        raise CredentialError(f"{path} is no text, or larger than 1 MiB: that is no file of keys")
    return content, stat.S_ISREG(mode) and bool(mode & 0o077)


def _decoded(source: BinaryIO) -> Secret | None:
    """None: too large, or no UTF-8; an error raised from here would have a context that shows the content."""
    try:
        content = Secret(source.read(LARGEST_BYTES + 1).decode())
    except UnicodeDecodeError:
        return None
    return content if len(content.reveal()) <= LARGEST_BYTES else None
