"""The ways in which Kraken lets keys be managed, and all that differs between them before anything is asked. Pure data.

What differs while something is asked is behind the port `surfaces.base.Surface`. Nobody else compares a surface's name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from krakenctl.model.live import Coverage
from krakenctl.model.permission import ALL, ON_CONNECT, Permission

KEYS_PAGE = "https://pro.kraken.com/app/settings/api"  # support.kraken.com, "How to create an API key on Kraken Pro"


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """`coverage`: how much of an account's keys its list shows at best."""

    grantable: frozenset[Permission]
    by_person: bool  # a person issues, updates and revokes; we say what to do and look at the result
    coverage: Coverage
    called: str  # completes “a key made through …”
    page: str = ""  # where a person does it


SURFACES: Mapping[str, Traits] = {
    # Source: krakenfx/api-specs, oauth/openapi_v3.yaml: List, Create, Update, Delete Fast API keys; ten flags.
    "connect": Traits(grantable=ON_CONNECT, by_person=False, coverage=Coverage.OUR_CLIENT, called="Kraken Connect"),
    # No public API lists or makes these keys.
    "website": Traits(
        grantable=ALL,
        by_person=True,
        coverage=Coverage.HELD,
        called="the website",
        page=KEYS_PAGE,
    ),
}


def is_by_person(surface: str) -> bool:
    """Whether keys of this surface are issued, updated and revoked by a person. Not of one that nobody knows."""
    return surface in SURFACES and SURFACES[surface].by_person
