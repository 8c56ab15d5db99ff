"""What only shows when all resources are looked at together: two that want one place, too many, former ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from typing import TypeVar

from krakenctl.model.address import Address
from krakenctl.model.desired import DesiredAccount, DesiredKey, Removal
from krakenctl.model.finding import Finding
from krakenctl.model.origin import Path, Place
from krakenctl.validate.report import Report, error, warning
from krakenctl.validate.resources import Resource, Resources
from krakenctl.validate.stores import normal
from krakenctl.validate.words import shown

_Declared = TypeVar("_Declared", DesiredAccount, DesiredKey)

Keys = Mapping[Address, DesiredKey]


def check_keys(keys: Keys, accounts: Mapping[str, DesiredAccount]) -> Iterator[Finding]:
    """Secrets that would overwrite each other, and accounts with more keys than they can hold."""
    told = "this secret is kept where another key keeps its own"
    yield from _twice(keys.values(), _secret, "secret-path-clash", told, ("spec", "secret", "path"))
    counts = Counter(address.path[0] for address in keys)
    for name, count in counts.items():
        account = accounts[name]
        if account.keys_limit is not None and count > account.keys_limit:
            message = f"“{account.address}” has {count} keys and room for {account.keys_limit}"
            place = account.place.at("spec", "limits", "keysPerAccount")
            yield error("too-many-keys", place, message, address=account.address)


def check_accounts(accounts: Mapping[str, DesiredAccount]) -> Iterator[Finding]:
    """Pins, usernames and addresses belong to one account each."""
    everyone = list(accounts.values())
    yield from _twice(everyone, lambda a: a.iiban, "duplicate-iiban", "this IIBAN is pinned twice", ("spec", "iiban"))
    yield from _twice(everyone, lambda a: a.username.lower(), "duplicate-username",
                      "this username is given to another sub-account", ("spec", "username"))  # fmt: skip
    yield from _twice(everyone, lambda a: a.email.lower(), "duplicate-email",
                      "this e-mail address is given to another sub-account", ("spec", "email"))  # fmt: skip


def _secret(key: DesiredKey) -> Hashable:
    return key.secret.store, normal(key.secret.path)


def _twice(
    things: Iterable[_Declared], what: Callable[[_Declared], Hashable], rule: str, message: str, path: Path
) -> Iterator[Finding]:
    first: dict[Hashable, _Declared] = {}
    for thing in things:
        mark = what(thing)
        earlier = first.setdefault(mark, thing) if mark else thing
        if earlier is not thing:
            one, other = sorted((earlier, thing), key=lambda each: each.place)
            related = ((f"{one.address} is here", one.place.at(*path)),)
            yield error(rule, other.place.at(*path), message, address=other.address, related=related)


def removals(resources: Resources, report: Report) -> dict[Address, Removal]:
    """What becomes of keys that are no longer declared, by address."""
    found: dict[Address, Removal] = {}
    for resource in sorted(resources.removed.values(), key=lambda each: each.place):
        removal = _removal(resource, resources, report)
        if removal is None:
            continue
        first = found.setdefault(removal.address, removal)
        if first is not removal:
            report.append(_about(resource, "duplicate-removal", f"“{removal.address}” is removed twice",
                                 (("it is first removed here", first.place.at("spec", "address")),)))  # fmt: skip
    return found


def _removal(resource: Resource, resources: Resources, report: Report) -> Removal | None:
    try:
        address = Address.parse(resource.spec["address"])
    except ValueError:
        message = f"{shown(resource.spec['address'])} is not the address of a key; write ApiKey/account/name"
        report.append(_about(resource, "bad-address", message))
        return None
    if address.kind != "ApiKey":
        message = f"“{address}” is not a key, and only keys can be removed: Kraken closes no account on request"
        report.append(_about(resource, "removed-not-a-key", message))
        return None
    declared = resources.keys.get(address)
    if declared is not None:
        report.append(_about(resource, "removed-declared", f"“{address}” is removed and declared",
                             (("it is declared here", declared.place),)))  # fmt: skip
    return Removal(address, resource.spec.get("action", "revoke"), resource.place)


def _about(resource: Resource, rule: str, message: str, related: tuple[tuple[str, Place], ...] = ()) -> Finding:
    place = resource.place.at("spec", "address")
    return error(rule, place, message, address=resource.address, related=related)


def check_former(keys: Keys, resources: Resources, gone: Mapping[Address, Removal]) -> Iterator[Finding]:
    """A former name belongs to one key, which is neither declared nor removed any more."""
    claimed: dict[Address, DesiredKey] = {}
    for key in keys.values():
        for former in key.formerly:
            place = key.place.at("metadata", "formerly")
            rival = claimed.setdefault(former, key)
            if former in resources.keys:
                related = (("it is declared here", resources.keys[former].place),)
                yield error("former-declared", place, f"“{former}” is still declared", address=key.address,
                            related=related)  # fmt: skip
            elif former in gone:
                related = (("it is removed here", gone[former].place),)
                yield error("former-removed", place, f"“{former}” is removed and cannot live on", address=key.address,
                            related=related)  # fmt: skip
            elif rival is not key:
                related = ((f"{rival.address} is here", rival.place.at("metadata", "formerly")),)
                yield error("former-claimed", place, f"“{former}” cannot become two keys", address=key.address,
                            related=related)  # fmt: skip


def unused_sets(resources: Resources) -> Iterator[Finding]:
    """Sets that no key is granted and no other set includes. Silent where a broken key or set may do so."""
    if any(kind in ("ApiKey", "PermissionSet") for kind, _ in resources.broken):
        return
    granted = {name for each in resources.keys.values() for name in each.spec["grants"].get("sets", ())}
    included = {name for each in resources.sets.values() for name in each.spec.get("include", ())}
    for name, resource in resources.sets.items():
        if name not in granted | included:
            place = resource.place.at("metadata", "name")
            yield warning("unused-set", place, f"no key and no set uses “{name}”", address=resource.address)
