"""What people do on the website while a program calls. Where there is no such key, they do nothing."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from krakenctl.model.permission import Permission
from krakenctl.sandbox import keys

if TYPE_CHECKING:
    from collections.abc import Mapping

    from krakenctl.sandbox.context import Context
    from krakenctl.sandbox.keys import Key


def act(context: Context, account_id: int, *, after: bool) -> None:
    """Whatever is to happen on the account on this side of the call."""
    for kind, deed in (("key-added", _add), ("key-renamed", _rename), ("key-deleted", _delete)):
        fault = context.faults.get(kind)
        if fault is not None and fault.settings["after"] == after:
            deed(context, account_id, fault.settings)


def _add(context: Context, account_id: int, told: Mapping[str, Any]) -> None:
    codes = told["permissions"].split("+") if told["permissions"] else ()
    permissions = frozenset(map(Permission, codes))
    wish = keys.KeyWish(_free(context, account_id, told["name"]), permissions)
    keys.insert(context.connection, account_id, keys.WEBSITE, context.second, wish)


def _rename(context: Context, account_id: int, told: Mapping[str, Any]) -> None:
    key = _meant(context, account_id, told)
    if key is not None:
        wish = keys.wish_of(key)._replace(name=_free(context, account_id, told["name"]))
        keys.update(context.connection, key.id, context.second, wish)


def _delete(context: Context, account_id: int, told: Mapping[str, Any]) -> None:
    key = _meant(context, account_id, told)
    if key is not None:
        keys.delete(context.connection, key.id)


def _meant(context: Context, account_id: int, told: Mapping[str, Any]) -> Key | None:
    if told["key"] is not None:
        return keys.by_name(context.connection, account_id, told["key"])
    return next(reversed(keys.of_account(context.connection, account_id)), None)


def _free(context: Context, account_id: int, stem: str) -> str:
    """The name, or `name-2`, `name-3`, … where it is taken; never above 32 characters."""
    endings = itertools.chain([""], (f"-{number}" for number in itertools.count(2)))
    names = (stem[: 32 - len(ending)] + ending for ending in endings)
    return next(name for name in names if keys.by_name(context.connection, account_id, name) is None)
