"""A person at the terminal, who is told what to do on Kraken's website. See the port `Person` of the surfaces.

What is typed in is not shown, and goes nowhere but to the caller. Whoever stops leaves by NeedsPerson.
"""

from __future__ import annotations

import os
import select
import sys
import termios
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn

from krakenctl.cli.answers import nobody
from krakenctl.cli.shell import Shell
from krakenctl.errors import NeedsPerson
from krakenctl.model.human import Deleted, HumanStep
from krakenctl.model.key import KeyPair
from krakenctl.model.plan import Verb
from krakenctl.model.secret import Secret

_SLICE = 0.1  # seconds between two looks whether somebody pressed Ctrl-C: prompts may be asked from any thread
_END = "\x04"
_LONGEST = 64 * 1024  # bytes of a line
_GO_ON = "apply goes on with it when it is run again"
_YES, _NO = ("", "y", "yes"), ("n", "no")
_LOOK, _TYPE, _GONE, _STOP = "look", "type", "gone", "stop"
_MENDING = dict.fromkeys(_YES, _LOOK) | {"k": _TYPE, "key": _TYPE, "d": _GONE, "deleted": _GONE}


@dataclass(slots=True)
class AtTerminal:
    """Says what to do, step by step, and waits. `interrupted`: whether Ctrl-C was pressed since the run began."""

    shell: Shell
    reason: str = ""  # for which keys that nobody can look at from here are accepted
    interrupted: Callable[[], bool] = lambda: False

    @property
    def unused(self) -> tuple[str, ...]:
        """Nothing is given that was not asked for."""
        return ()

    def ready(self, step: HumanStep) -> None:
        """Somebody is there."""
        if self.interrupted():
            self._stop(step)

    def issue(self, step: HumanStep) -> KeyPair:
        self._show(step)
        return self._pair(step)

    def update(self, step: HumanStep) -> None:
        self._show(step)
        self._confirmed(step, "Is it saved?")

    def revoke(self, step: HumanStep) -> None:
        self._show(step)
        self._confirmed(step, "Is it deleted?")

    def again(self, step: HumanStep, differences: tuple[str, ...]) -> KeyPair | Deleted | None:
        from krakenctl.render import human

        self.shell.note("\n" + human.differences(step, differences, self._paint()).rstrip("\n"))
        if step.verb is not Verb.ISSUE:
            self._confirmed(step, "Put it right on the website. Is it right now?")
            return None
        self.shell.note("Put it right on the website; or, if you would rather begin anew, delete it there. Then:")
        match self._choice("[Y] look again, [k] type key and private key in again, [d] it is deleted, [n] stop here"):
            case "look":
                return None
            case "type":
                return self._pair(step)
            case "gone":
                return Deleted.SAID
        self._stop(step)

    def accepts(self, step: HumanStep, why: str) -> str:
        return self.reason or nobody(step, why)

    def _show(self, step: HumanStep) -> None:
        from krakenctl.render import human

        self.shell.note("\n" + human.text(step, self._paint(), _local).rstrip("\n"))

    def _pair(self, step: HumanStep) -> KeyPair:
        from krakenctl.pairs import sources

        self.shell.note("Paste both here, one after the other; neither is shown, and an empty answer stops here.")
        try:
            with _without_echo():
                return sources.prompted(self._pasted, self.shell.note)
        except NeedsPerson as problem:
            raise NeedsPerson(f"{step.name} on {step.account}: {problem.message}", hint=_GO_ON) from None

    def _pasted(self, question: str) -> Secret:
        """Empty lines in the middle of what was pasted are none of their answers."""
        typed = self._line(f"{question}: ", ended=_END)
        while not typed.strip() and select.select([sys.stdin.fileno()], [], [], 0)[0]:
            typed = self._line("", ended=_END)
        return Secret(typed.replace(_END, ""))

    def _confirmed(self, step: HumanStep, question: str) -> None:
        if self._choice(f"{question} [Y/n]", dict.fromkeys(_YES, _LOOK)) == _STOP:
            self._stop(step)

    def _choice(self, question: str, meaning: Mapping[str, str] = _MENDING) -> str:
        """What an answer means. End of input is a no; whatever means nothing is asked again."""
        while (answer := self._line(f"{question} ", ended="n").strip().casefold()) not in _NO:
            if answer in meaning:
                return meaning[answer]
        return _STOP

    def _line(self, question: str, ended: str = "") -> str:
        """What is typed, with or without an echo. `ended` where they pressed Ctrl-C or Ctrl-D, or closed the window."""
        try:
            return self._typed(question, ended)
        except (OSError, termios.error):  # the terminal is gone
            return ended

    def _typed(self, question: str, ended: str) -> str:
        sys.stderr.write(question)
        sys.stderr.flush()
        fd = sys.stdin.fileno()
        while not select.select([fd], [], [], _SLICE)[0]:
            if self.interrupted():
                self.shell.note("")
                return ended
        typed = os.read(fd, _LONGEST)
        if not _echoes(fd) or not typed:
            self.shell.note("")
        return typed.decode(errors="replace").rstrip("\r\n") if typed else ended

    def _stop(self, step: HumanStep) -> NoReturn:
        raise NeedsPerson(f"stopped at {step.name} on {step.account}", hint=_GO_ON)

    def _paint(self) -> Any:
        return self.shell.paint(stderr=True)


@contextmanager
def _without_echo() -> Iterator[None]:
    """What waits to be read stays: people paste both halves at once. At the end it goes, or a shell would read it."""
    fd = sys.stdin.fileno()
    before = termios.tcgetattr(fd)
    hushed = termios.tcgetattr(fd)
    hushed[3] &= ~termios.ECHO
    try:
        termios.tcsetattr(fd, termios.TCSADRAIN, hushed)
        yield
    finally:
        with suppress(termios.error):  # the terminal is gone
            termios.tcsetattr(fd, termios.TCSAFLUSH, before)


def _echoes(fd: int) -> bool:
    return bool(termios.tcgetattr(fd)[3] & termios.ECHO)


def _local(seconds: int) -> str:
    """As this machine's clock shows it; empty where that is UTC."""
    try:
        moment = datetime.fromtimestamp(seconds).astimezone()
    except (ValueError, OverflowError, OSError):
        return ""
    return moment.strftime("%Y-%m-%d %H:%M:%S %Z") if moment.utcoffset() else ""
