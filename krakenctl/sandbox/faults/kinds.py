"""Which faults there are, what each is told, and the reading of one that somebody wants. Pure.

Two spellings: JSON, as `{"kind": "answer-lost", "nth": 2}`, and a flag's text, as `answer-lost,nth=2`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from krakenctl.errors import UsageError
from krakenctl.sandbox.faults.sorts import (
    CODES,
    ERROR,
    KEY_NAME,
    NETWORKS,
    TEXT,
    TIMES,
    YES_NO,
    Sort,
    choice,
    number,
    share,
    whole,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_YEARS = 10 * 366 * 86400.0
_CREATING = ("POST /oauth/fast-api-key", "POST /app/settings/api/new")
_SIGNED = ("/0/private/*", "/funding/*")
_REVOKING = ("DELETE /oauth/fast-api-key", "POST /app/settings/api/*/revoke")
_LET_IN = (*_SIGNED, "/oauth/fast-api-key", "/oauth/fast-api-keys", "/oauth/userinfo")


@dataclass(frozen=True, slots=True)
class Setting:
    sort: Sort
    default: Any  # None: as the meaning says
    meaning: str

    @property
    def limits(self) -> str:
        """What it can be, and what it is where it is left out: as `yes or no; default no`."""
        if self.default is None:
            return self.sort.can_be
        return f"{self.sort.can_be}; default {_shown(self.default)}"


@dataclass(frozen=True, slots=True)
class Kind:
    summary: str
    settings: Mapping[str, Setting] = field(default_factory=dict)
    only: tuple[str, ...] = ()  # calls that it can strike at all, as endpoints; none: any call
    on_account: bool = False  # it strikes only calls whose key, token or browser names an account
    spares_pages: bool = False  # what it says only programs are told; a browser would have to show JSON

    @property
    def strikes(self) -> str:
        """Which calls it strikes without an endpoint, and at all."""
        if self.only:
            return f"only {', '.join(self.only)}"
        return "no page" if self.spares_pages else "any call; the website only where an endpoint names it"


AIM: Mapping[str, Setting] = {
    "endpoint": Setting(
        TEXT,
        None,
        "“METHOD /path”, “/path” or the path's end as AddOrder, * and ? allowed; else all that the kind strikes only, "
        "or all but the website",
    ),
    "account": Setting(TEXT, None, "a username: only calls with that account's key, token or browser"),
    "nth": Setting(whole(1), 1, "the first matching call that may be struck"),
    "times": Setting(TIMES, 1, "how many calls are struck in all, or always: also with a probability"),
    "probability": Setting(share(), 1.0, "of being struck, for each call from the n-th on"),
    "seed": Setting(whole(0), 0, "the same seed strikes the same calls"),
}

_AFTER_DEED = Setting(YES_NO, False, "yes: the call is done, only its answer is replaced")
_AFTER_CALL = Setting(YES_NO, False, "yes: after the call, not before it")
_NEWS = {
    "seconds": Setting(number(0, _YEARS), 60.0, "how long the news takes, on the sandbox's clock"),
    "where": Setting(
        choice("signing", "listing", "both"), "signing", "where it is late: signed calls, the list of keys, or both"
    ),
}
_KEY = Setting(KEY_NAME, None, "the key's name; else the account's newest")

KINDS: Mapping[str, Kind] = {
    # What becomes of the connection and the answer
    "answer-lost": Kind("The call is done, but the connection is cut before the answer."),
    "late-deed": Kind(
        "The connection is cut at once; the call is checked now and done later. For calls with a key or a token.",
        {"seconds": Setting(number(0, _YEARS), 60.0, "how much later, on the sandbox's clock")},
        only=_LET_IN,
    ),
    "cut": Kind("The connection is cut, and the call is not done."),
    "delay": Kind(
        "The call is done at once, its answer comes late.",
        {"seconds": Setting(number(0, 600), 5.0, "how long it is held back, in real time")},
    ),
    "malformed": Kind("The call is done, but the answer's JSON is cut in half.", spares_pages=True),
    "http-error": Kind(
        "The answer is a proxy's, and the call is not done.",
        {
            "status": Setting(whole(400, 599), 502, "the HTTP status"),
            "body": Setting(choice("html", "json", "empty"), "html", "what the answer holds"),
            "retry-after": Setting(whole(0, 86400), None, "seconds for a Retry-After header; else none is sent"),
            "after": _AFTER_DEED,
        },
    ),
    # What Kraken says instead
    "error": Kind(
        "Kraken answers with an error string, and the call is not done; a warning (W…) comes with what the call gives.",
        {"error": Setting(ERROR, "EService:Unavailable", "the error string"), "after": _AFTER_DEED},
        spares_pages=True,
    ),
    "throttled": Kind(
        "EService:Throttled: too many calls at once.",
        {"seconds": Setting(whole(0, 86400), None, "name the time until which to wait; else no time is named")},
        spares_pages=True,
    ),
    "rate-limit": Kind("EAPI:Rate limit exceeded, whatever the key's counter says.", spares_pages=True),
    "lockout": Kind(
        "The account is locked for signed calls, or the address where no account is known, as after many failures.",
        only=_SIGNED,
    ),
    # What goes wrong with keys
    "slow-key": Kind("A new key is known only after a while.", _NEWS, only=_CREATING),
    "slow-revoke": Kind("A revoked key goes on living for a while.", _NEWS, only=_REVOKING),
    "slow-update": Kind(
        "An update of a key is answered at once and takes effect after a while.",
        {"seconds": Setting(number(0, _YEARS), 60.0, "how long it takes, on the sandbox's clock")},
        only=("PUT /oauth/fast-api-key",),
    ),
    "slots-full": Kind(
        "There is no room for another key. To have revokes make room, use the switch keys-per-account.",
        {"free": Setting(whole(0), 0, "so many more keys fit before")},
        only=_CREATING,
    ),
    "misissue": Kind(
        "The new key differs from what was asked for.",
        {
            "add": Setting(CODES, "", "permissions too many"),
            "drop": Setting(CODES, "", "permissions too few"),
            "ip-allowlist": Setting(NETWORKS, None, "another allow-list; else as asked"),
            "valid-until": Setting(whole(0), None, "another end, in unix seconds, 0: none; else as asked"),
        },
        only=_CREATING,
    ),
    # What people do meanwhile
    "key-renamed": Kind(
        "A person renames a key on the website.",
        {"key": _KEY, "name": Setting(KEY_NAME, "renamed", "the new name; numbered if taken"), "after": _AFTER_CALL},
        on_account=True,
    ),
    "key-deleted": Kind(
        "A person revokes a key on the website.",
        {"key": _KEY, "after": _AFTER_CALL},
        on_account=True,
    ),
    "key-added": Kind(
        "A person makes a key on the website.",
        {
            "name": Setting(KEY_NAME, "by-hand", "its name; numbered if taken"),
            "permissions": Setting(CODES, "query-funds", "what it may do"),
            "after": _AFTER_CALL,
        },
        on_account=True,
    ),
    "clock-jump": Kind(
        "Before the call, the sandbox's clock jumps and stays where it lands.",
        {"seconds": Setting(number(-_YEARS, _YEARS), 3600.0, "how far; negative: back")},
    ),
}


ABOUT_KEYS = frozenset(kind for kind, about in KINDS.items() if about.only in (_CREATING, _REVOKING))


def parse(text: str) -> dict[str, Any]:
    """A fault from a flag: `KIND[,name=value]…`. Raises UsageError."""
    kind, *pairs = (part.strip() for part in text.split(","))
    fault: dict[str, Any] = {"kind": kind}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or name in fault:
            raise UsageError(
                f"“{pair}” is no setting of a fault, or is given twice", hint="write KIND,name=value,name=value"
            )
        fault[name] = value
    return {"kind": kind, **checked(fault)}


def checked(fault: Mapping[str, Any]) -> dict[str, Any]:
    """What is set of it besides its kind, each value in its own type. Raises UsageError."""
    if not isinstance(fault.get("kind"), str) or fault["kind"] not in KINDS:
        raise _unknown("fault", str(fault.get("kind", ""))[:80], KINDS)
    kind, known = fault["kind"], {**AIM, **KINDS[fault["kind"]].settings}
    read = {}
    for given, value in fault.items():
        name = given.replace("_", "-")
        if name != "kind":
            read[name] = _value(f"{kind}: {name}", known[name], value) if name in known else _no_setting(kind, name)
    if kind == "misissue" and not read.keys() - AIM.keys():
        raise UsageError("misissue must say what is wrong", hint=f"set one of: {', '.join(KINDS[kind].settings)}")
    return read


def _shown(value: Any) -> str:
    """As a flag takes it; nothing at all is told in words."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.12g}"
    return str(value) if value != "" else "none"


def _value(what: str, setting: Setting, value: Any) -> Any:
    try:
        return setting.sort.read(value)
    except (ValueError, TypeError, AttributeError, KeyError, OverflowError):
        raise UsageError(f"{what} cannot be {value!a:.80}", hint=f"it can be: {setting.sort.can_be}") from None


def _no_setting(kind: str, name: str) -> Any:
    raise _unknown(f"setting of {kind}", name[:80], [*KINDS[kind].settings, *AIM])


def _unknown(what: str, name: str, known: Iterable[str]) -> UsageError:
    near = get_close_matches(name, known, 1)
    meant = f"did you mean {near[0]}? " if near else ""
    return UsageError(f"there is no {what} “{name}”", hint=f"{meant}there are: {', '.join(known)}")
