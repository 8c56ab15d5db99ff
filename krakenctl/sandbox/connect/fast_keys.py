"""The four Fast API key calls: create, update, delete, list. Whose token it is has been checked before.

Source of every field and limit: krakenfx/api-specs `oauth/openapi_v3.yaml`. What it leaves open is a switch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from krakenctl.model.time import show_time
from krakenctl.sandbox import key_rules, keys
from krakenctl.sandbox.connect import scopes
from krakenctl.sandbox.connect.oauth import require_scope, told
from krakenctl.sandbox.envelope import TOO_MANY_KEYS, Answer, Refusal, invalid
from krakenctl.sandbox.keys import Key, KeyWish
from krakenctl.sandbox.request import json_object, text

if TYPE_CHECKING:
    from krakenctl.model.permission import Permission
    from krakenctl.sandbox.connect.tokens import Bearer
    from krakenctl.sandbox.context import Context
    from krakenctl.sandbox.request import Request

_LONGEST_NAME = 32
_LARGEST = 2**63 - 1
_NUMBERS = ("nonce_window", "query_from", "query_to", "valid_until")
_FIELDS = frozenset({"api_key_name", "ip_allowlist", "permissions", *_NUMBERS})


def create(request: Request, context: Context, bearer: Bearer) -> Answer:
    """`POST /oauth/fast-api-key`. The one answer that holds the secret."""
    given = _given(request, context, _FIELDS)
    wish = _wish(given, KeyWish(_name(given, "api_key_name"), frozenset()), context)
    _check(wish, bearer, context)
    _refuse_duplicate(wish.name, bearer, context)
    _refuse_too_many(bearer, context)
    key, secret = keys.issue(context, bearer.account_id, bearer.client, wish)
    return told(_shown(key, context) | {"api_key": key.public_key, "secret": secret}, context)


def update(request: Request, context: Context, bearer: Bearer) -> Answer:
    """`PUT /oauth/fast-api-key`. Absent and null fields: see the switches put-semantics, put-null, put-absent-flags."""
    given = _given(request, context, _FIELDS | {"new_api_key_name"})
    key = _reachable(_name(given, "api_key_name"), context, bearer)
    wish = _wish(given, _before(key, context), context)
    if given.get("new_api_key_name") is not None:
        wish = wish._replace(name=_name(given, "new_api_key_name"))
    _check(wish, bearer, context)
    if wish.name != key.name:
        _refuse_duplicate(wish.name, bearer, context)
    beyond = key.permissions - _grantable(context)  # rights that no flag can name stay as a person gave them
    keys.update(context.connection, key.id, context.second, wish._replace(permissions=wish.permissions | beyond))
    return told(True, context)


def delete(request: Request, context: Context, bearer: Bearer) -> Answer:
    """`DELETE /oauth/fast-api-key`, with a JSON body."""
    given = _given(request, context, frozenset({"api_key_name"}))
    keys.revoke(context, _reachable(_name(given, "api_key_name"), context, bearer).id)
    return told(True, context)


def listing(_request: Request, context: Context, bearer: Bearer) -> Answer:
    """`GET /oauth/fast-api-key` and `…/fast-api-keys`, in order of creation and without secrets. Writes nothing."""
    found = [key for key in keys.listed(context, bearer.account_id) if _sees(bearer, key, context)]
    if context.switches["list-api-key"] == "present":
        return told([_shown(key, context) | {"api_key": key.public_key} for key in found], context)
    return told([_shown(key, context) for key in found], context)


def _shown(key: Key, context: Context) -> dict[str, Any]:
    """Created and modified times are text, the others numbers: so the spec has it. Never used is 0."""
    return {
        "api_key_name": key.name,
        **_created(key, context),
        "id": keys.key_id(key.name),
        "ip_allowlist": key.ip_allowlist,
        "last_used": key.last_used or 0,
        "modified_time": _time(key.modified, context),
        "nonce": int(key.nonce_text),
        "nonce_window": key.nonce_window,
        "oauth_client": key.client,
        "permissions": keys.flags(key.codes.split(), context.switches),
        "purpose": "standard",
        "query_from": key.query_from,
        "query_to": key.query_to,
        "valid_until": key.valid_until,
    }


def _created(key: Key, context: Context) -> dict[str, str]:
    told = context.switches["created-time"] != "absent"
    return {"created_time": _time(key.created, context)} if told else {}


def _time(seconds: int, context: Context) -> str:
    return show_time(seconds) if context.switches["created-time"] == "iso" else str(seconds)


def _given(request: Request, context: Context, fields: frozenset[str]) -> dict[str, Any]:
    given = json_object(request.body)
    unknown = sorted(given.keys() - fields)
    if unknown and context.switches["unknown-fields"] == "refuse":
        raise invalid(unknown[0])
    return given


def _name(given: dict[str, Any], field: str) -> str:
    name = text(given, field, _LONGEST_NAME)
    if name is None:
        raise invalid(field)
    return name


def _before(key: Key, context: Context) -> KeyWish:
    """What an update starts from: the key as it is (patch), or an empty one of its name (replace)."""
    old = keys.wish_of(key)
    if context.switches["put-semantics"] == "replace":
        return KeyWish(old.name, frozenset())
    return old._replace(permissions=old.permissions & _grantable(context))


def _wish(given: dict[str, Any], before: KeyWish, context: Context) -> KeyWish:
    """`before` with what was given laid over it."""
    keeps_null = context.switches["put-semantics"] == "patch" and context.switches["put-null"] == "keep"
    asked: dict[str, Any] = {}
    for field in (*_NUMBERS, "ip_allowlist"):
        if field in given and not (given[field] is None and keeps_null):
            asked[field] = _networks(given[field], context) if field == "ip_allowlist" else _whole(given[field], field)
    if "permissions" in given:
        asked["permissions"] = _permissions(given["permissions"], before.permissions, context)
    return before._replace(**asked)


def _whole(value: object, field: str) -> int:
    """A whole number from 0 up; null is 0. JSON does not tell 5 from 5.0, so neither do we; 5.5 is refused."""
    if value is None:
        return 0
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _LARGEST:
        raise invalid(field)
    return value


def _networks(value: object, context: Context) -> tuple[str, ...]:
    """Kraken's own wallet sends null for “no restriction”."""
    networks = () if value is None else key_rules.networks(value, context)
    if networks is None:
        raise invalid("ip_allowlist")
    return networks


