"""What a refused key, or a locked account, tells; and for how long it is left alone. Pure.

Failed calls in a row lock an account (docs.kraken.com, errors guide; how many is unpublished). What Kraken says to an
address that an allow-list leaves out is documented nowhere: it may be what it says of a key that is gone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from krakenctl.model.allow_list import AllowList, lies_within
from krakenctl.model.description import sent_by

# The errors guide says “a few minutes”, Kraken's SDK 15; each try begins them anew.
LOCKOUT_SECONDS = 15 * 60
CLOCK_SLACK = 120  # seconds by which the clocks of two runs may differ: what one noted just now is not of the future
MOST_REFUSED = 3  # calls in a row, then nobody is asked any more; how many lock an account is unpublished
# Where a person says something new after that (a second factor, a number, another pair), it is worth one more call: it
# is right, mostly. Without an end, whoever says the same wrong thing again and again would lock the account; and Kraken
# need not count to more than five.
MOST_BY_WORD = MOST_REFUSED + 1
ROW_SECONDS = 60 * 60  # for so long a full row rests, at first
_FIRST_REST, _LONGEST_REST = 60 * 60, 24 * 60 * 60
_SAME = 60
ANSWERS_NO_MORE = "answers no more from here: deleted on the website, or restricted to other addresses by somebody"
NO_KEY = "EAPI:Invalid key"
NO_NONCE = "EAPI:Invalid nonce"  # which proves life
NO_SIGNATURE = "EAPI:Invalid signature"
NOT_PERMITTED = ("EGeneral:Permission denied", "EAPI:Permission denied")  # which no key needs to tell of itself
TWICE = f"{NO_KEY}, {NO_KEY}"  # asked again where it would have been let in
FENCED = f"{NO_KEY}, {NO_NONCE}"  # the second for a nonce too low: it lives, and this host may not use it


# What a refusal said. Nobody else looks into the text.


def is_unknown(said: str) -> bool:
    """Kraken knows no such key. A second call may have shown that it lives all the same: see `is_silence`."""
    return said.startswith(NO_KEY)


def is_silence(said: str) -> bool:
    """Kraken knows no such key, and no second call has shown that it lives all the same."""
    return is_unknown(said) and not is_fenced_off(said)


def is_fenced_off(said: str) -> bool:
    return said == FENCED


def is_silent_twice(said: str) -> bool:
    return said == TWICE


def was_asked_twice(said: str) -> bool:
    """That is done only where this host would be let in: what it says is no matter of an allow-list."""
    return is_silent_twice(said) or is_fenced_off(said)


def is_by_nonce(said: str) -> bool:
    """At the first call: it lives, and its program sends higher ones."""
    return said.startswith(NO_NONCE)


def is_by_signature(said: str) -> bool:
    return said.startswith(NO_SIGNATURE)


def is_not_permitted(said: str) -> bool:
    return said.startswith(NOT_PERMITTED)


def shows_life(said: str) -> bool:
    """By its nonce, at the first call or at the second."""
    return said.endswith(NO_NONCE)


@dataclass(frozen=True, slots=True)
class Answer:
    """A key has answered a host, once at least."""

    iiban: str = ""  # whose key it is, as it said; empty: it did not
    spent: int = 0  # the highest nonce that we sent while nobody used it yet
    nonce: int = 0  # the highest of all that it has seen, as far as we know and a clock may still be below it

    def joined(self, later: Answer) -> Answer:
        return Answer(later.iiban or self.iiban, max(self.spent, later.spent), max(self.nonce, later.nonce))

    def is_news_after(self, earlier: Answer | None) -> bool:
        """Whether it is worth writing down at once: each call has another nonce, but mostly of the same clock."""
        if earlier is None or sent_by(self.nonce) is not sent_by(earlier.nonce):
            return True
        return replace(self, nonce=0) != replace(earlier, nonce=0)


UNTOLD = Answer()


@dataclass(frozen=True, slots=True)
class Refusal:
    """A key was refused from a host, and has not answered there since."""

    at: int  # unix seconds on the exchange's clock, the last time
    times: int
    said: str  # in Kraken's words, the last time

    @property
    def rests_until(self) -> int:
        """Twice as long each time, at most a day. One whose nonce alone was refused lives: it rests for a minute."""
        if is_by_nonce(self.said):
            return self.at + _SAME
        return self.at + min(_FIRST_REST << min(self.times - 1, 5), _LONGEST_REST)

    def again(self, at: int, said: str) -> Refusal:
        """Several tries within a minute are one time. What was shown by asking twice stays so after one more."""
        is_one_more = at - self.at >= _SAME and not is_by_nonce(said)
        times = 1 if is_by_nonce(self.said) else self.times + is_one_more
        was_shown = was_asked_twice(self.said) and said == NO_KEY
        return Refusal(at=at, times=times, said=self.said if was_shown else said)


@dataclass(frozen=True, slots=True)
class RefusalRow:
    """Refused calls of one account, whichever key, host or command made them, and none was answered in between.

    No time ends it, as far as is known: Kraken counts failures in a row. But nobody can be asked for an answer unless
    somebody is asked: so a full one that has rested is worth one call.
    """

    at: int = 0  # unix seconds on the exchange's clock: the last of them
    calls: int = 0

    def counts(self, now: int) -> int:
        """As how many calls: a full one that has rested leaves one."""
        return self.calls if self._is_within(now, self.until) else min(self.calls, MOST_REFUSED - 1)

    def is_quiet(self, now: int) -> bool:
        """For an hour: so short is the rest of whoever says something new."""
        return not self._is_within(now, self.at + ROW_SECONDS)

    @property
    def until(self) -> int:
        """Twice as long with each call, at most a day."""
        beyond = min(max(self.calls - MOST_BY_WORD, 0), 5)
        return self.at + min(ROW_SECONDS << beyond, _LONGEST_REST)

    def after(self, at: int) -> RefusalRow:
        """One more."""
        return RefusalRow(max(at, self.at) if at >= self.at - CLOCK_SLACK else at, self.calls + 1)

    def _is_within(self, now: int, until: int) -> bool:
        """Not where it was noted on a clock that has been put back since."""
        return self.at - CLOCK_SLACK <= now < until

    def is_later(self, other: RefusalRow) -> bool:
        """Somebody has gone on counting. What was ended in this very second is not begun anew in it."""
        return self.at > other.at or (self.at == other.at and self.calls > other.calls > 0)


NO_ROW = RefusalRow()


def silence_proves(allow_list: AllowList, let_in: Iterable[AllowList]) -> bool:
    """Whether a key that answered from this host before, and is refused there now, must be gone.

    Its allow-list may have let an address in that this host no longer has. `let_in`: the lists of the account's other
    keys that answer from here in this run; one that lies within shows that this host's address is in it.
    """
    return not allow_list or any(lies_within(inner, allow_list) for inner in let_in)
