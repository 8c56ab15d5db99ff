"""What drift is told from: three pictures, the plan that would mend them, and what the stores hold. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from krakenctl.model.address import Address
from krakenctl.model.coverage import Coverage
from krakenctl.model.desired import Desired
from krakenctl.model.key import LiveKey, same_creation
from krakenctl.model.live import LiveAccount, Phase
from krakenctl.model.plan import Plan
from krakenctl.model.recorded import Recorded, RecordedKey

UNKNOWN = "?"  # a slot is taken, and this host cannot read by what


class Slots(NamedTuple):
    """The live name of the key in each slot; empty: nothing is there; UNKNOWN: something is."""

    pending: str = ""
    current: str = ""
    previous: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftScene:
    """`recorded` and `live` as they are now; `plan` is drawn for the world after recovery."""

    desired: Desired
    recorded: Recorded
    live: Mapping[str, LiveAccount]
    plan: Plan
    tag: str
    now: int
    within: int  # seconds: an end that is nearer is soon
    slots: Mapping[Address, Slots] = field(default_factory=dict)  # of those that were looked at
    stopped: Mapping[str, str] = field(default_factory=dict)  # accounts that are not the known ones, and why
    running: str = ""  # who is changing the workspace right now; empty: nobody


@dataclass(frozen=True, slots=True)
class Place:
    """One account of a scene. `seen` False: nothing can be said about what is live."""

    name: str
    seen: bool
    live: Mapping[str, LiveKey]

    def find(self, record: RecordedKey) -> LiveKey | None:
        """By name and creation time; another key of its name is not it."""
        live = self.live.get(record.live_name)
        if live is not None and not same_creation(live.created, record.created):
            return None
        return live


def place(scene: DriftScene, account: str) -> Place:
    live = scene.live.get(account)
    seen = live is not None and live.phase is Phase.READY and live.coverage is not Coverage.NONE
    return Place(account, seen, {key.name: key for key in live.keys} if live is not None else {})