def _permissions(value: object, before: frozenset[Permission], context: Context) -> frozenset[Permission]:
    """An object of flags, each true, false or null (which is false)."""
    if not isinstance(value, dict) or not all(on is None or isinstance(on, bool) for on in value.values()):
        raise invalid("permissions")
    known = scopes.flags(context.switches)
    if value.keys() - known.keys():
        raise invalid("permissions")
    granted = frozenset(known[flag] for flag, on in value.items() if on)
    if context.switches["put-absent-flags"] == "keep":
        granted |= before - {known[flag] for flag in value}
    return granted


def _grantable(context: Context) -> frozenset[Permission]:
    return frozenset(scopes.flags(context.switches).values())


def _check(wish: KeyWish, bearer: Bearer, context: Context) -> None:
    """What no field shows alone: the order of the dates, and a scope for every permission, where it takes one."""
    if 0 < wish.query_to < wish.query_from:
        raise invalid("query_to")
    if not key_rules.window_fits(wish.nonce_window, context):
        raise invalid("nonce_window")
    if 0 < wish.valid_until <= context.now and context.switches["past-expiry"] == "refuse":
        raise invalid("valid_until")
    needed = wish.permissions if context.switches["flag-scopes"] == "needed" else ()
    for permission in sorted(needed):
        require_scope(bearer, context, scopes.of(permission))


def _reachable(name: str, context: Context, bearer: Bearer) -> Key:
    """A key that this client may change: one that it can list, but never a person's.

    Whether a client that is shown the website's keys may change them is unconfirmed; only Fast API keys are named.
    """
    key = keys.by_name(context.connection, bearer.account_id, name)
    if key is None or key.client == keys.WEBSITE or not _sees(bearer, key, context):
        raise Refusal(context.switches["unknown-name-error"])
    return key


def _sees(bearer: Bearer, key: Key, context: Context) -> bool:
    """Whether the list shows it: the switch `list-coverage`."""
    match context.switches["list-coverage"]:
        case "own-client":
            return key.client == bearer.client
        case "fast":
            return key.client != keys.WEBSITE
    return True


def _refuse_duplicate(name: str, bearer: Bearer, context: Context) -> None:
    if key_rules.is_taken(context, bearer.account_id, name):
        raise Refusal(context.switches["duplicate-name-error"])


def _refuse_too_many(bearer: Bearer, context: Context) -> None:
    """Keys made on the website count too."""
    if key_rules.is_full(context, bearer.account_id) or _lacks_scope_for_another(bearer, context):
        raise Refusal(TOO_MANY_KEYS)


def _lacks_scope_for_another(bearer: Bearer, context: Context) -> bool:
    """Without `multiple`, a client may have one key on an account: a guess, off by default (switch multiple-scope)."""
    if context.switches["multiple-scope"] == "ignored" or scopes.MULTIPLE in bearer.scopes.split():
        return False
    return any(key.client == bearer.client for key in keys.of_account(context.connection, bearer.account_id))
