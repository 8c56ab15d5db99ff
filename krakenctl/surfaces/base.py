"""The port to a key surface: what krakenctl asks of an exchange account, and no more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from krakenctl.model.coverage import Coverage
from krakenctl.model.human import Mended, Revocation
from krakenctl.model.key import IssuedKey, KeyPair, KeySpec, LiveKey
from krakenctl.model.live import Aside, Asides
from krakenctl.model.plan import Verb


@dataclass(frozen=True, slots=True)
class Listing(Asides):
    keys: tuple[LiveKey, ...]
    coverage: Coverage
    asides: Mapping[str, Aside] = field(default_factory=dict)


class Surface(Protocol):
    """One account, reached with its credential or, where there is none, with the pairs of its own keys.

    A surface neither compares nor orders, nor prints. What its calls proved it may leave with a port of its own
    (`kraken.held`); plan and journal are not its business. What differs before anything is asked is in `model.surface`.
    Every method raises ExchangeError; AnswerLost means that the deed may have been done.
    """

    def iiban(self) -> str:
        """Whose account this is, as `AA12 N84G EXAM PLE1`. Empty: only its keys could tell, and none has.

        Raises SafetyStop where they tell of different ones.
        """
        ...

    def list_keys(self) -> Listing:
        """All that `coverage` promises. A key that could not be asked is among them, as it is recorded."""
        ...

    def issue(self, name: str, spec: KeySpec) -> IssuedKey:
        """Create a key. Its secret is in the answer and nowhere else, ever again."""
        ...

    def update(self, name: str, spec: KeySpec) -> None:
        """Set everything but the name to `spec`. Key and secret stay; nothing is returned, so list again."""
        ...

    def revoke(self, name: str) -> Revocation:
        """Whether that is proved, or only said."""
        ...

    def ready(self, verb: Verb, name: str) -> None:
        """Asked before anything is begun: raises NeedsPerson where this needs somebody who is not there."""
        ...

    def amend(self, name: str, spec: KeySpec, wrong: tuple[str, ...]) -> Mended | None:
        """A key is not as it was asked for: have it put right. None: there is no way but to revoke it.

        Raises NeedsPerson where somebody could put it right and does not.
        """
        ...

    def accept(self, name: str, spec: KeySpec, why: str) -> str:
        """A key cannot be looked at: why somebody answers for it. Raises NeedsPerson if nobody does."""
        ...

    def inspect(self, pair: KeyPair, nonce: int) -> LiveKey:
        """Ask the key about itself (GetApiKeyInfo). `nonce` must be above every nonce the key has used."""
        ...

    def take_request(self) -> str:
        """The exchange's id of the last call since this was last asked, for the log; empty: it told none."""
        ...


class Master(Protocol):
    """What only the master account's own key can do."""

    def request_subaccount(self, username: str, email: str) -> None:
        """Ask for a sub-account. Its owner gets an e-mail and finishes the set-up; the answer tells no IIBAN."""
        ...

    def take_request(self) -> str:
        """See `Surface.take_request`."""
        ...
