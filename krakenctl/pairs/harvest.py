"""What a source of key pairs gives."""

from __future__ import annotations

from dataclasses import dataclass

from krakenctl.model.finding import Finding
from krakenctl.model.key import KeyPair


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """A pair and what its owner calls it: a prefix of variables, an address, a place in a store."""

    label: str
    pair: KeyPair
    named: bool = False  # somebody has said that it is this one: then it is asked whatever it looks like


@dataclass(frozen=True, slots=True, kw_only=True)
class Harvest:
    pairs: tuple[Labelled, ...] = ()
    findings: tuple[Finding, ...] = ()  # about what was left aside, or looks odd; each names no more than a label
