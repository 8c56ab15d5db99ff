"""Does anything show a secret, anywhere a log, a crash report, a process list or a person would look?"""

from __future__ import annotations

import base64
import json
import os
import pickle
import sys
import traceback
from binascii import Error as NotBase64
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote, quote_plus

PART = 16  # characters of a secret that are too many to show
_CHILDREN = ("subprocess.Popen", "os.exec", "os.posix_spawn", "os.spawn", "os.system")
_PUBLIC = "AGE-SECRET-KEY-1"  # how every age identity begins


def spellings(secret: str) -> set[bytes]:
    """Every way in which a secret, its beginning or its end may be written."""
    told = secret.removeprefix(_PUBLIC)
    texts = {secret, told[:PART], told[-PART:], quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1]}
    found = {text.encode() for text in texts}
    for raw in {secret.encode(), _raw(secret)} - {b""}:
        found |= {raw, raw.hex().encode(), raw.hex().upper().encode(), repr(raw)[2:-1].encode()}
        found |= {base64.b64encode(raw), base64.urlsafe_b64encode(raw), base64.urlsafe_b64encode(raw).rstrip(b"=")}
    return found


def everything_shown(error: BaseException) -> str:
    """Text, repr, fields and traceback of an error and of all that hangs on it: causes, contexts, groups."""
    told: list[str] = []
    for one in _connected(error):
        told += [str(one), repr(one), repr(vars(one)), repr(one.args), *traceback.format_exception(one)]
    return "\n".join(told)


def crash_report(error: BaseException) -> str:
    """The same, with every local variable of every frame of krakenctl's, as crash reporters print them."""
    frames = (text for one in _connected(error) for text in _locals(one.__traceback__))
    return "\n".join((everything_shown(error), *frames))


def shown(value: object) -> str:
    """What a debugger, a log or a crash reporter makes of a value, without asking it to reveal anything."""
    told = [repr(value), str(value), f"{value}"]
    for ask in (vars, json.dumps, lambda one: json.dumps(one, default=repr), pickle.dumps):
        with suppress(Exception):  # what cannot be written shows nothing
            told.append(repr(ask(value)))
    return "\n".join(told)


@contextmanager
def children() -> Iterator[list[str]]:
    """Arguments and environment of every process that is started meanwhile, and of those that live at such a moment."""
    global _watched  # noqa: PLW0603 - Python lets nobody take an audit hook away again
    if _watched is None:
        sys.addaudithook(_hook)
    seen: list[str] = []
    _watched = seen
    try:
        yield seen
    finally:
        _watched = []


_watched: list[str] | None = None


def _hook(event: str, args: tuple[Any, ...]) -> None:
    if event in _CHILDREN and _watched is not None:
        _watched.append(f"{event} {args!r} {dict(os.environ) if event == 'os.system' else ''}")
        _watched.extend(_living())


def _living() -> Iterator[str]:
    for task in Path("/proc/self/task").glob("*/children"):
        for child in task.read_text().split():
            for what in ("cmdline", "environ"):
                with suppress(OSError):
                    yield Path(f"/proc/{child}/{what}").read_bytes().decode(errors="replace")


def _connected(error: BaseException) -> Iterator[BaseException]:
    """The error, its causes and contexts, and the members of groups; each once."""
    waiting, seen = [error], set()
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        waiting += [other for other in (one.__cause__, one.__context__) if other is not None]
        if isinstance(one, BaseExceptionGroup):
            waiting += one.exceptions


def _locals(trace: TracebackType | None) -> Iterator[str]:
    while trace is not None:
        if str(trace.tb_frame.f_globals.get("__name__", "")).startswith("krakenctl."):
            for value in trace.tb_frame.f_locals.values():
                yield shown(value)
        trace = trace.tb_next


def _raw(secret: str) -> bytes:
    """What it spells, if it is base64, as Kraken's secrets are."""
    try:
        return base64.b64decode(secret, validate=True) if len(secret) % 4 == 0 else b""
    except (NotBase64, ValueError):
        return b""
