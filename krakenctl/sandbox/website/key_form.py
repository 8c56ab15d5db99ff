"""The form of a key: from a key to what its fields show, and from what was typed to a wish or to what is wrong with it.

Source of the fields: help.haasonline.com, Kraken; support.altrady.com, Kraken; support.kraken.com 360000919966. How
Kraken words its complaints is not published: the sentences are ours.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from krakenctl.model.permission import SPELLINGS, Permission
from krakenctl.model.time import parse_time, show_time
from krakenctl.sandbox import key_rules, keys
from krakenctl.sandbox.checks import allowlist
from krakenctl.sandbox.keys import Key, KeyWish
from krakenctl.sandbox.request import text

if TYPE_CHECKING:
    from krakenctl.sandbox.context import Context

Fields = Mapping[str, Any]  # as a browser sends them: a box that is not ticked is absent
Problems = dict[str, str]  # by field, as sentences; empty: none

_LARGEST = 2**63 - 1
_MOST_DIGITS = 19
_LAST_DATE = 253_402_300_799  # 9999-12-31T23:59:59Z: a browser's date field shows none after it
_P = Permission


@dataclass(frozen=True, slots=True)
class Box:
    code: Permission
    label: str
    sensitive: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    legend: str
    boxes: tuple[Box, ...]


def _box(code: Permission) -> Box:
    """Kraken marks the two rights over payout addresses. Source: krakenfx/api-specs oauth/openapi_v3.yaml, a remark."""
    return Box(
        code, SPELLINGS[code].label.rpartition(" – ")[2], code in (_P.ADD_WITHDRAW_ADDRESS, _P.UPDATE_WITHDRAW_ADDRESS)
    )


def _group(*codes: Permission) -> Group:
    return Group(SPELLINGS[codes[0]].label.partition(" – ")[0], tuple(map(_box, codes)))


# The three columns. The WebSocket interface has a toggle of its own, and so has FIX, which is none of the 13: to log in
# to FIX a key needs it, and GetApiKeyInfo does not show it. Source: docs.kraken.com, FIX API authentication.
GROUPS = (
    _group(
        _P.QUERY_FUNDS,
        _P.ADD_FUNDS,
        _P.WITHDRAW_FUNDS,
        _P.EARN_FUNDS,
        _P.ADD_WITHDRAW_ADDRESS,
        _P.UPDATE_WITHDRAW_ADDRESS,
    ),
    _group(_P.QUERY_OPEN_TRADES, _P.QUERY_CLOSED_TRADES, _P.MODIFY_TRADES, _P.CLOSE_TRADES),
    _group(_P.QUERY_LEDGER, _P.EXPORT_DATA),
)


def blank(context: Context, account_id: int) -> Fields:
    """A new key's form: what the switches `website-preticked` and `website-name-default` say, and all else off."""
    ticked = context.switches["website-preticked"]
    boxes = {} if ticked == "none" else {ticked: "on"}
    named = context.switches["website-name-default"] == "api-key-ms"
    return boxes | {"name": _free_name(context, account_id) if named else ""}


def _free_name(context: Context, account_id: int) -> str:
    """By the clock's milliseconds, as the classic page has it."""
    number = int(context.now * 1000)
    while keys.by_name(context.connection, account_id, f"api-key-{number}") is not None:
        number += 1
    return f"api-key-{number}"


def shown(wish: KeyWish, *, fix: bool) -> Fields:
    """What the fields show of a key that there is."""
    fields = dict.fromkeys(wish.permissions, "on") | {"name": wish.name}
    if wish.ip_allowlist:
        fields |= {"restrict_ip": "on", "ip_allowlist": ", ".join(wish.ip_allowlist)}
    if wish.nonce_window:
        fields |= {"custom_nonce_window": "on", "nonce_window": str(wish.nonce_window)}
    if fix:
        fields |= {"fix": "on"}
    return fields | {field: _date(getattr(wish, field)) for field in ("valid_until", "query_from", "query_to")}


