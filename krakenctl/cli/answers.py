"""What somebody who has followed a runbook tells on standard input, a JSON object a line. See the port `Person`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any, BinaryIO, NoReturn

from krakenctl.errors import CredentialError, NeedsPerson
from krakenctl.model.human import Deleted, HumanStep
from krakenctl.model.key import KeyPair
from krakenctl.model.plan import Verb
from krakenctl.model.secret import Secret, hidden

_LARGEST = 8 * 1024 * 1024  # bytes of standard input
_AS_SHOWN = (
    "leave it out, or write account and name as the runbook shows them: `krakenctl apply --runbook FILE` writes it anew"
)
Key = tuple[str, str]  # account and name


@dataclass(frozen=True, slots=True)
class Answer:
    """What a line tells of one key: its pair, or that the step was taken."""

    line: int
    name: str  # of the key, which is unique within an account only
    account: str = ""  # as the manifests call it; empty: the line does not say
    pair: KeyPair | None = None

    def is_of(self, account: str, name: str) -> bool:
        return self.name == name and self.account in ("", account)

    def is_one_of(self, keys: Iterable[Key]) -> bool:
        return any(self.is_of(*key) for key in keys)

    def __str__(self) -> str:
        return f"{self.name} on {self.account}" if self.account else self.name


@dataclass(slots=True)
class FromStdin:
    """Nobody to talk to. Each answer is good for one question."""

    answers: Sequence[Answer]
    reason: str = ""  # for which keys that nobody can look at from here are accepted
    for_all: bool = False  # whether that is of each of them; else of those that a line tells of
    _used: set[int] = field(default_factory=set)  # lines
    _before: Collection[Key] = ()  # on record when the run began
    _settled: set[int] = field(default_factory=set)  # lines that tell what is on record
    _expected: set[int] = field(default_factory=set)  # lines that are right, whether anything asks for them or not

    @property
    def unused(self) -> tuple[Answer, ...]:
        """What nothing asked for: whoever told it should know."""
        return tuple(answer for answer in self.answers if answer.line not in self._used | self._settled)

    @property
    def is_odd(self) -> bool:
        """Whether there are lines that this run could have no use for, however far it came."""
        return any(answer.line not in self._expected for answer in self.unused)

    def begin(self, keys: Collection[Key], public_keys: Collection[str]) -> None:
        """These are on record: what lines tell of their pairs, an earlier run has kept."""
        self._before = keys
        self._settled = {each.line for each in self.answers if each.pair and each.pair.public_key in public_keys}

    def settle(self, keys: Collection[Key]) -> None:
        """These still wait for a word: the others were found out to be gone, or somebody has said so before."""
        gone = {key for key in self._before if key not in keys}
        self._settled |= {each.line for each in self.answers if each.pair is None and each.is_one_of(gone)}

    def expect(self, is_expected: Callable[[Answer], bool]) -> None:
        self._expected = {answer.line for answer in self.answers if is_expected(answer)}

    def refuse_unknown(self, keys: Collection[Key]) -> None:
        """Raises CredentialError for a line that cannot be of any of them: it is mistyped, or of another workspace."""
        for answer in self.unused:
            if not answer.is_one_of(keys):
                raise CredentialError(
                    f"line {answer.line} of standard input tells of {answer}, and there is no such key and no such step"
                    + ("; the pair was not kept" if answer.pair else ""),
                    hint=_AS_SHOWN,
                )

    def refuse_elsewhere(self, accounts: Collection[str]) -> None:
        """Raises CredentialError for a line that tells of another account than these."""
        for answer in self.answers:
            if answer.account and answer.account not in accounts:
                raise CredentialError(
                    f"line {answer.line} of standard input tells of {answer}, and there is no such account; nothing was"
                    " done",
                    hint=_AS_SHOWN,
                )

    def refuse_unclear(self, keys: Iterable[Key]) -> None:
        """Raises CredentialError for a line that may be of more than one of them."""
        known = sorted(set(keys))
        for answer in self.answers:
            places = [account for account, name in known if answer.is_of(account, name)]
            if len(places) > 1:
                raise CredentialError(
                    f"line {answer.line} of standard input does not say whose {answer.name} it tells of: there is one"
                    f" on {' and one on '.join(places)}",
                    hint='say it, as the runbook does: {"account": "ACCOUNT", "name": …}',
                )

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
        self._used.add(answer.line)
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
        self._used.add(answer.line)
        return answer.pair or Deleted.SAID

    def accepts(self, step: HumanStep, why: str) -> str:
        is_meant = self.for_all or any(answer.is_of(step.account, step.name) for answer in self.answers)
        return (self.reason if is_meant else "") or nobody(step, why)

    def _unused(self, step: HumanStep) -> Answer | None:
        found = (answer for answer in self.answers if answer.is_of(step.account, step.name))
        return next((answer for answer in found if answer.line not in self._used), None)

    def _told(self, step: HumanStep) -> None:
        answer = self._unused(step)
        if answer is None:
            nobody(step)
        self._used.add(answer.line)


def nobody(step: HumanStep, why: str = "") -> NoReturn:
    raise NeedsPerson(
        f"{step.name} on {step.account} waits for a person on Kraken's website" + (f": {why}" if why else ""),
        hint="run `krakenctl apply` at a terminal: it says what to do, step by step",
    )


def read_answers(source: BinaryIO) -> tuple[Answer, ...]:
    """A JSON object a line: {"account","name","apiKey","secret"}, or {"account","name","done":true}.

    Raises CredentialError, also where two lines tell of one key: no pair, which is shown once, makes way for another.
    """
    content = Secret(source.read(_LARGEST + 1).decode(errors="replace"))
    if len(content.reveal()) > _LARGEST:
        raise CredentialError("what came on standard input is too large for answers")
    lines = enumerate(map(Secret, content.reveal().split("\n")), 1)
    found = tuple(_answer(line, number) for number, line in lines if line.reveal().strip())
    _refuse_twice(found)
    return found


def _refuse_twice(answers: Iterable[Answer]) -> None:
    by_name: dict[str, list[Answer]] = {}
    for answer in answers:
        by_name.setdefault(answer.name, []).append(answer)
    for alike in by_name.values():
        for one, other in combinations(alike, 2):
            if one.is_of(other.account, other.name) or other.is_of(one.account, one.name):
                raise CredentialError(
                    f"lines {one.line} and {other.line} of standard input both tell of {one.name}; nothing was done",
                    hint='give one line for each key; of keys of the same name each line needs its "account"',
                )


def _answer(line: Secret, number: int) -> Answer:
    told = _parsed(line)
    name, account = told.get("name"), told.get("account", Secret(""))
    key, secret = told.get("apiKey"), told.get("secret")
    if isinstance(name, Secret) and isinstance(account, Secret):
        answer = Answer(number, name.reveal(), account.reveal())
        if isinstance(key, Secret) and isinstance(secret, Secret) and "done" not in told:
            return replace(answer, pair=_sound(key, secret, number))
        if told.get("done") is True and not {"apiKey", "secret"} & told.keys():
            return answer
    raise CredentialError(
        f"line {number} of standard input is no answer",
        hint='a line is {"account", "name", "apiKey", "secret"}; or {"account", "name", "done": true} of what was'
        " edited or deleted",
    )


def _sound(key: Secret, secret: Secret, number: int) -> KeyPair:
    from krakenctl.pairs import pasted

    if problem := pasted.pair_problem(key, secret):
        raise CredentialError(f"line {number} of standard input: {problem}; nothing was done")
    pair = pasted.pair_of(pasted.clean(key), pasted.clean(secret))
    if odd := pasted.oddity(pair):
        raise CredentialError(
            f"line {number} of standard input: {odd}; nothing was done",
            hint="copy it once more, whole; if it is whole, `krakenctl apply` takes it at a terminal",
        )
    return pair


def _parsed(line: Secret) -> dict[str, Any]:
    """Every text in it hidden; empty: it is no JSON object. No error leaves from here: it would show the line."""
    import json

    try:
        told = json.loads(line.reveal(), object_hook=hidden)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}
