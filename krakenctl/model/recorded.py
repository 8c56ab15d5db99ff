"""What our state remembers: what is ours, what was last sent, what is under way. Never a secret."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from krakenctl.model.address import Address
from krakenctl.model.description import NonceScale
from krakenctl.model.desired import DesiredAccount, SecretRef
from krakenctl.model.journal import Intent
from krakenctl.model.key import KeySpec, LiveKey, same_creation
from krakenctl.model.run import Lease
from krakenctl.model.silence import Answer, Refusal, RefusalRow, is_silence
from krakenctl.model.surface import USUAL
from krakenctl.model.time import show_time


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedAccount:
    """Enough to reach the account after its manifest is gone, when its keys have still to be revoked."""

    name: str
    kind: str = "Account"  # Account | SubAccount
    surface: str = USUAL
    username: str = ""  # sub-accounts only
    iiban: str = ""  # the first one seen; another one later is a hard stop
    requested: bool = False  # of a sub-account: it was asked for, or is there, so that nobody asks again

    @classmethod
    def of(cls, account: DesiredAccount, iiban: str) -> RecordedAccount:
        """`iiban`: the one that was seen; empty: none was."""
        return cls(
            name=account.name,
            kind=account.address.kind,
            surface=account.surface,
            username=account.username,
            iiban=iiban,
            requested=account.address.kind == "SubAccount",
        )


def pin_of(declared: DesiredAccount | None, recorded: RecordedAccount | None) -> str:
    """The only IIBAN that an account may have: as declared, else the first one seen; empty: it is not known yet."""
    return (declared.iiban if declared else "") or (recorded.iiban if recorded else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedKey:
    """One live key of ours. `retired_until` 0: the current generation; else: in its overlap, ends then."""

    address: Address
    live_name: str
    generation: int
    created: int  # as Kraken told it
    public_key: str
    spec: KeySpec  # as last sent
    secret: SecretRef
    issued: int  # unix seconds on the exchange's clock: what a rotation's age counts from
    trigger: str = ""
    protect: bool = False
    nonce: NonceScale = NonceScale.UNKNOWN  # what its own program sends, as declared while it was the current key
    retired_until: int = 0
    claimed_by: str = ""  # who says that it is revoked, which nothing has proved yet; of retired keys only
    claimed_at: int = 0  # unix seconds
    unverified: str = ""  # why somebody took it unseen; empty: it was looked at
    unheard: bool = False  # by anybody right before its end was claimed, so that its silence proves nothing
    without_secret: bool = False  # adopted: only its consumer has the secret, so its first change replaces it

    @property
    def account(self) -> str:
        return self.address.path[0]

    @property
    def is_ending(self) -> bool:
        """Somebody has said that it is revoked, and right before that it was heard."""
        return not self.unheard and bool(self.claimed_by)

    def as_live(self) -> LiveKey:
        """As it shows where nobody could be asked."""
        return LiveKey(name=self.live_name, spec=self.spec, created=self.created, public_key=self.public_key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Containment:
    """The kill switch was used on a key: no run makes it anew unless somebody allows it."""

    at: int  # unix seconds on the exchange's clock
    who: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Handle:
    address: Address
    live_name: str
    created: int  # as Kraken told it; 0: not told

    @property
    def account(self) -> str:
        return self.address.path[0]

    def is_key(self, live: LiveKey | RecordedKey) -> bool:
        """Not one of the same name that was created at another time. Where a time is not told, the name has to do."""
        name = live.name if isinstance(live, LiveKey) else live.live_name
        return name == self.live_name and same_creation(live.created, self.created)


class Given(_Handle):
    """A key that was ours and was handed over with `Removed` and `action: forget`: it is none of ours any more.

    The address is the one that it had here.
    """

    __slots__ = ()


class Announced(_Handle):
    """A live key that an import is about to declare under this address, and then to record.

    While it is not recorded, no other key is made for that address.
    """

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class SeenLimit:
    """How many keys an account showed when Kraken said that there were too many. There may be some that do not show."""

    keys: int
    declared: int = 0  # limits.keysPerAccount at that time; 0: none

    def holds(self, declared: int | None, live: int) -> bool:
        """Until more keys are seen, or somebody declares another limit."""
        return live <= self.keys and (declared or 0) == self.declared


def keys_limit(declared: int | None, seen: SeenLimit | None, live: int) -> int | None:
    """How many keys an account takes, as far as anybody knows; None: nobody does."""
    if seen is None or not seen.holds(declared, live):
        return declared
    return seen.keys if declared is None else min(declared, seen.keys)


@dataclass(frozen=True, slots=True, kw_only=True)
class EndProof:
    """The proof that a key has ended: it had answered from `host`, and was refused there twice. Or somebody's word."""

    since: int  # unix seconds, when it was proved
    host: str  # empty: somebody said so who had looked
    said: str  # the two refusals, in Kraken's words; or who says it

    @property
    def told(self) -> str:
        """As part of a sentence."""
        at = show_time(self.since)
        return f"proved at {at} from {self.host}, refused twice ({self.said})" if self.host else f"{self.said}, at {at}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    lineage: str
    serial: int = field(default=0, compare=False)  # how often it was written: of two copies, which is the newer one
    accounts: Mapping[str, RecordedAccount] = field(default_factory=dict)
    keys: Mapping[Address, RecordedKey] = field(default_factory=dict)
    retired: tuple[RecordedKey, ...] = ()
    intents: tuple[Intent, ...] = ()
    generations: Mapping[Address, int] = field(default_factory=dict)  # the highest ever used: burned
    limits: Mapping[str, SeenLimit] = field(default_factory=dict)  # by account
    contained: Mapping[Address, Containment] = field(default_factory=dict)  # until a key of that address is promoted
    given: tuple[Given, ...] = ()  # handed over, and perhaps live: none of ours
    announced: Mapping[Address, Announced] = field(default_factory=dict)  # by imports that are not done
    answered: Mapping[tuple[str, str], Answer] = field(default_factory=dict)  # by the public half of a key, and a host
    refused: Mapping[tuple[str, str], Refusal] = field(default_factory=dict)  # likewise
    rows: Mapping[str, RefusalRow] = field(default_factory=dict)  # by account: refused calls since the last answer
    lockouts: Mapping[str, int] = field(default_factory=dict)  # by account: when Kraken last said so, unix seconds
    gone: Mapping[str, EndProof] = field(
        default_factory=dict
    )  # by the public half: proved, so they are not asked again
    lease: Lease | None = field(default=None, compare=False)  # who changes things right now

    @property
    def ours(self) -> tuple[RecordedKey, ...]:
        """Current keys, then replaced ones."""
        return (*self.keys.values(), *self.retired)

    @property
    def traces(self) -> tuple[RecordedKey | Intent, ...]:
        """Everything that may be live because of us."""
        return (*self.ours, *self.intents)

    def seen(self) -> dict[str, int]:
        """The highest nonce that a key is known to have seen, of whichever host; by its public half."""
        highest: dict[str, int] = {}
        for (key, _), answer in self.answered.items():
            highest[key] = max(answer.nonce, highest.get(key, 0))
        return highest

    def is_silent(self, key: RecordedKey) -> bool:
        """Whether a host that it had answered to was last told that there is no such key."""
        refused = (said.said for at, said in self.refused.items() if at[0] == key.public_key and at in self.answered)
        return any(map(is_silence, refused))

    def given_as(self, account: str, live: LiveKey) -> Given | None:
        """What a live key was here before it was handed over; None: it never was."""
        return next((given for given in self.given if given.account == account and given.is_key(live)), None)
