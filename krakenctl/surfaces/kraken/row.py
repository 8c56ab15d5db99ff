"""How many calls of one account were refused: failures in a row lock it (errors guide; how many is unpublished).

Whatever Kraken refuses is counted, also where the refusal itself is the answer (a nonce too low proves life): to Kraken
it may be a failure like any other.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field

from krakenctl.errors import LockedOut, NonceRefused, RateLimited, Refused
from krakenctl.model.silence import MOST_BY_WORD, MOST_REFUSED
from krakenctl.surfaces.kraken.held import Held

_NO_MORE = "no further call of its account may be refused: failures in a row could lock it"


@dataclass(slots=True)
class Row:
    """For one command and one thread; every call of a key is counted here, and several keys may share it."""

    refused: int = 0  # in a row
    most: int = MOST_REFUSED  # in a row, where nobody may be using the key
    by_nonce: bool = False  # the last of them: then key and secret are right
    left: int = sys.maxsize  # that may still be refused in this command, whatever is answered in between
    locked: bool = False
    held: Held | None = field(default=None, repr=False)  # counts over all commands; None: nobody does
    found: int = 0  # what other commands have left of the row, until this one has made a call

    def begin(self, held: Held) -> None:
        """Where other commands have left it."""
        self.held = held
        self.refused = self.found = held.refusals()

    @property
    def is_full(self) -> bool:
        return self.refused >= self.most

    def grant(self) -> None:
        """A person has said something new: it is worth one more."""
        if self.refused < MOST_BY_WORD or (self.held is not None and self.held.is_quiet()):
            self.most = max(self.most, self.refused + 1)

    @property
    def is_granted(self) -> bool:
        """Such a call is still to be made, though the row is full for everybody else."""
        return self.most > MOST_REFUSED and not self.is_full

    @property
    def spent(self) -> str:
        """Why this command asks nobody any more; empty: it does."""
        if self.locked:
            return "its account is locked out, and each call would prolong that"
        return "" if self.left > 0 else _NO_MORE

    @property
    def no_more(self) -> str:
        """Why no call of this account may be refused any more, by whichever command; empty: one may."""
        return self.spent or (_NO_MORE if self.is_full else "")

    def note(self, problem: Refused) -> None:
        """To be asked to wait adds up to no lockout. One that is there is known to later commands from here on."""
        if isinstance(problem, RateLimited):
            return
        counted = self.held.count_refused() if self.held else 0
        self.refused, self.found = max(self.refused + 1, counted), 0
        self.left -= 1
        self.by_nonce = isinstance(problem, NonceRefused)
        if isinstance(problem, LockedOut):
            self.locked = True
            if self.held:
                self.held.note_lockout()

    def end(self) -> None:
        """One was answered."""
        if self.held:
            self.held.end_row()
        self.refused, self.found, self.most = 0, 0, MOST_REFUSED

    def was_expected(self) -> None:
        """The last refusal was the call's own answer: it is held against the row, and not against this command."""
        self.left += 1
