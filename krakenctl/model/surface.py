"""The ways in which Kraken lets keys be managed, and all that differs between them before anything is asked. Pure data.

What differs while something is asked is behind the port `surfaces.base.Surface`. Nobody else compares a surface's name;
where plan, apply or recovery go another way, that is asked here by the name of the question.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from krakenctl.errors import WorkspaceError
from krakenctl.model.coverage import Coverage
from krakenctl.model.permission import ALL, ON_CONNECT, Permission

USUAL = "connect"  # where nothing is said; Kraken lists its keys
BY_HAND = "website"  # where a person makes the keys


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """`coverage`: how much of an account's keys its list shows at best."""

    grantable: frozenset[Permission]
    by_person: bool  # a person issues, updates and revokes; we say what to do and look at the result
    coverage: Coverage
    called: str  # completes “a key made through …”
    has_credential: bool = True  # that tells whose the account is; without one only its keys do
    proved_by_pair: bool = False  # no list shows its keys: each shows by what it answers to its own pair
    one_by_one: bool = False  # each is seen through to its check before the next is begun
    mendable: bool = False  # a new one that is wrong can be put right: it is kept until it is, or is gone
    asks_again: bool = False  # what was asked for and never given is asked for again, under the same name
    asks_for_use: bool = False  # nothing shows that a new key is in use: that is asked before the old one is ended
    ends_retired: bool = True  # one that is retired gets the end of its overlap there, at once
    takes_turns_for: str = ""  # what all its accounts need to themselves; empty: nothing, they go at the same time


SURFACES: Mapping[str, Traits] = {
    # Source: krakenfx/api-specs, oauth/openapi_v3.yaml: List, Create, Update, Delete Fast API keys; ten flags.
    "connect": Traits(grantable=ON_CONNECT, by_person=False, coverage=Coverage.OUR_CLIENT, called="Kraken Connect"),
    # No public API lists or makes these keys.
    "website": Traits(
        grantable=ALL,
        by_person=True,
        coverage=Coverage.HELD,
        called="the website",
        has_credential=False,
        proved_by_pair=True,
        one_by_one=True,
        mendable=True,
        asks_again=True,
        asks_for_use=True,
        ends_retired=False,  # whoever would set it would have to come twice
        takes_turns_for="a person",
    ),
}


def traits(name: str) -> Traits:
    """Raises WorkspaceError for one that nobody here knows: a state may have been written by a newer krakenctl."""
    if name not in SURFACES:
        hint = f"it knows {' and '.join(SURFACES)}; is this workspace another krakenctl's, and newer?"
        raise WorkspaceError(f"this krakenctl knows no surface “{name}”", hint=hint)
    return SURFACES[name]


def presumed(name: str) -> Traits:
    """Of one that nobody here knows, the usual ones: for what only looks, or tells."""
    return SURFACES.get(name, SURFACES[USUAL])


def is_by_person(surface: str) -> bool:
    """Whether keys of this surface are issued, updated and revoked by a person. Not of one that nobody knows."""
    return presumed(surface).by_person
