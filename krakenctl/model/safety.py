"""The safety limits: what no run does unless somebody raises them for it, with a reason. Plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from krakenctl.model.address import Address


class Limit(StrEnum):
    """A class of danger. Each stops the whole plan."""

    REVOKES = "revokes"  # many keys would go, and none comes in their place
    EMPTY = "empty"  # no key is declared any more
    PROTECTED = "protected"  # a protected key would go, and none comes in its place
    WITHDRAW = "withdraw"  # a key could withdraw, or change where withdrawals go, and could not before
    OPEN = "open"  # a key could be used from any address, and could not before
    OWN_KEY = "own-key"  # krakenctl itself would lose the key that it uses
    CONTAINED = "contained"  # a key that the kill switch revoked would be issued again


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One limit that a plan goes beyond."""

    limit: Limit
    message: str  # a sentence without its full stop
    flag: str  # what lets it through, for one run
    addresses: tuple[Address, ...] = ()
    allowed: bool = False  # the flag was given


@dataclass(frozen=True, slots=True, kw_only=True)
class Safety:
    """The limits of a workspace, as krakenctl.yaml sets them."""

    max_revokes: int = 10
    max_revoke_percent: int = 30  # of all managed keys, once there are FEW of them


@dataclass(frozen=True, slots=True, kw_only=True)
class Raised:
    """What whoever runs it raised, for this run."""

    max_revokes: int | None = None  # in place of both limits of the workspace
    allow: frozenset[Limit] = field(default_factory=frozenset)
    reason: str = ""


AS_USUAL = Raised()
FEW = 10  # managed keys: below this, a percentage says nothing


def block_json(block: Block) -> dict[str, Any]:
    return {
        "class": block.limit.value,
        "message": block.message,
        "addresses": [str(address) for address in block.addresses],
        "flag": block.flag,
        "allowed": block.allowed,
    }
