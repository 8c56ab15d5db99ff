"""Does anything show a secret, anywhere a log, a crash report, a process list or a person would look?"""

from __future__ import annotations

import base64
import json
import os
import pickle
import sys
import traceback
from binascii import Error as NotBase64
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType, TracebackType
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
    """Arguments and environment of every process that is started meanwhile.

    As they are asked for, and as `/proc` shows them while they live: when another one is started, and at the end.
    """
    global _watched  # noqa: PLW0603 - Python lets nobody take an audit hook away again
    if _watched is None:
        sys.addaudithook(_hook)
    seen: list[str] = []
    _watched = seen
    try:
        yield seen
    finally:
        _watched = []
        seen.extend(living())


_watched: list[str] | None = None


def _hook(event: str, args: tuple[Any, ...]) -> None:
    if event in _CHILDREN and _watched is not None:
        inherits = event == "os.system" or args[-1] is None
        _watched.append(f"{event} {args!r} {dict(os.environ) if inherits else ''}")
        _watched.extend(living())


def living(process: int | str = "self") -> Iterator[str]:
    """What `/proc` shows to others of every process below this one, now: its arguments, environment and name."""
    for task in Path(f"/proc/{process}/task").glob("*/children"):
        for child in _read(task).split():
            yield from seen_of(child)
            yield from living(child)


def seen_of(process: int | str) -> Iterator[str]:
    """What `/proc` shows of one process. For a moment after it has become another program it would show nothing."""
    folder = Path(f"/proc/{process}")
    while not (arguments := _read(folder / "cmdline")) and _lives(folder):
        pass
    yield from (arguments, _read(folder / "environ"), _read(folder / "comm"))


def _lives(process: Path) -> bool:
    """Neither gone nor waiting to be heard of, which leaves it without arguments for good."""
    return _read(process / "stat").rpartition(")")[2].split()[:1] not in ([], ["Z"], ["X"])


def _read(path: Path) -> str:
    """Empty: the process has just ended."""
    try:
        return path.read_bytes().decode(errors="replace")
    except OSError:
        return ""


@contextmanager
def bare_locals(secrets: Collection[str], *, within: Callable[[str], bool]) -> Iterator[set[str]]:
    """Every local variable that holds one of these secrets as plain text, at any line that this thread runs meanwhile.

    Each as `module.function:variable`, in modules whose names `within` takes. A crash reporter may print them.
    """
    found: set[str] = set()

    def at_line(frame: FrameType, event: str, _: object) -> TraceFunction:
        for name, value in frame.f_locals.items():
            if event != "call" and _holds(value, secrets):
                found.add(f"{frame.f_globals['__name__']}.{frame.f_code.co_name}:{name}")
        return at_line

    def at_call(frame: FrameType, *_: object) -> TraceFunction | None:
        return at_line if within(str(frame.f_globals.get("__name__", ""))) else None

    before = sys.gettrace()
    sys.settrace(at_call)
    try:
        yield found
    finally:
        sys.settrace(before)


TraceFunction = Callable[[FrameType, str, Any], Any]


def _holds(value: object, secrets: Collection[str]) -> bool:
    """In its repr, or in that of what it contains: that is what gets printed."""
    try:
        told = repr(value)
    except Exception:  # noqa: BLE001 - it is not whole yet
        return False
    return any(secret in told for secret in secrets)


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
