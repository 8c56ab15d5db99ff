"""How Kraken behaves where nobody knows: the sandbox's switches, in the combinations under which the matrix is run.

Only what changes how a run reads the exchange, or what its deeds leave there. Error strings of calls that no cell
makes, tiers and scopes are left to the client's own tests.
"""

from __future__ import annotations

from collections.abc import Mapping

from desk import Desk

QUIRKS: Mapping[str, Mapping[str, str]] = {
    "default": {},
    # The same facts in other words: whatever compares must not see a difference.
    "worded-otherwise": {
        "created-time": "iso",
        "allowlist-echo": "cidr",
        "permission-object": "true-only",
        "oauth-answer": "envelope",
        "list-path": "plural",
        "list-api-key": "present",
        "error-space": "space",
    },
    # Nothing tells a key that we made from one that somebody else made under the same name.
    "created-untold": {"created-time": "absent"},
    # A blind spot: keys of other clients and of people are not listed, and yet take names and room.
    "own-keys-only": {"list-coverage": "own-client"},
    # All of them are listed, those of people too: more that must not be touched.
    "all-keys-listed": {"list-coverage": "all"},
    # An update that does not say all leaves the rest as it was.
    "patching-put": {"put-semantics": "patch", "put-null": "keep", "put-absent-flags": "keep"},
    # Room for one key more: an orphan that nobody clears stands in the way.
    "room-for-one": {"keys-per-account": "one more"},
    # A call from a wrong place is told so before its signature is looked at, and spends no nonce.
    "address-first": {"check-order": "address-first"},
    # The first refused signed call locks the account out.
    "strict": {"lockout-threshold": "1", "refused-call-cost": "counted", "tier": "starter"},
}


POSTGRES = "postgres"  # no quirk of the exchange: the state is a schema of a PostgreSQL server
COLUMNS = (*QUIRKS, POSTGRES)


def switch(desk: Desk, quirk: str) -> None:
    """Before anything is there."""
    for name, value in QUIRKS.get(quirk, {}).items():
        if value != "one more":
            desk.switch(name, value)


def fill(desk: Desk, quirk: str) -> None:
    """What can only be said once it is known how many keys there are."""
    if "keys-per-account" in QUIRKS.get(quirk, {}):
        desk.switch("keys-per-account", str(len(desk.rows()) + 1))
