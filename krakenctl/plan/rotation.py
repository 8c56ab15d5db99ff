"""When a key falls due: before a policy of its is broken, although runs are missed, and not with all others. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from krakenctl.model.address import Address
from krakenctl.model.desired import DesiredKey
from krakenctl.model.recorded import RecordedKey
from krakenctl.model.time import show_duration, show_time

MISSED = 2 * 86400  # seconds between two runs of a daily `tick`, one of which is missed


@dataclass(frozen=True, slots=True)
class Asked:
    """Somebody wants this key rotated now."""

    reason: str = ""
    compromised: bool = False  # the old key goes first, and nothing of it lives on


@dataclass(frozen=True, slots=True)
class Deadline:
    """One policy of a key. It is rotated from `due` on, so that it never gets to `broken`."""

    due: int  # unix seconds
    broken: int
    policy: str

    @property
    def why(self) -> str:
        return f"due since {show_time(self.due)}: {self.policy} {show_time(self.broken)}"


def deadlines(key: DesiredKey, recorded: RecordedKey, expires: int) -> Iterator[Deadline]:
    """What limits the age of this key. `expires`: its end on the exchange, 0 for none; `validUntil` is no policy."""
    rotation = key.rotation
    if rotation.max_age is not None:
        after = _due_after(rotation.max_age, key, recorded)
        yield Deadline(
            due=recorded.issued + after,
            broken=recorded.issued + rotation.max_age,
            policy=f"rotation.maxAge ({show_duration(rotation.max_age)}) is reached at",
        )
    if key.valid_until is None and expires:
        after = _due_after(expires - recorded.issued, key, recorded, keep=rotation.overlap)
        yield Deadline(due=recorded.issued + after, broken=expires, policy="its expiry is")


def latest_rotation(key: DesiredKey, recorded: RecordedKey, expires: int) -> int:
    """The last moment to rotate it with nothing broken and its whole overlap to come; 0: no policy limits it."""
    ends = (found.broken for found in deadlines(key, recorded, expires))
    latest = min(ends, default=0)
    return min(latest, expires - key.rotation.overlap) if expires else latest


def _due_after(life: int, key: DesiredKey, recorded: RecordedKey, keep: int = 0) -> int:
    """Seconds from its issue: a lead and the overlap before the end of its life, less what spreads a fleet.

    Never in the first half of a life, or a short-lived key would be rotated for ever, each one new and due. The spread
    takes nothing from the overlap of the generation before.
    """
    half = life // 2
    latest = max(half, life - keep - max(MISSED, life // 10))
    earliest = min(latest, max(half, key.rotation.overlap, latest - _spread(life, key)))
    return latest - _chance(key.address, recorded.generation, latest - earliest)


def _spread(life: int, key: DesiredKey) -> int:
    return life // 10 if key.rotation.jitter is None else key.rotation.jitter


def _chance(address: Address, generation: int, below: int) -> int:
    """From 0 to `below`, which itself it never is; the same for the same generation of the same key, always."""
    if below <= 0:
        return 0
    digest = hashlib.sha256(f"{address}#{generation}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % below
