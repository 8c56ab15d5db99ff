"""What an import brought under management, what it left out and why, and which files it wrote. Never a secret."""

from __future__ import annotations

from dataclasses import dataclass

from krakenctl.model.address import Address
from krakenctl.model.desired import SecretRef
from krakenctl.model.finding import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedKey:
    address: Address
    label: str  # what its source calls it
    live_name: str  # which it keeps until its first replacement
    secret: SecretRef
    without_secret: bool = False  # nothing is there before its first replacement
    second_factor: bool = False  # nothing asks it by itself from now on
    guessed_nonce: str = ""  # what its manifest says that its program sends, though nobody has said so
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    label: str
    why: str
    hint: str = ""
    is_known: bool = False  # it is managed here already: nothing is wrong with it


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    path: str  # relative to the workspace
    what: str
    text: str = ""  # of a manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    endpoint: str  # where the keys were asked
    keys: tuple[ImportedKey, ...]
    left_out: tuple[LeftOut, ...]
    files: tuple[Written, ...]
    findings: tuple[Finding, ...] = ()  # about where the keys came from
    dry_run: bool = False
    log_head: str = ""  # empty: nothing was recorded

    @property
    def failed(self) -> bool:
        """Something was there to be imported, and nothing of it is managed now."""
        return not self.keys and bool(self.left_out) and not any(one.is_known for one in self.left_out)
