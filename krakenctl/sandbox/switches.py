"""Every fact about Kraken that is unconfirmed or disputed, as a named switch with a default. Nothing is served here.

Where Kraken's own sources are silent the default is a design choice of ours and says so; a client that works must work
under every value. A value of `<number>`, `<error>` or `<permission>` stands for any whole number, any error string as
`EGeneral:Permission denied`, any of the 13 permission codes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from krakenctl.errors import UsageError
from krakenctl.model.permission import Permission
from krakenctl.sandbox.database import opened

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from krakenctl.sandbox.database import Where

_SPEC = "krakenfx/api-specs oauth/openapi_v3.yaml"
_KEYINFO = "docs.kraken.com, GetApiKeyInfo"
_NUMBER, _ERROR, _CODE = "<number>", "<error>", "<permission>"
_ERROR_STRING = re.compile(r"[EW][A-Za-z]+:[ -~]{1,120}")


@dataclass(frozen=True, slots=True)
class Switch:
    name: str
    default: str
    allowed: tuple[str, ...]
    source: str  # what is known, and who says so

    def takes(self, value: str) -> bool:
        return (
            (value in self.allowed and value not in (_NUMBER, _ERROR, _CODE))
            or (_NUMBER in self.allowed and value.isascii() and value.isdigit() and len(value) <= 10)
            or (_ERROR in self.allowed and _ERROR_STRING.fullmatch(value) is not None)
            or (_CODE in self.allowed and value in set(Permission))
        )


_TABLE = (
    # Fast API keys
    Switch("list-path", "both", ("both", "spec", "plural"), f"{_SPEC}: /oauth/fast-api-key; every client: plural"),
    Switch("list-coverage", "own-client", ("own-client", "all"), f"{_SPEC} says “all Fast API keys”; unconfirmed"),
    Switch("list-api-key", "absent", ("absent", "present"), f"{_SPEC}: “only set once”, when the key is created"),
    Switch("created-time", "unix", ("unix", "iso"), f"{_SPEC}: a text; of which format, it does not say"),
    Switch("permission-object", "all", ("all", "true-only"), f"{_SPEC} leaves the answer's permissions open"),
    Switch("put-semantics", "replace", ("replace", "patch"), f"{_SPEC} is silent about absent fields"),
    Switch("put-null", "reset", ("reset", "keep"), f"{_SPEC} is silent about null; matters with put-semantics=patch"),
    Switch("put-absent-flags", "clear", ("clear", "keep"), f"{_SPEC} is silent; matters with put-semantics=patch"),
    Switch("unknown-fields", "refuse", ("refuse", "ignore"), "unconfirmed; refused so that a typo is seen"),
    Switch("past-expiry", "accept", ("accept", "refuse"), "unconfirmed; accepted, because it is the dangerous one"),
    Switch("allowlist-host-bits", "refuse", ("refuse", "accept"), "unconfirmed: 198.51.100.9/28"),
    Switch("allowlist-echo", "as-sent", ("as-sent", "cidr"), "unconfirmed: whether 203.0.113.10 comes back with /32"),
    Switch("keys-per-account", "none", ("none", _NUMBER), "unpublished; EAccount:Too many API keys has been observed"),
    Switch("duplicate-name-error", "EGeneral:Invalid arguments:api_key_name", (_ERROR,), "unconfirmed"),
    Switch("unknown-name-error", "EGeneral:Invalid arguments:api_key_name", (_ERROR,), "unconfirmed"),
    Switch("issue-surplus", "none", ("none", _CODE), "a fault for tests: every issued key gets this permission too"),
    Switch("issue-deficit", "none", ("none", _CODE), "a fault for tests: every issued key lacks this permission"),
    # OAuth
    Switch("dead-token-answer", "401", ("401", "403", _ERROR), "clients saw 401, 403 and ESession:Invalid session"),
    Switch("missing-scope-answer", "403", ("401", "403", _ERROR), "clients saw 401 or 403; the text is unconfirmed"),
    Switch("access-token-seconds", "14400", (_NUMBER,), f"{_SPEC}: 4 h for a public client, 24 h for a confidential"),
    Switch("refresh-token-seconds", "2592000", (_NUMBER,), f"{_SPEC}: 30 days"),
    Switch("new-token-kills", "pair", ("pair", "all"), "Connect guide: the previous one, at once; how many is open"),
    # Signed calls
    Switch("key-info-spelling", "snake", ("snake", "camel"), f"{_KEYINFO}: camelCase; captures and schema: snake_case"),
    Switch("empty-allowlist", "empty", ("empty", "blank"), f'{_KEYINFO}: []; a capture in JKorf/Kraken.Net: [""]'),
    Switch(
        "error-result-object", "absent", ("absent", "empty"), "docs.kraken.com: intro without, errors guide with {}"
    ),
    Switch("disallowed-ip-error", "EAPI:Invalid key", (_ERROR,), "unconfirmed"),
    Switch("expired-key-error", "EAPI:Invalid key", (_ERROR,), "unconfirmed"),
    Switch("nonce-repeat-in-window", "reject", ("reject", "accept"), "unconfirmed: an exact repeat inside the window"),
    Switch("tier", "pro", ("starter", "intermediate", "pro"), "docs.kraken.com, Spot REST rate limits"),
    Switch("refused-call-cost", "free", ("free", "counted"), "unconfirmed: whether the counter rises when it refuses"),
    Switch("lockout-threshold", "5", ("none", _NUMBER), "unpublished; failures in a row"),
    Switch("lockout-seconds", "900", (_NUMBER,), "errors guide: “a few minutes”; Kraken's SDK: about 15 minutes"),
    Switch("lockout-restart", "yes", ("yes", "no"), "errors guide: each attempt resets the timer"),
    Switch("lockout-scope", "account", ("account", "address"), "errors guide: account; a user reports an IP block"),
    # Sub-accounts
    Switch(
        "create-subaccount-permission",
        "withdraw-funds",
        ("withdraw-funds", "modify-trades"),
        "krakenfx/api-specs spot-rest: Withdraw; sub-accounts guide: Create & Modify Orders",
    ),
    Switch("institutional", "yes", ("yes", "no"), "krakenfx/api-specs spot-rest: institutional clients only"),
    Switch("not-institutional-error", "EAccount:Invalid permissions", (_ERROR,), "unconfirmed"),
    Switch("not-master-error", "EGeneral:Permission denied", (_ERROR,), "unconfirmed"),
    Switch("duplicate-username-error", "EGeneral:Invalid arguments:username", (_ERROR,), "unconfirmed"),
)

SWITCHES: Mapping[str, Switch] = {switch.name: switch for switch in _TABLE}
DEFAULTS: dict[str, str] = {switch.name: switch.default for switch in _TABLE}


def set_switch(db: Where, name: str, value: str) -> None:
    """Turn a switch for every later call. Raises UsageError when there is no such switch or no such value."""
    switch = SWITCHES.get(name)
    if switch is None:
        raise UsageError(f"the sandbox has no switch “{name}”", hint=f"there are: {', '.join(SWITCHES)}")
    if not switch.takes(value):
        raise UsageError(f"the switch {name} cannot be “{value}”", hint=f"it can be: {', '.join(switch.allowed)}")
    with opened(db) as database, database.write() as connection:
        connection.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", (name, value))


def all_switches(db: Where) -> dict[str, str]:
    """Every switch and how it stands."""
    with opened(db) as database:
        standing = DEFAULTS | stored(database.connection())
    return {name: standing[name] for name in SWITCHES}


def stored(connection: sqlite3.Connection) -> dict[str, str]:
    """What is not at its default; the clock's two settings are among them."""
    return dict(connection.execute("SELECT name, value FROM setting"))
