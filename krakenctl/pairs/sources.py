"""The sources that are read from outside: files, standard input, variables. Each gives a `Harvest`."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO

from krakenctl.audit.rules import finding
from krakenctl.errors import CredentialError, NeedsPerson, UsageError
from krakenctl.model.key import KeyPair
from krakenctl.model.secret import Secret
from krakenctl.pairs import names, pasted, text
from krakenctl.pairs.harvest import Harvest

LARGEST_BYTES = 1024 * 1024
_TRIES = 3  # at a prompt, for each half

# A question → what was typed, which nobody saw; empty: nothing was. Raises EOFError where nobody types any more.
Ask = Callable[[str], Secret]


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
    if isinstance(content, str):
        raise CredentialError(f"what came on standard input {content}")
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
    if not pairs and wanted in values:
        _refuse_half(wanted)
    return Harvest(
        pairs=pairs, findings=tuple(told for told in found.findings if names.plain(wanted) in names.plain(told.message))
    )


def prompted(ask: Ask, tell: Callable[[str], None]) -> KeyPair:
    """What a person types or pastes, both halves hidden. Raises NeedsPerson: nothing was, or nothing useful.

    A half that is shorter or longer than Kraken's is taken only if they insist: no page promises these lengths.
    """
    try:
        key = _half(ask, tell, "API key", pasted.key_problem, pasted.odd_key)
        secret = _half(ask, tell, "Private key", lambda typed: pasted.secret_problem(typed, key), pasted.odd_secret)
    except EOFError:
        raise NeedsPerson(_NOTHING) from None
    return pasted.pair_of(key, secret)


_NOTHING = "no key was given, and nothing was asked of Kraken"
Judge = Callable[[Secret], str]  # what is wrong with a half; empty: nothing


def _half(ask: Ask, tell: Callable[[str], None], question: str, problem: Judge, odd: Judge) -> Secret:
    doubted = Secret("")
    for again in range(_TRIES):
        typed = pasted.clean(ask(f"{question}, once more" if again else question))
        typed = typed if typed.reveal() else doubted
        if not typed.reveal():
            raise NeedsPerson(_NOTHING)
        wrong = problem(typed)
        if not wrong and (typed == doubted or not odd(typed)):
            return typed
        doubted = Secret("") if wrong else typed
        tell(_sentence(wrong) if wrong else _sentence(f"{odd(typed)}: paste it again, or press Enter to go on with it"))
    raise NeedsPerson("no usable key was given, and nothing was asked of Kraken")


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:] + "."


def _refuse_half(name: str) -> None:
    """Of a variable that is named alone."""
    label, is_key = names.half_of(name)
    if is_key is not None:
        other = f", or the prefix {label}" if label else ""
        raise UsageError(f"{name} is one half of a pair", hint=f"name both, as KEY,SECRET{other}")


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
    if isinstance(content, str):
        raise CredentialError(f"{path} {content}")
    return content, stat.S_ISREG(mode) and bool(mode & 0o077)


def _decoded(source: BinaryIO) -> Secret | str:
    """Text: why there is none. An error raised from here would have a context that shows the content.

    Bytes are made into Latin-1 first, which always works: that is a Secret too, and shows nothing.
    """
    raw = Secret(source.read(LARGEST_BYTES + 1).decode("latin-1"))
    if len(raw.reveal()) > LARGEST_BYTES:
        return "is larger than 1 MiB: that is no file of keys"
    if (line := _not_utf8(raw)) is not None:
        return f"is not UTF-8 (line {line}): save it as UTF-8"
    return Secret(raw.reveal().encode("latin-1").decode())


def _not_utf8(raw: Secret) -> int | None:
    """The first line that is none, from 1; None: all are."""
    for number, line in enumerate(map(Secret, raw.reveal().split("\n")), 1):
        try:
            line.reveal().encode("latin-1").decode()
        except UnicodeDecodeError:
            return number
    return None
