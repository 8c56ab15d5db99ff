"""Every error that krakenctl raises on purpose, in one tree. A bug stays a traceback.

KrakenctlError                     1
├── UsageError                    64   the command line does not make sense
├── WorkspaceError                 1   no workspace here, or it cannot be read
├── InvalidManifests               1   findings; nothing was contacted
│   └── NothingDeclared            7   no manifests, or empty ones: that would revoke everything
├── OutputError                    1   the result cannot be written: a full disk, a closed descriptor
├── CredentialError                1   a reference leads nowhere, or its file is open to others
├── StoreError                     1   a secret store cannot be written or read
│   ├── SecretGone                 1   another key's secret lies where a new key's was put
│   └── SecretUnreadable           1   this host has an identity, and it does not read that secret
├── StateError                     1   the state file is damaged, locked or of another workspace
│   └── StateBusy                  1   another process has locked its file for longer than we wait
├── LockHeld                       6   another krakenctl is changing this workspace
├── LeaseLost                      4   another krakenctl has taken over in the middle; this one does nothing more
├── Contained                      4   the kill switch was used in the middle; nothing new is begun
├── PlanFileError                  1   not a plan, or of another version
│   └── PlanStale                  5   the world moved since the plan was made
├── CannotRotate                   1   a key that was named cannot simply get a new secret
├── NeedsPerson                    8   a step that only a person can take, and nobody took it
├── NoKey                          1   the key that was named cannot be handed to a program
├── CannotRun                    126   the program that was to be run is none
│   └── NoSuchProgram            127   there is no program of that name
├── SafetyStop                     7   refused, because it may destroy something
│   └── BeyondLimits               7   a plan that goes beyond safety limits which nobody raised
└── ExchangeError                  1
    ├── Unreachable                    nothing was sent, or nothing can have been done
    ├── KeyMismatch                    the exchange issued another key than was declared
    ├── AnswerLost                     sent, and no answer: it may have been done
    └── Refused                        Kraken answered with an error string
        ├── NotAuthorised              the credential is dead or lacks a scope
        ├── PermissionDenied           the key lacks a permission
        ├── RateLimited                asked to wait; nothing was done
        │   └── Unavailable            busy or down; what may safely be repeated is
        ├── NonceRefused               the key has seen a higher nonce; nothing was done
        ├── LockedOut                  the account is locked for minutes: stop calling
        └── TooManyKeys                no room for another key
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from krakenctl.model.finding import Finding
    from krakenctl.model.outcome import Recovered
    from krakenctl.model.safety import Block


class KrakenctlError(Exception):
    """What happened, what was and was not done, and in `hint` what to do next. Never a secret."""

    exit_code: ClassVar[int] = 1
    code: ClassVar[str] = "error"  # stable, for machines
    category: ClassVar[str] = "general"
    retryable: ClassVar[bool] = False

    def __init__(
        self, message: str, *, hint: str = "", address: str = "", file: str = "", line: int | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        if hint:
            self.add_note(hint)  # for whoever calls from Python and sees a traceback
        self.address = address
        self.file = file
        self.line = line
        self.recovered: tuple[Recovered, ...] = ()  # what the same run had finished or undone before
        self.log_head = ""  # of the audit log after that; empty: nothing was recovered


class UsageError(KrakenctlError):
    exit_code = 64
    code = "usage"
    category = "usage"


class WorkspaceError(KrakenctlError):
    code = "workspace"
    category = "workspace"


class InvalidManifests(KrakenctlError):
    """Carries every finding; the message only counts them."""

    code = "invalid-manifests"
    category = "manifests"

    def __init__(
        self,
        message: str,
        findings: Sequence[Finding],
        *,
        hint: str = "fix them and run `krakenctl validate`; nothing was contacted or changed",
    ) -> None:
        super().__init__(message, hint=hint)
        self.findings = tuple(findings)


class NothingDeclared(InvalidManifests):
    exit_code = 7
    code = "nothing-declared"
    category = "safety"


class OutputError(KrakenctlError):
    code = "output"
    category = "output"


class CredentialError(KrakenctlError):
    code = "credential"
    category = "credentials"


class CredentialMissing(CredentialError):
    """The reference is sound, but nothing is there (yet)."""

    code = "credential-missing"


class StoreError(KrakenctlError):
    code = "store"
    category = "store"


class SecretGone(StoreError):
    """Of the key that was to be promoted: somebody else has written there meanwhile."""


class SecretUnreadable(StoreError):
    """Though this host has an identity: perhaps somebody else's. A host without one raises a bare StoreError."""


