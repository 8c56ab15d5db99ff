"""What a refused key, or a locked account, tells; and for how long it is left alone. Pure.

Failed calls in a row lock an account (docs.kraken.com, errors guide; how many is unpublished). What Kraken says to an
address that an allow-list leaves out is documented nowhere: it may be what it says of a key that is gone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network

# The errors guide says “a few minutes”, Kraken's SDK 15; each try begins them anew.
LOCKOUT_SECONDS = 15 * 60
CLOCK_SLACK = 120  # seconds by which the clocks of two runs may differ: what one noted just now is not of the future
MOST_REFUSED = 3  # calls in a row, then nobody is asked any more; how many lock an account is unpublished
ROW_SECONDS = 60 * 60  # for so long a refusal counts as one of the row that may lock the account
_FIRST_REST, _LONGEST_REST = 60 * 60, 24 * 60 * 60
_SAME = 60
ANSWERS_NO_MORE = "answers no more from here: deleted on the website, or restricted to other addresses by somebody"
NO_KEY = "EAPI:Invalid key"
NO_NONCE = "EAPI:Invalid nonce"  # which proves life
NO_SIGNATURE = "EAPI:Invalid signature"
TWICE = f"{NO_KEY}, {NO_KEY}"  # asked again where it would have been let in
FENCED = f"{NO_KEY}, {NO_NONCE}"  # the second for a nonce too low: it lives, and this host may not use it

AllowList = tuple[str, ...]  # empty: any address may use the key


@dataclass(frozen=True, slots=True)
class Answer:
    """A key has answered a host, once at least."""

    iiban: str = ""  # whose key it is, as it said; empty: it did not
    spent: int = 0  # the highest nonce that we sent while nobody used it yet
    at: int = 0  # unix seconds on the exchange's clock: when it last ended a row of refusals; 0: never

    def joined(self, later: Answer) -> Answer:
        return Answer(later.iiban or self.iiban, max(self.spent, later.spent), max(self.at, later.at))


UNTOLD = Answer()


@dataclass(frozen=True, slots=True)
class Refusal:
    """A key was refused from a host, and has not answered there since."""

    at: int  # unix seconds on the exchange's clock, the last time
    times: int
    said: str  # in Kraken's words, the last time
    calls: int = 1  # of the row of refused calls that may lock the account

    @property
    def rests_until(self) -> int:
        """Twice as long each time, at most a day. One whose nonce alone was refused lives: it rests for a minute."""
        if self.said.startswith(NO_NONCE):
            return self.at + _SAME
        return self.at + min(_FIRST_REST << min(self.times - 1, 5), _LONGEST_REST)

    def again(self, at: int, said: str, *, in_row: bool = True) -> Refusal:
        """Several tries within a minute are one time. `in_row`: no key of the account has answered in between."""
        is_one_more = at - self.at >= _SAME and not said.startswith(NO_NONCE)
        times = 1 if self.said.startswith(NO_NONCE) else self.times + is_one_more
        return Refusal(at=at, times=times, said=said, calls=self.calls + 1 if in_row else 1)


def silence_proves(allow_list: AllowList, let_in: Iterable[AllowList]) -> bool:
    """Whether a key that answered from this host before, and is refused there now, must be gone.

    Its allow-list may have let an address in that this host no longer has. `let_in`: the lists of the account's other
    keys that answer from here in this run; one that lies within shows that this host's address is in it.
    """
    return not allow_list or any(lies_within(inner, allow_list) for inner in let_in)


def lies_within(inner: AllowList, outer: AllowList) -> bool:
    """Whether `outer` lets every address in that `inner` lets in. An empty one lets in all."""
    if not outer:
        return True
    allowed = _networks(outer)
    return bool(inner) and all(any(_is_part(one, other) for other in allowed) for one in _networks(inner))


def _networks(allow_list: AllowList) -> list[IPv4Network | IPv6Network]:
    """Neighbours are joined, so that what lies in all of them lies in one."""
    found = [ip_network(text, strict=False) for text in allow_list]
    four = collapse_addresses(one for one in found if isinstance(one, IPv4Network))
    six = collapse_addresses(one for one in found if isinstance(one, IPv6Network))
    return [*four, *six]


def _is_part(one: IPv4Network | IPv6Network, other: IPv4Network | IPv6Network) -> bool:
    if isinstance(one, IPv4Network) and isinstance(other, IPv4Network):
        return one.subnet_of(other)
    return isinstance(one, IPv6Network) and isinstance(other, IPv6Network) and one.subnet_of(other)