def read(fields: Fields, context: Context, account_id: int, key: Key | None = None) -> KeyWish | Problems:
    """What is wished for, or everything that is wrong. With a key: what it is to become."""
    form = _Form(fields, context, account_id, key)
    found: dict[str, Any] = {}
    problems: Problems = {}
    for field, reader in _READERS.items():
        try:
            found[field] = reader(form)
        except ValueError as wrong:
            problems[field] = str(wrong)
    if 0 < found.get("query_to", 0) < found.get("query_from", 0):
        problems["query_to"] = "The end of the query period is before its start."
    return problems or KeyWish(permissions=_permissions(fields), **found)


@dataclass(frozen=True, slots=True)
class _Form:
    fields: Fields
    context: Context
    account_id: int
    key: Key | None

    def typed(self, field: str) -> str:
        return str(self.fields.get(field, "")).strip()


def _permissions(fields: Fields) -> frozenset[Permission]:
    """None at all is allowed: no source says otherwise, and some calls need none."""
    return frozenset(code for code in Permission if code in fields)


def _name(form: _Form) -> str:
    most = int(form.context.switches["website-name-most"])
    name = text(form.fields, "name", most)
    if not form.typed("name"):
        raise ValueError("Give the key a name.")
    if name is None:
        raise ValueError(f"The name is too long: {most} characters are the most.")
    is_its_own = form.key is not None and form.key.name == name
    if not is_its_own and any(character < " " or character == "\x7f" for character in name):
        raise ValueError("The name must be one line of text.")
    if not is_its_own and key_rules.is_taken(form.context, form.account_id, name):
        raise ValueError("Another API key of this account has this name. Choose another one.")
    return name


def _networks(form: _Form) -> tuple[str, ...]:
    given = [entry for part in form.typed("ip_allowlist").split(",") if (entry := part.strip())]
    if "restrict_ip" not in form.fields:
        _refuse_typed(given)
        return ()
    wrong = [entry for entry in given if allowlist.entries([entry], form.context.switches) is None]
    if wrong:
        raise ValueError(f"{'; '.join(map(allowlist.complaint, wrong))}.")
    if not given:
        raise ValueError("A restriction to IP addresses needs at least one of them.")
    networks = key_rules.networks(given, form.context)
    if networks is None:
        raise ValueError(f"Too many entries: {form.context.switches['allowlist-most']} are the most.")
    return networks


def _refuse_typed(typed: Sequence[str]) -> None:
    """A limit that is typed, but not switched on, would leave a key open to everybody without a word."""
    if typed:
        raise ValueError("Tick the box above, or empty this field.")


def _nonce_window(form: _Form) -> int:
    typed = form.typed("nonce_window")
    if "custom_nonce_window" not in form.fields:
        _refuse_typed(typed)
        return 0
    if not (typed.isascii() and typed.isdigit()):
        raise ValueError("The nonce window is a whole number, for example 5000.")
    window = int(typed) if len(typed) <= _MOST_DIGITS else _LARGEST + 1
    if window > _LARGEST or not key_rules.window_fits(window, form.context):
        raise ValueError("The nonce window is too large.")
    return window


def _valid_until(form: _Form) -> int:
    """An end that is over is taken only where it already was so."""
    end = _time(form, "valid_until")
    before = 0 if form.key is None else form.key.valid_until
    if 0 < end <= form.context.now and end != before:
        raise ValueError("This time is over. Choose a later one, or none for a key without an end.")
    return end


def _time(form: _Form, field: str) -> int:
    typed = form.typed(field)
    seconds = parse_time(typed) if typed else 0
    if seconds < 0:
        raise ValueError("The time must be after 1970.")
    return seconds


def _date(seconds: int) -> str:
    return show_time(min(seconds, _LAST_DATE)).removesuffix("Z") if seconds else ""


_READERS: Mapping[str, Callable[[_Form], Any]] = {
    "name": _name,
    "ip_allowlist": _networks,
    "valid_until": _valid_until,
    "query_from": lambda form: _time(form, "query_from"),
    "query_to": lambda form: _time(form, "query_to"),
    "nonce_window": _nonce_window,
}
