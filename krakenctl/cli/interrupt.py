"""Ctrl-C while applying: the step under way is finished, the rest is left, and the report says so."""

from __future__ import annotations

import signal
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from krakenctl.cli.shell import Shell

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupt:
    """While entered, the signals only set a flag: a secret between exchange and store must not be dropped."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell
        self._seen = False
        self._before: dict[signal.Signals, Any] = {}

    def seen(self) -> bool:
        return self._seen

    def __enter__(self) -> Interrupt:
        self._before = {number: signal.signal(number, self._note) for number in SIGNALS}
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        if not self._seen:
            self._shell.note("Interrupted: finishing the step under way, then stopping.")
        self._seen = True
