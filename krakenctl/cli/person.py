"""The person beside the terminal, or a pipeline that speaks for one. See the port `Person` of the surfaces.

What is typed in is not shown, and goes nowhere but to the caller. Whoever stops leaves by NeedsPerson.
"""

from __future__ import annotations

import os
import select
import sys
import termios
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NoReturn

from krakenctl.cli.shell import Shell
from krakenctl.errors import CredentialError, NeedsPerson, UsageError
from krakenctl.model.human import HumanStep
from krakenctl.model.key import KeyPair
from krakenctl.model.plan import Verb
from krakenctl.model.secret import Secret

if TYPE_CHECKING:
    from krakenctl.model.plan import Plan

_SLICE = 0.1  # seconds between two looks whether somebody pressed Ctrl-C: prompts may be asked from any thread
_LONGEST = 64 * 1024  # bytes of a line
_LARGEST = 8 * 1024 * 1024  # bytes of standard input
_GO_ON = "apply goes on with it when it is run again"


def at_hand(shell: Shell, *, stdin: bool = False, reason: str = "") -> AtTerminal | FromStdin | None:
    """Who is there to do what no API does; None: nobody. Raises CredentialError for lines that are none."""
    if stdin:
        return FromStdin(read_answers(sys.stdin.buffer), reason)
    if shell.is_attended and not shell.json:
        return AtTerminal(shell, reason)
    return FromStdin({}, reason) if reason else None


@dataclass(slots=True)
class AtTerminal:
    """Says what to do, step by step, and waits. `interrupted`: whether Ctrl-C was pressed since the run began."""

    shell: Shell
    reason: str = ""  # for which keys that nobody can look at from here are accepted
    interrupted: Callable[[], bool] = lambda: False

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

    def again(self, step: HumanStep, differences: tuple[str, ...]) -> KeyPair | None:
        from krakenctl.render import human

        self.shell.note("\n" + human.differences(step, differences, self._paint()).rstrip("\n"))
        if step.verb is not Verb.ISSUE:
            self._confirmed(step, "Put it right on the website. Is it right now?")
            return None
        answer = self._ask("Put it right, then: [Y] look again, [k] type key and private key in again, [n] stop here")
        if answer in ("k", "key"):
            return self._pair(step)
        return None if answer in ("", "y", "yes") else self._stop(step)

    def accepts(self, step: HumanStep, why: str) -> str:
        return self.reason or _nobody(step, why)

    def _show(self, step: HumanStep) -> None:
        from krakenctl.render import human

        self.shell.note("\n" + human.text(step, self._paint(), _local).rstrip("\n"))

    def _pair(self, step: HumanStep) -> KeyPair:
        from krakenctl.pairs import sources

        self.shell.note("Paste both here, one after the other; neither is shown, and an empty answer stops here.")
        try:
            with _without_echo():
                return sources.prompted(lambda question: Secret(self._line(f"{question}: ")), self.shell.note)
        except NeedsPerson as problem:
            raise NeedsPerson(f"{step.name} on {step.account}: {problem.message}", hint=_GO_ON) from None

    def _confirmed(self, step: HumanStep, question: str) -> None:
        if self._ask(f"{question} [Y/n]") not in ("", "y", "yes"):
            self._stop(step)

    def _ask(self, question: str) -> str:
        """In small letters. End of input is a no."""
        line = self._line(f"{question} ", ended="n")
        return line.strip().casefold()

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


@dataclass(frozen=True, slots=True)
class Answer:
    """What a line tells of the key of one name: its pair, or that the step was taken."""

    pair: KeyPair | None = None


@dataclass(slots=True)
class FromStdin:
    """Nobody to talk to, and the answers of somebody who has followed a runbook."""

    answers: Mapping[str, Answer]
    reason: str = ""
    interrupted: Callable[[], bool] = lambda: False
    _used: set[str] = field(default_factory=set)

    def ready(self, step: HumanStep) -> None:
        """An old key is deleted once its successor works: whether that is done, a later run may be told."""
        is_later = step.verb is Verb.REVOKE and bool(self.answers)
        if step.name not in self.answers and not is_later and not (self.reason and step.verb is Verb.CHECK):
            _nobody(step)

    def issue(self, step: HumanStep) -> KeyPair:
        answer = self.answers.get(step.name, Answer())
        if answer.pair is None or step.name in self._used:
            _nobody(step)
        self._used.add(step.name)
        return answer.pair

    def update(self, step: HumanStep) -> None:
        self._told(step)

    def revoke(self, step: HumanStep) -> None:
        self._told(step)

    def again(self, step: HumanStep, differences: tuple[str, ...]) -> KeyPair | None:
        _nobody(step, "; ".join(differences))

    def accepts(self, step: HumanStep, why: str) -> str:
        return self.reason or _nobody(step, why)

    def _told(self, step: HumanStep) -> None:
        if step.name not in self.answers:
            _nobody(step)


