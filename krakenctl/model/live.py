"""What the exchange says, and how much of the truth that is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from krakenctl.model.key import LiveKey


class Coverage(StrEnum):
    COMPLETE = "complete"  # every key of the account
    OUR_CLIENT = "our-client"  # only keys made by our OAuth client
    HELD = "held"  # only keys that we hold ourselves, each asked about itself, or else taken as recorded
    NONE = "none"  # nothing was or could be listed


class Phase(StrEnum):
    """How far an account is from being usable."""

    ABSENT = "absent"  # never requested, as far as we know
    REQUESTED = "requested"  # requested; its owner has still to set it up and to authorise us
    READY = "ready"  # a credential works, and its IIBAN is the pinned one


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveAccount:
    name: str
    phase: Phase
    iiban: str = ""  # empty: not known, because not ready
    coverage: Coverage = Coverage.NONE
    keys: tuple[LiveKey, ...] = ()
    reason: str = ""  # why it is not ready, for people
    surface: str = "connect"
    unasked: Mapping[str, str] = field(default_factory=dict)  # by name, of these keys: why it is as recorded
    odd: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # by name: what is wrong beside its spec
    called: Mapping[str, str] = field(default_factory=dict)  # by name: what it is called where a person has renamed it

    @property
    def by_person(self) -> bool:
        """Whether its keys are issued, updated and revoked by a person."""
        from krakenctl.model.surface import is_by_person

        return is_by_person(self.surface)
