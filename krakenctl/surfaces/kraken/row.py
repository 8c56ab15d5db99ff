"""How many calls of one account were refused: failures in a row lock it (errors guide; how many is unpublished)."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from krakenctl.errors import LockedOut, NonceRefused, RateLimited, Refused
from krakenctl.model.silence import MOST_REFUSED

_NO_MORE = "no further call of its account may be refused: failures in a row could lock it"


@dataclass(slots=True)
class Row:
    """For one command and one thread; every call of a key is counted here, and several keys may share it."""

    refused: int = 0  # in a row
    by_nonce: bool = False  # the last of them: then key and secret are right
    left: int = sys.maxsize  # that may still be refused in this command, whatever is answered in between
    locked: bool = False

    @property
    def spent(self) -> str:
        """Why this command asks nobody any more; empty: it does."""
        if self.locked:
            return "its account is locked out, and each call would prolong that"
        return "" if self.left > 0 else _NO_MORE

    @property
    def no_more(self) -> str:
        """The same, also where other commands have used it up."""
        return self.spent or (_NO_MORE if self.refused >= MOST_REFUSED else "")

    def note(self, problem: Refused) -> None:
        """To be asked to wait adds up to no lockout."""
        if isinstance(problem, RateLimited):
            return
        self.refused += 1
        self.left -= 1
        self.by_nonce = isinstance(problem, NonceRefused)
        self.locked = self.locked or isinstance(problem, LockedOut)

    def end(self) -> None:
        self.refused = 0

    def answered_after_all(self) -> None:
        """The last refusal was the call's own answer."""
        self.left += 1
        self.end()
