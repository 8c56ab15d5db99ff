"""Builds the tree of accounts: surfaces and defaults go down it, ceilings shrink on the way. No key is looked at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from krakenctl.model.desired import DesiredAccount
from krakenctl.model.finding import Finding
from krakenctl.model.iiban import normal_iiban
from krakenctl.model.origin import Place
from krakenctl.model.permission import ALL, Permission, in_order
from krakenctl.validate.report import Report, error, warning
from krakenctl.validate.resources import Resource, Resources
from krakenctl.validate.settings import Level, Reader, Settings, check
from krakenctl.validate.words import guess, quoted


@dataclass(frozen=True, slots=True)
class Node:
    """An account, and what its keys inherit."""

    account: DesiredAccount
    defaults: Settings
    parent: Node | None = None

    def levels(self) -> Iterator[Node]:
        """From the root down to this one."""
        if self.parent is not None:
            yield from self.parent.levels()
        yield self


def grow(resources: Resources, reader: Reader, report: Report) -> dict[str, Node]:
    """Every usable account by name: each Account by name, followed by its SubAccounts by name."""
    masters = [each for each in resources.accounts.values() if each.kind == "Account"]
    nodes = {each.name: _node(each, None, reader, report) for each in masters}
    below: dict[str, list[Node]] = {}
    for each in resources.accounts.values():
        parent = nodes.get(each.spec["account"]) if each.kind == "SubAccount" else None
        if parent is not None:
            below.setdefault(parent.account.name, []).append(_node(each, parent, reader, report))
        elif each.kind == "SubAccount":
            report.extend(_orphan(each, resources))
    return {node.account.name: node for name in sorted(nodes) for node in (nodes[name], *_by_name(below.get(name, [])))}


def _by_name(nodes: list[Node]) -> list[Node]:
    return sorted(nodes, key=lambda node: node.account.name)


def _node(resource: Resource, parent: Node | None, reader: Reader, report: Report) -> Node:
    account = _account(resource, parent.account if parent else None)
    written: Mapping[str, Any] = resource.spec.get("keyDefaults", {})
    level = Level(resource.place, ("spec", "keyDefaults"), resource.address)
    inherited = parent.defaults if parent else Settings()
    defaults = reader.read(written, level).over(inherited) if written else inherited
    check(written, defaults, level, report)
    if parent and account.own_allow is not None:
        report.extend(_allowed_in_vain(account, parent.account))
    return Node(account, defaults, parent)


def _account(resource: Resource, parent: DesiredAccount | None) -> DesiredAccount:
    spec = resource.spec
    bounds = spec.get("permissions", {})
    allow = frozenset(map(Permission, bounds["allow"])) if "allow" in bounds else None
    deny = frozenset(map(Permission, bounds.get("deny", ())))
    limit = spec.get("limits", {}).get("keysPerAccount")
    unmanaged = spec.get("unmanagedKeys")
    return DesiredAccount(
        address=resource.address,
        master=parent.name if parent else resource.name,
        surface=spec.get("surface") or (parent.surface if parent else ""),
        ceiling=ceiling(parent.ceiling if parent else ALL, allow, deny),
        own_allow=allow,
        own_deny=deny,
        place=resource.place,
        iiban=normal_iiban(spec.get("iiban", "")),
        username=spec.get("username", ""),
        email=spec.get("email", ""),
        keys_limit=parent.keys_limit if limit is None and parent else limit,
        report_unmanaged=parent.report_unmanaged if unmanaged is None and parent else unmanaged != "ignore",
        labels=resource.metadata.get("labels", {}),
    )


def ceiling(
    above: frozenset[Permission], allow: frozenset[Permission] | None, deny: frozenset[Permission]
) -> frozenset[Permission]:
    """What a level leaves of what is above it. It can only take away."""
    return (above if allow is None else above & allow) - deny


def _orphan(resource: Resource, resources: Resources) -> Iterator[Finding]:
    """A sub-account whose `account` leads to no Account. Silent where that Account itself is what is broken."""
    wanted, place = resource.spec["account"], resource.place.at("spec", "account")
    parent = resources.accounts.get(wanted)
    if parent is not None:
        message = f"“{wanted}” is a SubAccount; a sub-account belongs to an Account and not to another sub-account"
        related = ((f"“{wanted}” is declared here", parent.place),)
        yield error("nested-subaccount", place, message, address=resource.address, related=related)
    elif not resources.is_broken_account(wanted):
        masters = sorted(name for name, each in resources.accounts.items() if each.kind == "Account")
        hint = guess(wanted, masters) or (f"the Accounts are {quoted(masters[:20])}" if masters else "declare it")
        message = f"no Account is called “{wanted}”"
        yield error("unknown-account", place, message, hint=hint, address=resource.address)


def _allowed_in_vain(account: DesiredAccount, parent: DesiredAccount) -> Iterator[Finding]:
    surplus = (account.own_allow or frozenset()) - parent.ceiling
    if surplus:
        message = f"{quoted(in_order(surplus))} cannot be allowed here: “{parent.address}” does not allow it"
        place = account.place.at("spec", "permissions", "allow")
        related = (("what stands above", bounds_place(parent)),)
        yield warning("allow-beyond-parent", place, message, address=account.address, related=related)


def bounds_place(account: DesiredAccount) -> Place:
    return account.place.at("spec", "permissions")
