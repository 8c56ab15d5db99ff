"""Reads the bytes of one manifest, and never more than a manifest may have. It never waits on a pipe or a device."""

from __future__ import annotations

import errno
import os
import re
import stat
from pathlib import Path

from krakenctl.load.problem import in_file, in_line
from krakenctl.model.finding import Finding
from krakenctl.model.origin import Origin

LIMIT = 16 * 1024 * 1024
_ELSEWHERE = "a manifest must lie inside the workspace"
_BOMS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}
# Everything that YAML itself does not call printable, and the byte order mark where it marks nothing.
_UNPRINTABLE = re.compile(
    "[^\\t\\n\\r\\x20-\\x7e\\x85\\xa0-\\ud7ff\\ue000-\\ufefe\\uff00-\\ufffd\\U00010000-\\U0010ffff]"
)


def read_bytes(root: Path, relative: str) -> bytes | Finding:
    """The whole file, or why there is none."""
    try:
        if not _is_inside(root, relative):
            return in_file("outside-workspace", relative, "this path leads out of the workspace", hint=_ELSEWHERE)
        return _read_regular(root / relative, relative)
    except (OSError, RuntimeError, ValueError) as problem:
        return unreadable(relative, problem)


def as_text(data: bytes, file: str) -> str | Finding:
    """Decode UTF-8, with or without its byte order mark; or say which byte in which line is none."""
    if data[:2] in _BOMS or b"\0" in data[:2]:
        return in_file("not-utf8", file, "this file is written in UTF-16", hint="save it as UTF-8")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        return _not_utf8(data, file, problem.start)
    odd = _UNPRINTABLE.search(text)
    return text if odd is None else _unprintable(text, file, odd.start())


def unreadable(file: str, problem: Exception) -> Finding:
    """What the operating system said, in a sentence."""
    if isinstance(problem, RuntimeError) or getattr(problem, "errno", None) == errno.ELOOP:
        return in_file("symlink-loop", file, "this path leads through symbolic links that go round in a circle")
    reason = getattr(problem, "strerror", None) or "the name is not usable"
    return in_file("unreadable", file, f"this cannot be read: {reason.lower()}")


def _is_inside(root: Path, relative: str) -> bool:
    """Whether the path, with every link followed, lies in the workspace. Raises OSError when it leads nowhere."""
    named = os.path.join(os.path.abspath(root), relative)  # noqa: PTH100, PTH118 - twenty thousand times a run
    real = os.path.realpath(named, strict=True)
    return real == named or Path(real).is_relative_to(os.path.realpath(root))


def _read_regular(path: Path, relative: str) -> bytes | Finding:
    if not stat.S_ISREG(path.stat().st_mode):
        return _not_a_file(path, relative)
    # It may have become a pipe since: O_NONBLOCK lets the open return, and a pipe then reads as empty.
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    with open(handle, "rb") as file:  # noqa: PTH123 - a descriptor, not a path
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return _not_a_file(path, relative)
        data = file.read(LIMIT + 1)
    if len(data) > LIMIT:
        return in_file(
            "too-large", relative, "this file is larger than 16 MiB", hint="divide it, or leave it out of `manifests`"
        )
    return data


def _not_a_file(path: Path, relative: str) -> Finding:
    what = "a folder" if path.is_dir() else "a pipe, a socket or a device"
    return in_file("unreadable", relative, f"this is {what}, not a file")


def _not_utf8(data: bytes, file: str, offset: int) -> Finding:
    line_start = data.rfind(b"\n", 0, offset) + 1
    column = len(data[line_start:offset].decode("utf-8", "replace")) + 1
    origin = Origin(file, data.count(b"\n", 0, offset) + 1, column)
    message = f"this file is not UTF-8: byte {offset + 1}, in line {origin.line}, is 0x{data[offset]:02x}"
    return in_line("not-utf8", origin, message, hint="save it as UTF-8")


def _unprintable(text: str, file: str, offset: int) -> Finding:
    origin = Origin(file, text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset))
    message = f"this character is not printable: U+{ord(text[offset]):04X}"
    return in_line("control-character", origin, message, hint="delete it")
