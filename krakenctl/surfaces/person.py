"""The port to a person who does on Kraken's website what no API does. What they say is done is looked at."""

from __future__ import annotations

from typing import NoReturn, Protocol

from krakenctl.errors import NeedsPerson
from krakenctl.model.human import Deleted, HumanStep
from krakenctl.model.key import KeyPair


class Person(Protocol):
    """Somebody at a terminal, or nobody. Every method raises NeedsPerson: nobody is there, or they stop here.

    A person neither compares nor decides; what is shown to them holds no secret.
    """

    def ready(self, step: HumanStep) -> None:
        """Asked before anything is begun: raises NeedsPerson where nobody is there to take the step. Shows nothing."""
        ...

    def issue(self, step: HumanStep) -> KeyPair:
        """Show what to do, and take what the website showed once. It may be another key's, or nonsense."""
        ...

    def update(self, step: HumanStep) -> None:
        """Returns when they say that it is done."""
        ...

    def revoke(self, step: HumanStep) -> None:
        """Returns when they say that it is done."""
        ...

    def again(self, step: HumanStep, differences: tuple[str, ...]) -> KeyPair | Deleted | None:
        """It is not as it should be: say in what, and return when it may be looked at again.

        The pair that is right, or of another key that they made in its place; None: it is the same key. Where the
        pair itself was wrong and None comes back, `issue` is asked once more. A new key they may have deleted
        instead. Raises NeedsPerson if they stop.
        """
        ...

    def accepts(self, step: HumanStep, why: str) -> str:
        """It cannot be looked at from here: the reason for which they accept it unseen. Raises NeedsPerson if not."""
        ...


class Nobody:
    """See `Person`: a scheduled run, a plan, a pipeline."""

    def ready(self, step: HumanStep) -> None:
        self._is_not_there(step)

    def issue(self, step: HumanStep) -> KeyPair:
        self._is_not_there(step)

    def update(self, step: HumanStep) -> None:
        self._is_not_there(step)

    def revoke(self, step: HumanStep) -> None:
        self._is_not_there(step)

    def again(self, step: HumanStep, differences: tuple[str, ...]) -> KeyPair | Deleted | None:
        self._is_not_there(step, f": {'; '.join(differences)}")

    def accepts(self, step: HumanStep, why: str) -> str:
        self._is_not_there(step, f": {why}")

    @staticmethod
    def _is_not_there(step: HumanStep, why: str = "") -> NoReturn:
        raise NeedsPerson(
            f"{step.name} on {step.account} waits for a person on Kraken's website{why}",
            hint="run `krakenctl apply` at a terminal: it says what to do, step by step",
        )
