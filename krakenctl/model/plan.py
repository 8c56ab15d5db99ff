"""A plan: plain data that says what would be done, in which order, and why. It holds no secret and decides nothing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from krakenctl.model.address import Address
from krakenctl.model.desired import SecretRef
from krakenctl.model.finding import Finding
from krakenctl.model.key import KeySpec
from krakenctl.model.live import Coverage, Phase


class Action(StrEnum):
    """What becomes of one resource. A replacement is one change, however many steps it takes."""

    CREATE = "create"
    REPLACE = "replace"  # the grants, or a field that cannot be edited, differ
    ROTATE = "rotate"  # the same grants, a new secret: due, expired or asked for
    UPDATE = "update"  # in place: key and secret stay
    REVOKE = "revoke"
    FORGET = "forget"  # no longer ours; the key lives on
    BLOCKED = "blocked"  # wanted, and not possible now
    UNCHANGED = "unchanged"


class Verb(StrEnum):
    """One thing apply does. design: the eight steps of a one-time secret."""

    REQUEST = "request"  # a sub-account
    ISSUE = "issue"
    STORE = "store"  # the secret, to the pending slot
    CHECK = "check"  # the issued key against what was declared
    PROMOTE = "promote"  # pending → current; consumers read it from here on
    UPDATE = "update"
    RETIRE = "retire"  # the old key lives on until its overlap ends
    REVOKE = "revoke"
    FORGET = "forget"


class Strategy(StrEnum):
    CREATE_FIRST = "create-first"
    REVOKE_FIRST = "revoke-first"  # the consumer stands without a key for a moment


@dataclass(frozen=True, slots=True)
class Step:
    verb: Verb
    name: str  # the live name of the key, or the user name of the sub-account, that it acts on


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field, as people write it in manifests. Lists also say what came and what went."""

    field: str
    before: object  # None: there is no key yet, or the field was not set
    after: object
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OldKey:
    """The precondition of a change: the key must still be exactly this just before it is touched."""

    name: str
    created: int
    spec: KeySpec


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """What is to be issued, or what a key is to be after an update."""

    name: str
    generation: int
    spec: KeySpec  # its valid_until holds only if valid_for is None
    valid_for: int | None  # seconds from the moment of issue; None: see spec.valid_until
    managed: frozenset[str] = frozenset()  # the fields of spec that were declared; the others keep what they have


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    address: Address
    account: str  # the account it happens on; for a sub-account, its master
    action: Action
    reasons: tuple[str, ...] = ()  # for people to read; apply never looks at them
    fields: tuple[FieldChange, ...] = ()
    steps: tuple[Step, ...] = ()
    strategy: Strategy | None = None  # create and replace only
    old: OldKey | None = None
    new: NewKey | None = None
    secret: SecretRef | None = None  # where a new secret goes
    overlap: int = 0  # seconds that both keys live after the promotion
    waits_for: Address | None = None  # the sub-account that must be ready first
    trigger: str = ""  # rotation.trigger, to be remembered
    protect: bool = False  # to be remembered
    renamed_from: Address | None = None  # the address under which the old key is recorded

    @property
    def is_change(self) -> bool:
        """Whether apply would do something about it."""
        return self.action not in (Action.UNCHANGED, Action.BLOCKED)

    @property
    def gap(self) -> bool:
        """Whether the consumer stands without a working key for a moment."""
        return self.strategy is Strategy.REVOKE_FIRST and self.old is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedAccount:
    name: str
    kind: str  # Account | SubAccount
    phase: Phase
    coverage: Coverage
    iiban: str = ""
    username: str = ""
    email: str = ""
    keys_limit: int | None = None  # as declared; None: found out when Kraken says “too many”


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """A retired key whose end is still to come: nothing to do now."""

    address: Address
    name: str
    until: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    workspace: str
    endpoint: str
    lineage: str
    manifests: str  # digest
    now: int  # unix seconds, on the exchange's clock
    accounts: tuple[PlannedAccount, ...]
    changes: tuple[Change, ...]  # without the unchanged; in the order of apply
    unchanged: tuple[Address, ...]
    overlaps: tuple[Overlap, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def has_changes(self) -> bool:
        return any(change.is_change for change in self.changes)

    def count(self, action: Action) -> int:
        if action is Action.UNCHANGED:
            return len(self.unchanged)
        return sum(change.action is action for change in self.changes)
