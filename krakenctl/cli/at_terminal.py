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
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from typing import Any, NoReturn

from krakenctl.cli.answers import nobody
from krakenctl.cli.shell import Shell
from krakenctl.errors import NeedsPerson
from krakenctl.model.human import Deleted, HumanStep, Slip, Successor
from krakenctl.model.key import KeyPair
from krakenctl.model.plan import Verb
from krakenctl.model.secret import Secret

_SLICE = 0.1  # seconds between two looks whether somebody pressed Ctrl-C: prompts may be asked from any thread
_END = "\x04"
_LONGEST = 64 * 1024  # bytes of a line
_GO_ON = "apply goes on with it when it is run again"


class _Said(Enum):
    YES, TYPE, GONE, STOP, TAKE = range(5)


_Meaning = Mapping[str, _Said]  # of what they may type: whatever else it is, they are asked again
_NO: _Meaning = dict.fromkeys((_END, "n", "no"), _Said.STOP)
_UNSEEN: _Meaning = {**_NO, **dict.fromkeys(("y", "yes"), _Said.YES)}
_SURELY: _Meaning = {**_UNSEEN, "": _Said.STOP}
_LIKELY: _Meaning = {**_UNSEEN, "": _Said.YES}
_ANEW: _Meaning = {
    **_NO,
    **dict.fromkeys(("k", "key"), _Said.TYPE),
    **dict.fromkeys(("d", "deleted"), _Said.GONE),
}
_ACCEPTED: _Meaning = dict.fromkeys(("a", "accept"), _Said.TAKE)  # where they have said why it may be taken as it is
_MENDING = {
    Slip.FORM: (
        {**_LIKELY, **_ANEW},
        "Put it right on the website; or, if you would rather begin anew, delete it there. Then:",
        "[Y] look again, [k] type key and private key in again, [d] it is deleted, [n] stop here",
    ),
    Slip.PAIR: (
        {**_ANEW, "": _Said.TYPE, "y": _Said.TYPE, "yes": _Said.TYPE},
        "The key on the website can stay: type its two halves in again. If its private key is not shown any more,"
        " delete it there.",
        "[Y] type both in again, [d] it is deleted, [n] stop here",
    ),
    Slip.UNSEEN: (
        {**_ANEW, **_UNSEEN},
        "If it was mistyped, type it in again.",
        "[y] look again, [k] type key and private key in again, [d] it is deleted",
    ),
    Slip.ACCOUNT: (
        _ANEW,
        "No key can be moved: delete it there, log in to the right account, and make it once more as told above.",
        "[k] type in the new one's key and private key, [d] it is deleted, [n] stop here",
    ),
}
_EDITED = (_LIKELY, "Put it right on the website.", "Is it right now? [Y/n]")
_UNSEEN_EDIT = (_UNSEEN, "See on the website whether it is as shown above; if not, put it right.", "[y] look again")
_ATTESTED = (
    "stop here: what is kept stays as it is, and `krakenctl attest` compares it where it can read this store. Look"
    " again only once you have edited it: then it is to be attested anew"
)
_IF_RIGHT = {  # of a key that cannot be asked from here
    Verb.ISSUE: "stop here: its pair is kept, and `krakenctl attest` looks at it where it may be used",
    Verb.UPDATE: "stop here; `krakenctl apply --accept-unverified REASON` puts on the record that nobody looked",
}