class StateError(KrakenctlError):
    code = "state"
    category = "state"


class StateBusy(StateError):
    retryable = True


class LockHeld(KrakenctlError):
    exit_code = 6
    code = "lock-held"
    category = "state"
    retryable = True


class LeaseLost(KrakenctlError):
    """What was under way is in the journal: whoever has taken over finishes it."""

    exit_code = 4
    code = "lease-lost"
    category = "state"


class Contained(KrakenctlError):
    """`addresses`: of the keys that it was used on, as text."""

    exit_code = 4
    code = "contained"
    category = "safety"

    def __init__(self, message: str, *, addresses: Collection[str] = (), hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.addresses = frozenset(addresses)


class PlanFileError(KrakenctlError):
    code = "plan-file"
    category = "plan"


class PlanStale(PlanFileError):
    """`differences`: what moved, a line each."""

    exit_code = 5
    code = "plan-stale"

    def __init__(self, message: str, *, differences: Sequence[str] = (), hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.differences = tuple(differences)


class CannotRotate(KrakenctlError):
    code = "cannot-rotate"
    category = "plan"


class NeedsPerson(KrakenctlError):
    """What was done before it stays done, and a later run goes on from there."""

    exit_code = 8
    code = "needs-person"
    category = "person"


class NoKey(KrakenctlError):
    code = "no-key"
    category = "store"


class CannotRun(KrakenctlError):
    """Told with the exit codes that shells have for it, so that whoever waits for the program knows."""

    exit_code = 126
    code = "cannot-run"
    category = "program"


class NoSuchProgram(CannotRun):
    exit_code = 127
    code = "no-such-program"


class SafetyStop(KrakenctlError):
    exit_code = 7
    code = "safety"
    category = "safety"


class BeyondLimits(SafetyStop):
    """`blocks`: the limits, with the flags that raise them for one run."""

    code = "safety-limit"

    def __init__(self, message: str, *, blocks: Sequence[Block], hint: str) -> None:
        super().__init__(message, hint=hint)
        self.blocks = tuple(blocks)


class ExchangeError(KrakenctlError):
    code = "exchange"
    category = "exchange"


class Unreachable(ExchangeError):
    code = "exchange-unreachable"
    retryable = True


class KeyMismatch(ExchangeError):
    """The new key was revoked, if it could be; the key in use is untouched."""

    code = "key-mismatch"


class AnswerLost(ExchangeError):
    """`wait`: for so many seconds nobody should ask again."""

    code = "exchange-answer-lost"

    def __init__(self, message: str, *, hint: str = "", wait: float = 0.0) -> None:
        super().__init__(message, hint=hint)
        self.wait = wait


class Refused(ExchangeError):
    """`errors` are Kraken's own strings, as `EGeneral:Permission denied`."""

    code = "exchange-refused"

    def __init__(self, message: str, *, errors: Sequence[str] = (), hint: str = "", address: str = "") -> None:
        super().__init__(message, hint=hint, address=address)
        self.errors = tuple(errors)


class NotAuthorised(Refused):
    code = "exchange-not-authorised"


class PermissionDenied(Refused):
    code = "exchange-permission-denied"


class RateLimited(Refused):
    """`wait`: for so many seconds, and `until`: to this time on the exchange's clock, nobody should ask again."""

    code = "exchange-rate-limited"
    retryable = True

    def __init__(
        self, message: str, *, errors: Sequence[str] = (), hint: str = "", wait: float = 0.0, until: int = 0
    ) -> None:
        super().__init__(message, errors=errors, hint=hint)
        self.wait = wait
        self.until = until


class Unavailable(RateLimited):
    """Most likely nothing was done. Where that is not enough, as for an issue, it is taken for an answer lost."""

    code = "exchange-unavailable"


class NonceRefused(Refused):
    code = "exchange-nonce"


class LockedOut(Refused):
    code = "exchange-locked-out"


class TooManyKeys(Refused):
    code = "exchange-too-many-keys"
