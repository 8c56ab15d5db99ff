"""What is under way: one intent per change that a run has begun and not ended. Never a secret."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from krakenctl.model.address import Address
from krakenctl.model.desired import SecretRef
from krakenctl.model.key import KeySpec, LiveKey
from krakenctl.model.plan import Change, NewKey
from krakenctl.model.recovery import JOURNAL_SLACK

ACCEPTED, ATTESTED = "accepted", "attested"  # kinds of verdict: of somebody, who is told, or why
MISMATCH = "mismatch"  # one that ends in the key's revoke, whatever happens to this run
WRONG = "wrong"  # one that a person may put right: what is wrong is told
MISTAKEN = "mistaken"  # one of a key that somebody made by mistake, and may have left there: what they say of it


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the check of a new key came to. Journal and log have it as text."""

    kind: str  # verified, listed, or one of those above; empty: none yet
    told: str = ""

    @classmethod
    def parse(cls, text: str) -> Verdict:
        kind, _, told = text.partition(": ")
        return cls(kind, told)

    def __str__(self) -> str:
        return f"{self.kind}: {self.told}" if self.told else self.kind


class Stage(StrEnum):
    """How far a change has come. Written after the deed it names, and before the next one."""

    BEGUN = "begun"  # nothing is known to be done; what the intent names may be live
    REVOKED = "revoked"  # revoke-first: the old key is gone; from here it only goes forward
    STORED = "stored"  # the secret lies in pending, read back
    CHECKED = "checked"  # the verdict was good; consumers may read the new key from here on
    PROMOTED = "promoted"  # the new key is the current one; the old one has still to be retired or revoked
    LOST = "lost"  # given up: the name is burned, and its key may still show up
    SHOWN = "shown"  # a person was told to make it, and has not given its pair: apply asks for the same key again


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """Written before the first deed of a change; gone when the change is done or undone.

    No intent is begun for a name that the account's list shows: a live key of that name was made after it, or is
    somebody else's, which its creation time tells.
    """

    change: Change  # as planned: everything that is needed to go on without the plan
    began: int  # unix seconds on the exchange's clock
    stage: Stage = Stage.BEGUN
    sent: KeySpec | None = None  # what was asked for, an expiry as an absolute time; None: nothing was asked for yet
    public_key: str = ""  # of the issued key, from STORED on: a host that cannot read the store still has to record it
    verdict: str = ""  # a Verdict's text: the good one from CHECKED on, before that WRONG or MISMATCH; empty: none yet
    run: str = ""  # the run that began it, who ran it, and the digest of its plan
    who: str = ""
    plan: str = ""

    @property
    def address(self) -> Address:
        return self.change.address

    @property
    def vouched(self) -> str:
        """Who or what answers for a key that could not be looked at; empty: it was looked at, or is still to be."""
        is_checked = self.stage in (Stage.CHECKED, Stage.PROMOTED)
        return self.verdict if is_checked and Verdict.parse(self.verdict).kind in (ACCEPTED, ATTESTED) else ""

    @property
    def is_untried(self) -> bool:
        """Whether it was attested elsewhere, and the pair that answered was not compared with the one that is kept."""
        verdict = Verdict.parse(self.verdict)
        is_attested = verdict.kind == ACCEPTED and verdict.told.startswith(ATTESTED)
        return is_attested and self.stage is Stage.CHECKED

    @property
    def flaw(self) -> str:
        """What was wrong when it was last looked at, of a key that a person may put right; empty: nothing is known."""
        verdict = Verdict.parse(self.verdict)
        return verdict.told if verdict.kind == WRONG else ""

    @property
    def mistaken(self) -> bool:
        """Whether it is about a key that was made by mistake: a person is to delete it, and nothing else is left."""
        return Verdict.parse(self.verdict).kind == MISTAKEN

    @property
    def mistake(self) -> str:
        """What is known of such a key, as the end of a sentence that begins with its name."""
        told = Verdict.parse(self.verdict).told
        return f"is {told}" if told else "was made by mistake"

    @property
    def account(self) -> str:
        return self.change.account

    @property
    def home(self) -> str:
        """See `Change.home`."""
        return self.change.home

    @property
    def live_name(self) -> str:
        """What it is about on the exchange: the new key's name, else the old one's, else the sub-account's."""
        if self.change.new is not None:
            return self.change.new.name
        return self.change.old.name if self.change.old is not None else self.change.steps[0].name

    @property
    def generation(self) -> int:
        """Of the key that is to be issued; 0: none is."""
        return self.change.new.generation if self.issues and self.change.new is not None else 0

    def is_before(self, live: LiveKey) -> bool:
        """Whether the key was made since it began, so that it may be what came of it."""
        return live.created >= self.began - JOURNAL_SLACK

    @property
    def issues(self) -> bool:
        return self.change.strategy is not None

    @property
    def secret(self) -> SecretRef | None:
        return self.change.secret

    @property
    def old_name(self) -> str:
        """The key it replaces; empty: none."""
        return self.change.old.name if self.change.old is not None else ""


def dated(new: NewKey, now: int, shown: Intent | None = None) -> KeySpec:
    """What is asked for at `now`, `validFor` as an absolute time; `shown`: what somebody was told to make before.

    What they made by it must not be refused for its end. So that end holds while half of `validFor` is left; then it
    is counted anew.
    """
    if new.valid_for is None:
        return new.spec
    return replace(new.spec, valid_until=shown_end(new.valid_for, now, shown) or now + new.valid_for)


def shown_end(valid_for: int, now: int, shown: Intent | None) -> int:
    """The end that somebody was shown, while it holds; 0: there is none."""
    before = shown.sent.valid_until if shown is not None and shown.sent is not None else 0
    return before if valid_for <= 2 * (before - now) <= 2 * valid_for else 0


def counted_from(new: NewKey, sent: KeySpec, created: int) -> int:
    """What the age of a key counts from: its making; but its end may have been shown, and so counted, before that."""
    return created if new.valid_for is None else min(created, sent.valid_until - new.valid_for)
