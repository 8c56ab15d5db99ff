"""OAuth scopes: which there are, which permission of a key each one unlocks, and what to tell the person. Pure.

Source: krakenfx/api-specs `oauth/openapi_v3.yaml`. Its list lacks `read`, which its List operation needs, and has the
two for withdrawal addresses commented out; those two and `multiple` are asked for by krakenfx/wallet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from krakenctl.model.permission import SCOPE_PREFIX, SPELLINGS, Permission, Risk

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

INFO = "account.info:basic"
WRITE = SCOPE_PREFIX + "write"
READ = SCOPE_PREFIX + "read"
MULTIPLE = SCOPE_PREFIX + "multiple"

_PUBLISHED = {SCOPE_PREFIX + s.scope: code for code, s in SPELLINGS.items() if s.scope is not None}
_ADDRESS = {
    SCOPE_PREFIX + "withdrawal-address-add": Permission.ADD_WITHDRAW_ADDRESS,
    SCOPE_PREFIX + "withdrawal-address-update": Permission.UPDATE_WITHDRAW_ADDRESS,
}
_BY_PERMISSION = {code: scope for scope, code in (_PUBLISHED | _ADDRESS).items()}
_OTHERS = {
    INFO: "See the e-mail address and the IIBAN of the account",
    WRITE: "Create, change and delete API keys of the account",
    READ: "List API keys of the account",
    MULTIPLE: "Have more than one API key",
}
ALL = (*_OTHERS, *_PUBLISHED, *_ADDRESS)


class Line(NamedTuple):
    """One scope as the consent page shows it."""

    text: str
    is_sensitive: bool  # with it, the application can do more than look


def known(switches: Mapping[str, str]) -> tuple[str, ...]:
    """The scopes that may be asked for."""
    return ALL if switches["address-scopes"] == "granted" else (*_OTHERS, *_PUBLISHED)


def of(permission: Permission) -> str:
    """The scope that a token needs to give the permission to a key. Raises KeyError for the WebSocket token's."""
    return _BY_PERMISSION[permission]


def permissions(scopes: Iterable[str], switches: Mapping[str, str]) -> frozenset[Permission]:
    """What a key may be given by a token of these scopes."""
    unlocked = _unlocked(switches)
    return frozenset(unlocked[scope] for scope in scopes if scope in unlocked)


def flags(switches: Mapping[str, str]) -> dict[str, Permission]:
    """The flags of a Fast API key's `permissions` object: spelt as their scopes, with underscores."""
    return {
        scope.removeprefix(SCOPE_PREFIX).replace("-", "_"): permission
        for scope, permission in _unlocked(switches).items()
    }


def line(scope: str) -> Line:
    if scope in _OTHERS:
        return Line(_OTHERS[scope], scope == WRITE)
    spelling = SPELLINGS[(_PUBLISHED | _ADDRESS)[scope]]
    return Line(f"Give keys the permission “{spelling.label}”", spelling.risk is not Risk.READ)


def _unlocked(switches: Mapping[str, str]) -> Mapping[str, Permission]:
    return _PUBLISHED | _ADDRESS if switches["address-scopes"] == "granted" else _PUBLISHED
