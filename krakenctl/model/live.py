"""What the exchange says, and how much of the truth that is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from krakenctl.model.coverage import Coverage
from krakenctl.model.key import LiveKey
from krakenctl.model.surface import USUAL, Traits, is_by_person, traits


class Phase(StrEnum):
    """How far an account is from being usable."""

    ABSENT = "absent"  # never requested, as far as we know
    REQUESTED = "requested"  # requested; its owner has still to set it up and to authorise us
    READY = "ready"  # a credential works, and its IIBAN is the pinned one


@dataclass(frozen=True, slots=True, kw_only=True)
class Aside:
    """What a look says of one key beside what it may do."""

    unasked: str = ""  # why it is as recorded; empty: it is as it is
    doubtful: bool = False  # it is a new key, and may only have been typed in wrongly
    mispaired: bool = False  # likewise: by Kraken's words its two halves do not belong together
    silent: bool = False  # was in use, and answers no more, and nothing proves its end: gone, or fenced off
    lives: bool = False  # it has told so itself, or was refused as only a key that lives is
    odd: tuple[str, ...] = ()  # what is wrong with it beside its spec
    remark: str = ""  # what is worth saying of a new key that is right
    called: str = ""  # what it is called, where a person has renamed it


NOTHING = Aside()


class Asides:
    """Of the keys of one look, by name. Of those that are not in `asides` there is nothing to say."""

    __slots__ = ()
    asides: Mapping[str, Aside]

    def aside(self, name: str) -> Aside:
        return self.asides.get(name, NOTHING)

    @property
    def unasked(self) -> Mapping[str, str]:
        return {name: aside.unasked for name, aside in self.asides.items() if aside.unasked}

    @property
    def silent(self) -> frozenset[str]:
        return frozenset(name for name, aside in self.asides.items() if aside.silent)

    @property
    def odd(self) -> Mapping[str, tuple[str, ...]]:
        return {name: aside.odd for name, aside in self.asides.items() if aside.odd}

    @property
    def called(self) -> Mapping[str, str]:
        return {name: aside.called for name, aside in self.asides.items() if aside.called}


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveAccount(Asides):
    name: str
    phase: Phase
    iiban: str = ""  # empty: not known, because not ready
    coverage: Coverage = Coverage.NONE
    keys: tuple[LiveKey, ...] = ()
    reason: str = ""  # why it is not ready, for people
    surface: str = USUAL
    asides: Mapping[str, Aside] = field(default_factory=dict)

    @property
    def traits(self) -> Traits:
        """Raises WorkspaceError for a surface that nobody knows."""
        return traits(self.surface)

    @property
    def by_person(self) -> bool:
        """Whether its keys are issued, updated and revoked by a person."""
        return is_by_person(self.surface)
