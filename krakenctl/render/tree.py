"""The hierarchy with each key's effective grants and each level's ceiling, as text and as JSON. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from krakenctl.model.desired import Desired, DesiredAccount, DesiredKey
from krakenctl.model.permission import ALL, SPELLINGS, Permission, Risk, in_order
from krakenctl.model.time import show_duration, show_time
from krakenctl.render.paint import Paint

FORMAT = "krakenctl.tree/v1"
_RISK_COLOURS = {Risk.READ: "green", Risk.TRADE: "yellow", Risk.MOVE_FUNDS: "red", Risk.ENABLER: "red"}


@dataclass(frozen=True, slots=True)
class _Tree:
    """Who is below whom, looked up once."""

    roots: tuple[DesiredAccount, ...]
    below: Mapping[str, Sequence[DesiredAccount]]  # sub-accounts by their master's name
    keys: Mapping[str, Sequence[DesiredKey]]  # by account name


def to_json(desired: Desired) -> dict[str, Any]:
    """Accounts, each with its ceiling, its keys and its sub-accounts."""
    tree = _tree(desired)
    return {"format": FORMAT, "accounts": [_account_json(root, tree) for root in tree.roots]}


def render(desired: Desired, paint: Paint) -> str:
    tree = _tree(desired)
    return "\n".join(line for root in tree.roots for line in _account(root, tree, paint)) + "\n"


def _tree(desired: Desired) -> _Tree:
    below: dict[str, list[DesiredAccount]] = {}
    keys: dict[str, list[DesiredKey]] = {}
    roots = []
    for account in desired.accounts.values():
        if account.address.kind == "Account":
            roots.append(account)
        else:
            below.setdefault(account.master, []).append(account)
    for key in desired.keys.values():
        keys.setdefault(key.account, []).append(key)
    return _Tree(tuple(roots), below, keys)


def _below(account: DesiredAccount, tree: _Tree) -> Sequence[DesiredAccount]:
    return tree.below.get(account.name, ()) if account.address.kind == "Account" else ()


def _account(account: DesiredAccount, tree: _Tree, paint: Paint) -> Iterator[str]:
    yield from paint.beside((str(account.address), "bold"), (_ceiling(account), "dim"), indent=4).split("\n")
    within = replace(paint, width=paint.width - len("├─ "))
    children = [
        *(list(_key(key, within)) for key in tree.keys.get(account.name, ())),
        *(list(_account(below, tree, within)) for below in _below(account, tree)),
    ]
    for place, lines in enumerate(children):
        last = place == len(children) - 1
        yield ("└─ " if last else "├─ ") + lines[0]
        yield from (("   " if last else "│  ") + line for line in lines[1:])


def _ceiling(account: DesiredAccount) -> str:
    missing = ALL - account.ceiling
    if not missing:
        return "may grant anything"
    if len(missing) <= len(account.ceiling):
        return f"may grant all but {', '.join(in_order(missing))}"
    return f"may grant {', '.join(in_order(account.ceiling)) or 'nothing'}"


def _key(key: DesiredKey, paint: Paint) -> Iterator[str]:
    name = key.address.name
    grants = ((permission.value, _RISK_COLOURS[SPELLINGS[permission].risk]) for permission in in_order(key.grants))
    yield from f"{paint(name, 'cyan')}  {paint.flowing(grants, indent=4, first=len(name) + 2)}".split("\n")
    origins = f"from {', '.join(key.ip_allowlist) or 'any address'} · {_expiry(key)}"
    yield from (paint(line, "dim") for line in paint.wrapped(origins, indent=4, first=0).split("\n"))


def _expiry(key: DesiredKey) -> str:
    if key.valid_for is not None:
        return f"valid for {show_duration(key.valid_for)}"
    return f"valid until {show_time(key.valid_until)}" if key.valid_until else "never expires"


def _account_json(account: DesiredAccount, tree: _Tree) -> dict[str, Any]:
    allow = {} if account.own_allow is None else {"allow": _codes(account.own_allow)}
    deny = {"deny": _codes(account.own_deny)} if account.own_deny else {}
    return {
        "address": str(account.address),
        "surface": account.surface,
        "ceiling": _codes(account.ceiling),
        **allow,
        **deny,
        "keys": [_key_json(key) for key in tree.keys.get(account.name, ())],
        "subAccounts": [_account_json(below, tree) for below in _below(account, tree)],
    }


def _key_json(key: DesiredKey) -> dict[str, Any]:
    return {
        "address": str(key.address),
        "permissions": _codes(key.grants),
        "ipAllowlist": list(key.ip_allowlist) or "any",
        "expires": _expiry(key),
        "secret": {"store": key.secret.store, "path": key.secret.path},
        "protect": key.protect,
        "labels": dict(key.labels),
    }


def _codes(permissions: frozenset[Permission]) -> list[str]:
    return [permission.value for permission in in_order(permissions)]
