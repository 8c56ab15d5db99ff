"""Every fact about Kraken that is unconfirmed or disputed, as a named switch with a default. Nothing is served here.

Where Kraken's own sources are silent the default is a design choice of ours and says so; a client that works must work
under every value. A value of `<number>`, `<error>` or `<permission>` stands for any whole number, any error string as
`EGeneral:Permission denied`, any of the 13 permission codes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from krakenctl.errors import UsageError
from krakenctl.model.permission import Permission
from krakenctl.sandbox.database import opened

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from krakenctl.sandbox.database import Where

_SPEC = "krakenfx/api-specs oauth/openapi_v3.yaml"
_SPOT = "krakenfx/api-specs spot-rest"
_KEYINFO = "docs.kraken.com, GetApiKeyInfo"
_NUMBER, _ERROR, _CODE = "<number>", "<error>", "<permission>"
_ERROR_STRING = re.compile(r"[EW][A-Za-z]+:[ -~]{1,120}")

Value = str | int  # a number may be given as one


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
    Switch(
        "list-coverage",
        "fast",
        ("own-client", "fast", "all"),
        f"{_SPEC} says “all Fast API keys”; unconfirmed: only the client's own, or keys of the website too (all)",
    ),
    Switch("list-api-key", "absent", ("absent", "present"), f"{_SPEC}: “only set once”, when the key is created"),
    Switch(
        "created-time",
        "unix",
        ("unix", "iso", "absent"),
        f"{_SPEC}: a text; of which format, it does not say, nor that it is always there",
    ),
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
    Switch("allowlist-most", "none", ("none", _NUMBER), "unconfirmed: how many entries one key's list may have"),
    Switch("nonce-window-most", "none", ("none", _NUMBER), "unconfirmed; a page of little weight says 300 s"),
    # Website
    Switch("website-name-most", "255", (_NUMBER,), "unconfirmed: how long a key's name on the website may be"),
    Switch(
        "website-name-default",
        "api-key-ms",
        ("api-key-ms", "empty"),
        "support 360000919966: the classic page offers api-key-<milliseconds>; what Kraken Pro's does is unconfirmed",
    ),
    Switch(
        "website-preticked",
        "none",
        ("none", _CODE),
        "every guide shows a new key's boxes empty, no page of Kraken's says so: a box that is ticked beforehand",
    ),
    # OAuth
    Switch(
        "oauth-answer",
        "bare",
        ("bare", "envelope"),
        f'{_SPEC} prints {{"result": …}} for userinfo and keys; envelope: with an empty "error" beside it',
    ),
    Switch(
        "flag-scopes",
        "needed",
        ("needed", "ignored"),
        f"{_SPEC} has a scope for each permission flag; unconfirmed: whether a token needs it to set the flag",
    ),
    Switch("token-error-status", "400", ("400", "401"), "clients saw both; RFC 6749 5.2: 401 for a wrong client only"),
    Switch(
        "code-reuse-kills",
        "tokens",
        ("tokens", "nothing"),
        "unconfirmed; RFC 6749 4.1.2 advises to end the tokens of a code that comes a second time",
    ),
    Switch("dead-token-answer", "401", ("401", "403", _ERROR), "clients saw 401, 403 and ESession:Invalid session"),
    Switch("missing-scope-answer", "403", ("401", "403", _ERROR), "clients saw 401 or 403; the text is unconfirmed"),
    Switch("access-token-seconds", "14400", (_NUMBER,), f"{_SPEC}: 4 h for a public client"),
    Switch("access-token-seconds-confidential", "86400", (_NUMBER,), f"{_SPEC}: 24 h for a “private” client"),
    Switch("refresh-token-seconds", "2592000", (_NUMBER,), f"{_SPEC}: 30 days"),
    Switch(
        "new-token-kills",
        "all",
        ("all", "pair"),
        "Connect guide: a new token makes the previous one invalid at once; pair: only the one it was exchanged for",
    ),
    Switch("token-answer", "json", ("json", "form"), f"{_SPEC}: form-urlencoded; the guide and every client: JSON"),
    Switch("code-seconds", "600", (_NUMBER,), "not published; RFC 6749 4.1.2 advises 10 minutes at most"),
    Switch(
        "consent",
        "ask",
        ("ask", "auto", "access_denied", "unauthorized_client", "server_error", "temporarily_unavailable"),
        f"a design choice: auto approves without a page; an error of {_SPEC} is answered in place of a code",
    ),
    Switch("pkce-public", "optional", ("optional", "required"), f"{_SPEC} is silent; Kraken's own apps send it"),
    Switch("withdrawn-consent-keys", "keep", ("keep", "delete"), "unconfirmed: a client's keys once it is shut out"),
    Switch(
        "address-scopes",
        "refused",
        ("refused", "granted"),
        f"{_SPEC} has withdrawal-address-add and -update commented out; krakenfx/wallet asks for them",
    ),
    Switch(
        "multiple-scope",
        "ignored",
        ("ignored", "needed"),
        "krakenfx/wallet asks for account.fast-api-key:multiple; by its name, a second key may need it",
    ),
    Switch("list-scope", "read", ("read", "write"), f"{_SPEC}: List needs read, which its list of scopes lacks"),
    Switch(
        "bearer-on-private",
        "refuse",
        ("refuse", "accept"),
        "one client falls back to a bearer token on /0/private, unsigned; documented nowhere",
    ),
    # Signed calls
    Switch(
        "check-order",
        "nonce-first",
        ("nonce-first", "address-first"),
        "unconfirmed: are end and address looked at after signature, nonce and otp, or before. A refused call moves the"
        " stored nonce only where its nonce had passed: under address-first not from a wrong place (our choice)",
    ),
    Switch(
        "permissions-by",
        "spec",
        ("spec", "guide"),
        f"{_SPOT} against docs.kraken.com, API keys and sub-accounts guides: they differ on 20 endpoints, and on"
        " WithdrawCancel in part",
    ),
    Switch(
        "address-update-permission",
        "either",
        ("either", "add-withdraw-address", "update-withdraw-address"),
        "Funding (Beta) names “Add withdrawal addresses” for update and delete too; the other code's name says update",
    ),
    Switch(
        "call-cost",
        "documented",
        ("documented", "low", "high"),
        "rate-limit guide: ledger and trade history +2, which calls are that is open; JKorf/Kraken.Net: lower",
    ),
    Switch(
        "permission-error",
        "EGeneral:Permission denied",
        (_ERROR,),
        "docs.kraken.com, errors guide; Kraken's SDK also lists EAPI:Permission denied",
    ),
    Switch(
        "unknown-method-error",
        "EGeneral:Unknown method",
        (_ERROR,),
        "clients saw EGeneral:Unknown method and EGeneral:Unknown Method",
    ),
    Switch(
        "public-post",
        "405",
        ("405", "not-allowed"),
        "aaronk6/Kraken-MoneyMoney #15 (2024): a POST of a public call began to answer “Not Allowed”; 405: in JSON",
    ),
    Switch(
        "permissions-order",
        "table",
        ("table", "reversed"),
        f"{_KEYINFO}: its example follows its table; no order is promised",
    ),
    Switch(
        "last-used-every",
        "0",
        (_NUMBER,),
        "unconfirmed: seconds between two refreshes of a key's last_used; 0: every use shows at once",
    ),
    Switch("otp-error", "EAPI:Invalid signature", (_ERROR,), "support 360000714526; clients saw three others"),
    Switch("surplus-otp", "ignore", ("ignore", _ERROR), "npm-kraken-api #64 (2019): EAPI:Invalid key"),
    Switch("error-space", "none", ("none", "space"), "docs.kraken.com writes both EGeneral:… and EGeneral: …"),
    Switch(
        "user-agent", "optional", ("optional", "required"), "docs.kraken.com: recommended; clients saw a 403 without"
    ),
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
    Switch(
        "query-window-error",
        "EGeneral:Invalid arguments",
        (_ERROR,),
        "observed in 2020 (rotki): a history call that reaches outside the key's query dates",
    ),
    Switch(
        "query-window-open-end",
        "clamp",
        ("clamp", "refuse"),
        "unconfirmed: a start or end left out is cut to the key's query dates, or reaches outside them",
    ),
    Switch(
        "nonce-window-type",
        "number",
        ("number", "text"),
        f"{_KEYINFO}: int64; a capture in JKorf/Kraken.Net and later copies of the page: a text",
    ),
    Switch(
        "key-info-touches-last-used",
        "yes",
        ("yes", "no"),
        f"unconfirmed: whether the call itself counts as a use; the example of {_KEYINFO} suggests yes",
    ),
    Switch(
        "fast-key-websocket",
        "denied",
        ("denied", "allowed"),
        f"unconfirmed: {_SPEC} has no flag for it, so whether a Fast API key gets a WebSocket token is open",
    ),
    Switch(
        "volume-subaccounts",
        "all",
        ("all", "traded"),
        "unconfirmed: whether TradeVolume shows a master the sub-accounts that have no volume",
    ),
    # Sub-accounts
    Switch(
        "create-subaccount-permission",
        "permissions-by",
        ("permissions-by", "withdraw-funds", "modify-trades"),
        f"{_SPOT}: Withdraw; sub-accounts guide: Create & Modify Orders; permissions-by: as that switch stands",
    ),
    Switch(
        "account-transfer-permission",
        "withdraw-funds",
        ("withdraw-funds", "modify-trades"),
        f"{_SPOT}: Withdraw; the sub-accounts guide names none, and lists no Withdraw for managing sub-accounts",
    ),
    Switch("institutional", "yes", ("yes", "no"), "krakenfx/api-specs spot-rest: institutional clients only"),
    Switch("not-institutional-error", "EAccount:Invalid permissions", (_ERROR,), "unconfirmed"),
    Switch("not-master-error", "EGeneral:Permission denied", (_ERROR,), "unconfirmed"),
    Switch("duplicate-username-error", "EGeneral:Invalid arguments:username", (_ERROR,), "unconfirmed"),
    Switch(
        "account-transfer-names",
        "both",
        ("both", "iiban", "username"),
        f"{_SPOT}: the public account ID; sub-accounts guide: user name or account ID; krakenfx/kraken-cli: either",
    ),
    # Funding
    Switch("insufficient-funds-error", "EFunding:Invalid amount", (_ERROR,), "unconfirmed; ccxt reads this one so"),
    Switch("deposit-addresses-most", "5", ("none", _NUMBER), "unpublished, per method; EFunding:Too many addresses"),
    Switch("withdrawal-seconds", "600", (_NUMBER,), "a design choice: how long a withdrawal can be cancelled"),
    Switch(
        "funding-beta-answer",
        "bare",
        ("bare", "envelope"),
        "docs.kraken.com, Funding (Beta): the object itself; every other call: inside of error and result",
    ),
    # Futures
    Switch(
        "futures-cidr-fields",
        "present",
        ("present", "absent"),
        "docs.kraken.com has allowedCidrBlock(s) from 2026-05; krakenfx/api-specs futures-rest/auth has not",
    ),
)

SWITCHES: Mapping[str, Switch] = {switch.name: switch for switch in _TABLE}
DEFAULTS: dict[str, str] = {switch.name: switch.default for switch in _TABLE}


def set_switch(db: Where, name: str, value: Value) -> None:
    """Turn a switch for every later call. Raises UsageError when there is no such switch or no such value."""
    with opened(db) as database, database.write() as connection:
        put_switch(connection, name, value)


def put_switch(connection: sqlite3.Connection, name: str, value: Value) -> None:
    """`set_switch`, inside a transaction."""
    check_switch(name, value)
    connection.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", (name, str(value)))


def set_switches(db: Where, wanted: Mapping[str, Value], *, afresh: bool = False) -> None:
    """Turn several, all or none. Afresh: every other one goes back to its default."""
    with opened(db) as database, database.write() as connection:
        if afresh:
            connection.executemany("DELETE FROM setting WHERE name = ?", [(name,) for name in SWITCHES])
        for name, value in wanted.items():
            put_switch(connection, name, value)


def check_switch(name: str, value: Value) -> None:
    """Raises UsageError when there is no such switch or no such value: true and null are none."""
    switch = SWITCHES.get(name)
    if switch is None:
        near = get_close_matches(name, SWITCHES, 1)
        hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(SWITCHES)}"
        raise UsageError(f"the sandbox has no switch “{name}”", hint=hint)
    if isinstance(value, bool) or not isinstance(value, int | str) or not switch.takes(str(value)):
        raise UsageError(f"the switch {name} cannot be “{value}”", hint=f"it can be: {', '.join(switch.allowed)}")


def all_switches(db: Where) -> dict[str, str]:
    """Every switch and how it stands."""
    with opened(db) as database:
        standing = DEFAULTS | stored(database.connection())
    return {name: standing[name] for name in SWITCHES}


def stored(connection: sqlite3.Connection) -> dict[str, str]:
    """What is not at its default; the clock's two settings are among them."""
    return dict(connection.execute("SELECT name, value FROM setting"))
