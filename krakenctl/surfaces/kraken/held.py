"""The port to what is known of one account's keys: which we hold, and what they told. It asks nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from krakenctl.errors import LockedOut
from krakenctl.model.holding import Holding
from krakenctl.model.silence import UNTOLD, Answer, Refusal


class Held(Protocol):
    """Asked anew for every call. What is noted is known at once, and to later commands where it can be written down."""

    def holdings(self) -> Iterable[Holding]:
        """Current and retired keys, and those that a person has made and nobody uses yet."""
        ...

    def claim(self, iiban: str) -> str:
        """The other account of the workspace that has this IIBAN; empty: none has, and it is ours from now on."""
        ...

    def answer(self, public_key: str) -> Answer | None:
        """What it told when it answered this host; None: it never has."""
        ...

    def answered_elsewhere(self, public_key: str) -> bool:
        """Whether it has answered another host too. That one may have been refused since, so that nobody here knows
        from when on it is silent."""
        ...

    def nonce(self, public_key: str) -> int:
        """The highest that it is known to have seen, of whichever host; 0: none is."""
        ...

    def keep_nonces(self, public_keys: Iterable[str]) -> None:
        """These have seen one, in this run, that the next command's clock may be below."""
        ...

    def refusal(self, public_key: str) -> Refusal | None:
        """It was refused from this host, and has not answered since."""
        ...

    def refused_elsewhere(self, public_key: str) -> bool:
        """Another host was refused with it, for whatever reason, and it has not answered there since."""
        ...

    def rests(self, public_key: str) -> str:
        """Why it is not to be asked now: refused not long ago, or its account is locked. Empty: it may be."""
        ...

    def locked(self) -> str:
        """Why no key of the account may be asked now; empty: they may be."""
        ...

    def refusals(self) -> int:
        """Calls of the account that were refused in a row, by whichever command on whichever host.

        A full row that has rested counts as one less than full.
        """
        ...

    def is_quiet(self) -> bool:
        """None was for an hour: then what a person says is worth a call, however long the row is."""
        ...

    def enough(self) -> str:
        """Why not even one more may be refused, and until when; empty: it may, as far as is remembered."""
        ...

    def count_refused(self) -> int:
        """One more was. Returns how many there are now: another command may count at the same time."""
        ...

    def end_row(self) -> None:
        """A key of the account has answered."""
        ...

    def note(self, public_key: str, *, answers: bool, told: Answer = UNTOLD) -> None:
        """It has answered; False: what was known is worth nothing, for something was done to it."""
        ...

    def note_refused(self, public_key: str, said: str) -> None: ...

    def note_lockout(self) -> None: ...

    @property
    def remembers(self) -> bool:
        """Whether what is noted outlives this command. Else the next one would have as many calls refused."""
        ...

    def is_gone(self, public_key: str) -> bool:
        """Whether that was proved, or somebody has said so who had looked."""
        ...

    def is_said_gone(self, public_key: str) -> bool:
        """Whether only that."""
        ...

    def note_gone(self, public_key: str, said: str) -> None:
        """It is proved, by refusals in these words."""
        ...


class NothingHeld:
    """See `Held`: of an account whose list tells."""

    def holdings(self) -> Iterable[Holding]:
        return ()

    def claim(self, iiban: str) -> str:  # noqa: ARG002
        return ""

    def answer(self, public_key: str) -> Answer | None:
        pass

    def answered_elsewhere(self, public_key: str) -> bool:  # noqa: ARG002
        return False

    def nonce(self, public_key: str) -> int:  # noqa: ARG002
        return 0

    def keep_nonces(self, public_keys: Iterable[str]) -> None:
        pass

    def refusal(self, public_key: str) -> Refusal | None:
        pass

    def refused_elsewhere(self, public_key: str) -> bool:  # noqa: ARG002
        return False

    def rests(self, public_key: str) -> str:  # noqa: ARG002
        return ""

    def locked(self) -> str:
        return ""

    def refusals(self) -> int:
        return 0

    def is_quiet(self) -> bool:
        return False

    def enough(self) -> str:
        return ""

    def count_refused(self) -> int:
        return 0

    def end_row(self) -> None:
        pass

    def note(self, public_key: str, *, answers: bool, told: Answer = UNTOLD) -> None:
        pass

    def note_refused(self, public_key: str, said: str) -> None:
        pass

    def note_lockout(self) -> None:
        pass

    @property
    def remembers(self) -> bool:
        return False

    def is_gone(self, public_key: str) -> bool:  # noqa: ARG002
        return False

    def is_said_gone(self, public_key: str) -> bool:  # noqa: ARG002
        return False

    def note_gone(self, public_key: str, said: str) -> None:
        pass


def stop_if_locked(held: Held) -> None:
    """Before a call of its account. Raises LockedOut."""
    if why := held.locked():
        raise LockedOut(why, hint="run it again then; whatever else calls this account has to wait as well")
