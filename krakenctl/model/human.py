"""What a person is to do on Kraken's website with one key, whole enough to be followed to the letter."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum

from krakenctl.model.address import Address
from krakenctl.model.desired import SecretRef
from krakenctl.model.key import KeyPair, KeySpec, LiveKey
from krakenctl.model.plan import Verb
from krakenctl.model.recorded import RecordedKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where a person is to go, and as whom."""

    account: str  # as the manifests call it
    page: str = ""
    username: str = ""  # whom to log in as; empty: the master's owner
    iiban: str = ""  # as declared or remembered; empty: the first key tells


@dataclass(frozen=True, slots=True)
class Successor:
    """The key that takes a deleted one's place: whatever uses the old one has to use this one first."""

    address: Address
    name: str
    secret: SecretRef  # where its program finds its pair

    @classmethod
    def to(cls, name: str, current: RecordedKey | None) -> Successor | None:
        """By what is recorded as current; None: that is this key itself, or nothing."""
        if current is None or current.live_name == name:
            return None
        return cls(current.address, current.live_name, current.secret)


class Slip(Enum):
    """What there is to put right of a new key."""

    FORM = "form"  # how it was filled in: the key can be edited
    PAIR = "pair"  # what was typed in is not its pair: the key stays
    UNSEEN = "unseen"  # perhaps its pair: it cannot be asked from here, because of a mistyped pair or of its allow-list
    ACCOUNT = "account"  # whose it is: it can only be deleted, and made anew


@dataclass(frozen=True, slots=True, kw_only=True)
class HumanStep:
    """One step of one change. `before` and `wanted` have absolute times, as apply would send them."""

    verb: Verb  # issue, update or revoke
    account: str  # as the manifests call it
    username: str = ""  # whom to log in as; empty: the master's owner
    iiban: str = ""  # of the account; empty: nobody knows yet
    name: str  # of the key, with its generation
    page: str
    before: KeySpec | None = None  # an update: what the form shows now
    wanted: KeySpec | None = None  # issue and update: what the form is to show; None: the key is to be gone
    successor: Successor | None = None  # a revoke: what is to be in use by then; None: nothing comes after it
    slip: Slip = Slip.FORM
    attested: bool = False  # elsewhere, with another pair perhaps than the one that is kept and cannot be asked
    number: int = 1
    of: int = 1  # how many steps of this kind the account has in this run
    moved_from: int = 0  # unix seconds: the end that an earlier runbook showed, and that holds no longer; 0: none did


class Revocation(StrEnum):
    PROVED = "proved"  # the exchange says so, or the key, which had answered before, is not known any more
    CLAIMED = "claimed"  # a person says so of a key that was heard right before, so that its silence will prove it
    UNHEARD = "unheard"  # a person says so of one that was not, on each host that knows it: its silence may be older


class Deleted(Enum):
    """What somebody says in place of a pair: the key is none any more."""

    SAID = "said"


@dataclass(frozen=True, slots=True)
class Mistaken:
    """A key that was made by mistake: nothing but a person can end it."""

    live: LiveKey  # as it told of itself
    iiban: str  # whose it is; empty: it did not say


@dataclass(frozen=True, slots=True)
class Mended:
    """What was wrong is said to be right now: to be looked at again."""

    pair: KeyPair | None = None  # of another key that was made in its place; None: it is the same key
    mistaken: Mistaken | None = None  # the key that may live on: the one before that pair, or the one that is deleted
    deleted: Revocation | None = None  # it was not mended, but deleted; None: it was not