def _nobody(step: HumanStep, why: str = "") -> NoReturn:
    raise NeedsPerson(
        f"{step.name} on {step.account} waits for a person on Kraken's website" + (f": {why}" if why else ""),
        hint="run `krakenctl apply` at a terminal: it says what to do, step by step",
    )


def read_answers(source: BinaryIO) -> dict[str, Answer]:
    """A JSON object a line: {"name","apiKey","secret"}, or {"name","done":true}. Raises CredentialError."""
    content = Secret(source.read(_LARGEST + 1).decode(errors="replace"))
    if len(content.reveal()) > _LARGEST:
        raise CredentialError("what came on standard input is too large for answers")
    found: dict[str, Answer] = {}
    for number, line in enumerate(map(Secret, content.reveal().split("\n")), 1):
        if line.reveal().strip():
            name, answer = _answer(line, number)
            found[name] = answer
    return found


def _answer(line: Secret, number: int) -> tuple[str, Answer]:
    told = _parsed(line)
    name = told.get("name")
    key, secret = told.get("apiKey"), told.get("secret")
    if isinstance(name, Secret) and isinstance(key, Secret) and isinstance(secret, Secret):
        return name.reveal(), Answer(_sound(key, secret, number))
    if isinstance(name, Secret) and told.get("done") is True:
        return name.reveal(), Answer()
    raise CredentialError(
        f"line {number} of standard input is no answer",
        hint='a line is {"name", "apiKey", "secret"}; or {"name", "done": true} of what was edited or deleted',
    )


def _sound(key: Secret, secret: Secret, number: int) -> KeyPair:
    from krakenctl.pairs import pasted

    if problem := pasted.pair_problem(key, secret):
        raise CredentialError(f"line {number} of standard input: {problem}")
    return pasted.pair_of(pasted.clean(key), pasted.clean(secret))


def _parsed(line: Secret) -> dict[str, Any]:
    """Every text in it hidden; empty: it is no JSON object. No error leaves from here: it would show the line."""
    import json

    try:
        told = json.loads(line.reveal())
    except (ValueError, RecursionError):
        return {}
    if not isinstance(told, dict):
        return {}
    return {name: Secret(value) if isinstance(value, str) else value for name, value in told.items()}


@contextmanager
def heeding(person: AtTerminal | FromStdin | None, interrupted: Callable[[], bool]) -> Iterator[None]:
    """Meanwhile Ctrl-C ends a prompt too."""
    if person is not None:
        person.interrupted = interrupted
    yield


# The terminal


@contextmanager
def _without_echo() -> Iterator[None]:
    """What waits to be read stays: people paste both halves at once."""
    fd = sys.stdin.fileno()
    before = termios.tcgetattr(fd)
    hushed = termios.tcgetattr(fd)
    hushed[3] &= ~termios.ECHO
    try:
        termios.tcsetattr(fd, termios.TCSADRAIN, hushed)
        yield
    finally:
        with suppress(termios.error):  # the terminal is gone
            termios.tcsetattr(fd, termios.TCSADRAIN, before)


def _echoes(fd: int) -> bool:
    return bool(termios.tcgetattr(fd)[3] & termios.ECHO)


def _local(seconds: int) -> str:
    """As this machine's clock shows it; empty where that is UTC."""
    try:
        moment = datetime.fromtimestamp(seconds).astimezone()
    except (ValueError, OverflowError, OSError):
        return ""
    return moment.strftime("%Y-%m-%d %H:%M:%S %Z") if moment.utcoffset() else ""


# The runbook


def refuse_target(target: Path | None) -> None:
    """Before anything is planned. Raises UsageError when no file can be made there."""
    if target is not None and not target.parent.is_dir():
        raise UsageError(f"no runbook can be written to {target}: there is no folder {target.parent}")


def write_runbook(target: Path, plan: Plan) -> int:
    """How many steps it has. Raises UsageError for a file that is there already and says something else."""
    from krakenctl import files
    from krakenctl.plan.human import human_steps
    from krakenctl.render import human

    steps = human_steps(plan)
    if not steps:
        return 0
    content = human.runbook(plan.workspace, plan.endpoint, steps).encode()
    try:
        if target.exists():
            if target.read_bytes() != content:
                raise UsageError(f"{target} is there already, and says something else", hint="name another file")
        else:
            files.write_whole(target, content, mode=0o600)
    except OSError as problem:
        raise UsageError(f"the runbook cannot be written to {target}: {problem.strerror}") from None
    return len(steps)
