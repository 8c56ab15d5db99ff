"""What somebody who has followed a runbook tells on standard input, a JSON object a line. See the port `Person`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO, NoReturn

from krakenctl.errors import CredentialError, NeedsPerson
from krakenctl.model.human import Deleted, HumanStep
from krakenctl.model.key import KeyPair
from krakenctl.model.plan import Verb
from krakenctl.model.secret import Secret

_LARGEST = 8 * 1024 * 1024  # bytes of standard input


@dataclass(frozen=True, slots=True)
class Answer:
    """What a line tells of the key of one name: its pair, or that the step was taken."""

    pair: KeyPair | None = None


@dataclass(slots=True)
class FromStdin:
    """Nobody to talk to. Each answer is good for one question."""

    answers: Mapping[str, Answer]
    reason: str = ""  # for which keys that nobody can look at from here are accepted
    interrupted: Callable[[], bool] = lambda: False
    resuming: bool = False  # which makes no difference: nothing is shown
    _used: set[str] = field(default_factory=set)

    @property
    def unused(self) -> tuple[str, ...]:
        """The names of pairs that nothing asked for: whoever made those keys should know."""
        return tuple(name for name, answer in self.answers.items() if answer.pair and name not in self._used)

    def ready(self, step: HumanStep) -> None:
        """An old key is deleted once its successor works: whether that is done, a later run may be told."""
        is_later = step.verb is Verb.REVOKE and bool(self.answers)
        answer = self._unused(step)
        if not is_later and (answer is None or (step.verb is Verb.ISSUE and answer.pair is None)):
            nobody(step)

    def issue(self, step: HumanStep) -> KeyPair:
        answer = self._unused(step)
        if answer is None or answer.pair is None:
            nobody(step)
        self._used.add(step.name)
        return answer.pair

    def update(self, step: HumanStep) -> None:
        self._told(step)

    def revoke(self, step: HumanStep) -> None:
        self._told(step)

    def again(self, step: HumanStep, differences: tuple[str, ...]) -> KeyPair | Deleted | None:
        """A second pair for the same name, or that the key was deleted, can only come from a later run."""
        answer = self._unused(step)
        if answer is None or step.verb is not Verb.ISSUE:
            nobody(step, "; ".join(differences))
        self._used.add(step.name)
        return answer.pair or Deleted.SAID

    def accepts(self, step: HumanStep, why: str) -> str:
        return self.reason or nobody(step, why)

    def _unused(self, step: HumanStep) -> Answer | None:
        return None if step.name in self._used else self.answers.get(step.name)

    def _told(self, step: HumanStep) -> None:
        if self._unused(step) is None:
            nobody(step)
        self._used.add(step.name)


def nobody(step: HumanStep, why: str = "") -> NoReturn:
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