@dataclass(slots=True)
class AtTerminal:
    """Says what to do, step by step, and waits. `interrupted`: whether Ctrl-C was pressed since the run began."""

    shell: Shell
    reason: str = ""  # for which keys that nobody can look at from here are accepted
    interrupted: Callable[[], bool] = lambda: False
    resuming: bool = False  # what comes next is left from an earlier run, which is yet to be said
    _left: set[tuple[str, str]] = field(default_factory=set)  # account and name: they have stopped there in this run

    def ready(self, step: HumanStep) -> None:
        """Somebody is there; but nobody is asked again for what they left."""
        if self.interrupted() or (step.account, step.name) in self._left:
            self._stop(step)

    def issue(self, step: HumanStep) -> KeyPair:
        self._show(step)
        return self._pair(step)

    def update(self, step: HumanStep) -> None:
        self._show(step)
        if self._choice("Is it saved? [Y/n]", _LIKELY) == _Said.STOP:
            self._stop(step)

    def revoke(self, step: HumanStep) -> None:
        if step.successor is not None:
            self._hand_over(step, step.successor)
        self._show(replace(step, successor=None))
        self._see_deleted(step)

    def again(self, step: HumanStep, differences: tuple[str, ...]) -> KeyPair | Deleted | None:
        from krakenctl.render import human

        self._say(human.differences(step, differences, self._paint()))
        if step.verb is Verb.REVOKE:
            self._see_deleted(step)
            return None
        match self._mended(step):
            case _Said.YES:
                return None
            case _Said.TYPE:
                return self._pair(step)
            case _Said.GONE:
                return Deleted.SAID
            case _Said.TAKE:
                nobody(step, "; ".join(differences))
            case _Said.STOP:
                self._stop(step)

    def _mended(self, step: HumanStep) -> _Said:
        if step.slip is Slip.UNSEEN:
            return self._doubted(step)
        meaning, told, question = _MENDING[step.slip] if step.verb is Verb.ISSUE else _EDITED
        self.shell.tell(told)
        return self._choice(question, meaning)

    def _doubted(self, step: HumanStep) -> _Said:
        """It may be right: they have stopped, then, or said why it may be taken as it is."""
        meaning, told, question = _MENDING[step.slip] if step.verb is Verb.ISSUE else _UNSEEN_EDIT
        if not self.reason:
            self.shell.tell(f"{told} If it is right, {_ATTESTED if step.attested else _IF_RIGHT[step.verb]}.")
            return self._choice(f"{question}, [n] stop here", meaning)
        self.shell.tell(f"{told} If it is right, say so: then it is taken unseen, for the reason that you gave.")
        return self._choice(f"{question}, [a] it is right: take it unseen, [n] stop here", {**meaning, **_ACCEPTED})

    def accepts(self, step: HumanStep, why: str) -> str:
        """Not what they have just walked away from."""
        if (step.account, step.name) in self._left:
            self._stop(step)
        return self.reason or nobody(step, why)

    def _hand_over(self, step: HumanStep, new: Successor) -> None:
        """The old key may be deleted only once nobody needs it, which nothing but a person can know."""
        from krakenctl.render import human

        self._say(human.handing_over(step.name, new, self._paint()))
        if self._choice(f"Does its program use {new.name}? [y/N]", _SURELY) == _Said.STOP:
            self._left.add((step.account, step.name))
            message = f"{step.name} on {step.account} is kept until its program uses {new.name}"
            raise NeedsPerson(message, hint=f"run apply again then: it goes on with the deletion of {step.name}")

    def _see_deleted(self, step: HumanStep) -> None:
        if self._choice("Is it deleted? [y/N]", _SURELY) == _Said.STOP:
            self._stop(step)

    def _show(self, step: HumanStep) -> None:
        from krakenctl.render import human

        self._say(human.text(step, self._paint(), _local))

    def _say(self, told: str) -> None:
        if self.resuming:
            self.shell.note("\nAn earlier run stopped here:")
        self.resuming = False
        self.shell.note("\n" + told.rstrip("\n"))

    def _pair(self, step: HumanStep) -> KeyPair:
        from krakenctl.pairs import sources

        self.shell.tell("Paste both here, one after the other; neither is shown, and an empty answer stops here.")
        try:
            with _without_echo():
                return sources.prompted(self._pasted, self.shell.tell)
        except NeedsPerson as problem:
            self._left.add((step.account, step.name))
            raise NeedsPerson(f"{step.name} on {step.account}: {problem.message}", hint=_GO_ON) from None

    def _pasted(self, question: str) -> Secret:
        """Empty lines in the middle of what was pasted are none of their answers. Raises EOFError: they have left."""
        typed = self._line(f"{question}: ", ended=_END)
        while not typed.strip() and select.select([sys.stdin.fileno()], [], [], 0)[0]:
            typed = self._line("", ended=_END)
        if typed == _END:
            raise EOFError
        return Secret(typed)

    def _choice(self, question: str, meaning: _Meaning) -> _Said:
        """What an answer means. End of input is a no; whatever means nothing is asked again."""
        fitting = self._paint().flowing(((choice,) for choice in question.split(", ")), indent=0, first=0)
        while (answer := self._line(f"{fitting} ", ended=_END).strip().casefold()) not in meaning:
            continue
        return meaning[answer]

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
        self._left.add((step.account, step.name))
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
