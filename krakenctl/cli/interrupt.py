"""Ctrl-C while applying: the step under way is finished, the rest is left, and the report says so."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from types import FrameType, TracebackType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
NOTE = b"Interrupted: finishing the step under way, then stopping.\n"


class Interrupt:
    """While entered, the signals only set a flag: a secret between exchange and store must not be dropped."""

    def __init__(self, note: bytes = NOTE) -> None:
        self._told = note
        self._seen = False
        self._before: dict[signal.Signals, Any] = {}

    def seen(self) -> bool:
        return self._seen

    def __enter__(self) -> Interrupt:
        """A signal that our caller ignores (nohup, a shell's &) stays ignored."""
        heard = [
            number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN
        ]  # nohup, or a shell's &
        self._before = {number: signal.signal(number, self._note) for number in heard}
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        """Straight to the descriptor: the handler may have come in the middle of a buffered write."""
        if not self._seen:
            with suppress(OSError):
                os.write(2, self._told)
        self._seen = True
