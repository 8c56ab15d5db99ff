"""What is to be imported, before anything is written: keys as they described themselves, with the names they get."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from krakenctl.model.address import Address, key_address
from krakenctl.model.description import NonceScale
from krakenctl.model.desired import SecretRef
from krakenctl.model.finding import Finding
from krakenctl.model.key import KeyPair, LiveKey


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyDraft:
    account: str
    name: str
    label: str
    live: LiveKey
    scale: NonceScale
    is_scale_known: bool = False  # somebody has said what its program sends
    secret: SecretRef
    pair: KeyPair | None  # None: only its consumer has it
    findings: tuple[Finding, ...] = ()
    second_factor: bool = False  # then nothing can be asked of it without a person
    declared: bool = False  # already: only its record is missing, or its secret

    @property
    def address(self) -> Address:
        return key_address(self.account, self.name)

    @property
    def guessed_nonce(self) -> str:
        """What is written of its program, though nobody has said it; empty: nothing."""
        is_guess = not (self.declared or self.is_scale_known or self.scale is NonceScale.UNKNOWN)
        return self.scale.value if is_guess else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountDraft:
    name: str
    iiban: str
    surface: str
    keys: Sequence[KeyDraft]
    is_new: bool  # it has to be declared
    inherited: frozenset[str] = frozenset()  # fields that its keys have unless they say otherwise

    @property
    def undeclared(self) -> tuple[KeyDraft, ...]:
        return tuple(key for key in self.keys if not key.declared)
