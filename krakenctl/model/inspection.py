"""What keys said of themselves when they were asked, or why one was not. Values; none holds a secret."""

from __future__ import annotations

from dataclasses import dataclass, field

from krakenctl.errors import Unreachable
from krakenctl.model.description import Description
from krakenctl.model.finding import Finding, Severity
from krakenctl.model.permission import Permission
from krakenctl.model.verification import Probed


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """Of one permission, in plain words."""

    permission: Permission
    words: str  # completes “may …”
    unlocks: tuple[str, ...]  # calls that the key can make because of it, those that change something first
    risks: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    label: str
    told: Description
    meanings: tuple[Meaning, ...]  # of what it holds, in Kraken's order
    findings: tuple[Finding, ...]
    probed: tuple[Probed, ...] = ()  # empty: nobody tried


@dataclass(frozen=True, slots=True, kw_only=True)
class Alive:
    """Key and secret are right, and the key has been used. Nothing else was asked."""

    label: str
    public_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Undescribed:
    """`errors`: Kraken's own words; empty: it was not Kraken that said no, or nobody asked."""

    label: str
    public_key: str
    problem: str
    hint: str = ""
    code: str = ""  # of the error, for machines; empty: it was not asked
    errors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    endpoint: str  # `sandbox` or a base URL
    now: int  # unix seconds: what spans of time are counted from
    keys: tuple[Described | Alive | Undescribed, ...]
    findings: tuple[Finding, ...] = field(default_factory=tuple)  # about where the keys came from

    @property
    def whole(self) -> bool:
        """Whether every key answered."""
        return not any(isinstance(key, Undescribed) for key in self.keys)

    @property
    def reached(self) -> bool:
        """Whether the exchange was there at all; also if there was no key to ask it about."""
        silent = [isinstance(key, Undescribed) and key.code in ("", Unreachable.code) for key in self.keys]
        return not silent or not all(silent)

    def worst(self) -> Severity | None:
        found = {finding.severity for finding in self.findings}
        found |= {finding.severity for key in self.keys if isinstance(key, Described) for finding in key.findings}
        return next((severity for severity in Severity if severity in found), None)


# Source: docs.kraken.com, GetApiKeyInfo and FIX authentication: no field and no permission code says either.
UNTOLD = (
    "whether it has a second factor",
    "whether it may use FIX",
    "which other keys the account has",
)


def short(public_key: str) -> str:
    """Enough of a public key to know it by."""
    return public_key if len(public_key) <= 12 else f"{public_key[:8]}…"
