"""A plan: plain data that says what would be done, in which order, and why. It holds no secret and decides nothing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from krakenctl.model.address import Address
from krakenctl.model.coverage import Coverage
from krakenctl.model.description import NonceScale
from krakenctl.model.desired import SecretRef
from krakenctl.model.finding import Finding
from krakenctl.model.key import KeySpec
from krakenctl.model.live import Phase
from krakenctl.model.recovery import Recovery
from krakenctl.model.safety import Block
from krakenctl.model.surface import USUAL, Traits, is_by_person, traits


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
    """One step of apply; for a new key: see the head of apply/steps/issue.py."""

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


class Cause(StrEnum):
    """Why a change is in a plan. What a run may do unasked depends on this, and never on the reasons for people."""

    DECLARED = "declared"  # the manifests say something else than what was last sent
    DRIFT = "drift"  # the live key is not as it was last sent
    DUE = "due"  # a policy, maxAge or its expiry, would soon be broken
    EXPIRED = "expired"  # it has died of its expiry
    TRIGGER = "trigger"  # the text of rotation.trigger changed
    ASKED = "asked"  # by its address, with `rotate`
    LOST = "lost"  # recorded, and gone from the exchange
    SILENT = "silent"  # it answers no more, and nothing proves its end: gone, or fenced off
    UNRECORDED = "unrecorded"  # live with our tag, and the state has never heard of it
    RETIRED = "retired"  # replaced by an applied plan, and its overlap has ended
    SUPERSEDED = "superseded"  # still in its overlap, and its successor goes too
    UNDECLARED = "undeclared"  # in no manifest any more
    ENDED = "ended"  # validUntil has passed
    CONTAINED = "contained"  # declared, and revoked with the kill switch
    LEFT = "left"  # by a run that was interrupted


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
    causes: tuple[Cause, ...] = ()  # the same for programs; empty: it is blocked by what has nothing to do with the key
    fields: tuple[FieldChange, ...] = ()
    steps: tuple[Step, ...] = ()
    strategy: Strategy | None = None  # where a key is issued: create, replace, rotate; else None
    old: OldKey | None = None
    new: NewKey | None = None
    secret: SecretRef | None = None  # where a new secret goes
    overlap: int = 0  # seconds that both keys live after the promotion
    waits_for: Address | None = None  # the sub-account that must be ready first
    trigger: str = ""  # rotation.trigger, to be remembered
    protect: bool = False  # to be remembered
    nonce: NonceScale = NonceScale.UNKNOWN  # consumer.nonce, to be remembered
    renamed_from: Address | None = None  # the address under which the old key is recorded

    @property
    def handle(self) -> str:
        """What tells it from every other change of its plan; the same again after a number was burned."""
        return f"{self.action.value} {self.address} {self.old.name if self.old else ''}".rstrip()

    @property
    def home(self) -> str:
        """The account that it is told of: a sub-account that is asked for is its own, though its master asks."""
        return self.address.name if self.address.kind == "SubAccount" else self.account

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
    kind: str = ""  # Account | SubAccount; empty: nobody shows it
    phase: Phase
    coverage: Coverage
    iiban: str = ""
    username: str = ""
    email: str = ""
    keys_limit: int | None = None  # as declared; None: found out when Kraken says “too many”
    surface: str = USUAL
    locked_until: int = 0  # unix seconds: nobody asks its keys before; 0: it is not locked, as far as anybody was told

    @property
    def traits(self) -> Traits:
        """Raises WorkspaceError for a surface that nobody knows."""
        return traits(self.surface)

    @property
    def by_person(self) -> bool:
        """Whether its keys are issued, updated and revoked by a person."""
        return is_by_person(self.surface)


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """A retired key whose end is still to come: nothing to do now."""

    address: Address
    name: str
    until: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgettable:
    """A replaced key that its account's list does not show any more: only to be forgotten."""

    account: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """A key that was seen to be as declared, though it was last sent otherwise: only to be remembered."""

    address: Address  # under which it is recorded
    name: str
    spec: KeySpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """A key that stays, and whose program sends something else than was recorded: only to be remembered."""

    address: Address  # under which it is recorded
    name: str
    nonce: NonceScale


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
    gone: tuple[Forgettable, ...] = ()  # in no file: what is forgotten is drawn afresh
    settled: tuple[Settled, ...] = ()  # likewise
    clocks: tuple[Clock, ...] = ()  # likewise
    findings: tuple[Finding, ...] = ()
    recovery: tuple[Recovery, ...] = ()  # what is done first; the changes are for the world after it
    blocks: tuple[Block, ...] = ()  # the safety limits that it goes beyond
    saved: str = ""  # the digest of the file that this is the open part of; empty: of none

    @property
    def has_changes(self) -> bool:
        return any(change.is_change for change in self.changes)

    @property
    def is_blocked(self) -> bool:
        """Whether apply refuses it as a whole."""
        return any(not block.allowed for block in self.blocks)

    @property
    def flags(self) -> str:
        """What apply has to be told, so that it does not refuse; empty: nothing."""
        flags = [block.flag for block in self.blocks if not block.allowed]
        return " ".join([*flags, "--reason TEXT"]) if flags else ""

    def count(self, action: Action) -> int:
        if action is Action.UNCHANGED:
            return len(self.unchanged)
        return sum(change.action is action for change in self.changes)


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedPlan:
    """A plan as a file keeps it, until apply has planned again and found the same."""

    plan: Plan
    expires: int  # unix seconds, on the exchange's clock: apply has to start before
    digest: str  # of everything else in the file; the plan's name in the state and the audit log


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What is remembered of one change of a saved plan: a step is done once, however often the plan is applied."""

    change: str  # its handle
    at: int  # unix seconds on the exchange's clock
    who: str
    done: bool  # False: begun, and it is not known whether it came to its end


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The proof that one change of a plan was done: marked together with the deed that ended it, and never without."""

    plan: str  # the digest; of a plan that is no file nothing is marked as begun, and so nothing as done
    mark: Mark
