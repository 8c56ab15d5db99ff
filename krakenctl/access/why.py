"""Why a key may have a permission, or not: what brings it, what every level above says, and what was last sent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from krakenctl.model.access import Level, Link, Says, Sent, Why
from krakenctl.model.address import Address
from krakenctl.model.desired import Desired, DesiredAccount
from krakenctl.model.document import Document
from krakenctl.model.origin import Origin, Place
from krakenctl.model.permission import ALL, Permission
from krakenctl.model.recorded import Recorded, RecordedKey
from krakenctl.model.surface import traits

Where = Callable[[Place], Origin]


def why(address: Address, permission: Permission, desired: Desired, documents: Iterable[Document], where: Where) -> Why:
    """As the manifests have it. The address is a declared key's or account's. `where` turns places into lines."""
    key = desired.keys.get(address)
    account = desired.accounts[key.account if key else address.name]
    by_place = {document.place: document for document in documents}
    ways = _Ways(permission, _sets(by_place.values()), where).of(by_place[key.place]) if key else ()
    return Why(
        address=address,
        permission=permission,
        declared=True,
        ways=tuple(ways),
        levels=tuple(_level(each, permission, where) for each in _down_to(account, desired)),
        surface=account.surface,
        grantable=permission in traits(account.surface).grantable,
    )


def sent(address: Address, permission: Permission, recorded: Recorded) -> tuple[Sent, ...]:
    """Every generation that may be live, the current one first."""
    current = (recorded.keys[address],) if address in recorded.keys else ()
    retired = (record for record in recorded.retired if record.address == address)
    return tuple(_sent(record, permission) for record in (*current, *retired))


def sent_ever(address: Address, recorded: Recorded) -> bool:
    return any(trace.address == address for trace in recorded.traces)


def _sent(record: RecordedKey, permission: Permission) -> Sent:
    return Sent(
        name=record.live_name,
        holds=permission in record.spec.permissions,
        issued=record.issued,
        valid_until=record.spec.valid_until,
        retired_until=record.retired_until,
    )


def _down_to(account: DesiredAccount, desired: Desired) -> Iterator[DesiredAccount]:
    if account.master != account.name:
        yield desired.accounts[account.master]
    yield account


def _level(account: DesiredAccount, permission: Permission, where: Where) -> Level:
    if permission in account.own_deny:
        says = Says.DENIES
    elif permission not in (ALL if account.own_allow is None else account.own_allow):
        says = Says.NOT_ALLOWED
    else:
        says = Says.ALLOWS
    return Level(address=account.address, says=says, origin=where(account.place.at("spec", "permissions")))


def _sets(documents: Iterable[Document]) -> dict[str, Document]:
    """The manifests are sound: each set is there once."""
    return {each.value["metadata"]["name"]: each for each in documents if each.kind == "PermissionSet"}


class _Ways:
    """Follows grants and includes to one permission. What was followed once is known."""

    def __init__(self, permission: Permission, sets: Mapping[str, Document], where: Where) -> None:
        self._permission = permission
        self._sets = sets
        self._where = where

    def of(self, key: Document) -> Iterator[tuple[Link, ...]]:
        """The key's own entry first, then each set that brings it."""
        grants: Mapping[str, Any] = key.value["spec"]["grants"]
        for position, text in enumerate(grants.get("permissions", ())):
            if text == self._permission:
                yield (self._link("the key's own grants", key.place.at("spec", "grants", "permissions", position)),)
        for position, name in enumerate(grants.get("sets", ())):
            for way in self._through(name):
                link = self._link(
                    f"the key is granted the set {name}", key.place.at("spec", "grants", "sets", position)
                )
                yield (link, *way)

    def _through(self, name: str) -> list[tuple[Link, ...]]:
        """The shortest way from a set to the permission; empty: it does not hold it. Breadth first, on no stack."""
        reached: list[tuple[str, tuple[Link, ...]]] = [(name, ())]
        seen = {name}
        for current, way in reached:
            document = self._sets[current]
            spec = document.value["spec"]
            for position, text in enumerate(spec.get("permissions", ())):
                if text == self._permission:
                    place = document.place.at("spec", "permissions", position)
                    return [(*way, self._link(f"PermissionSet/{current} holds it", place))]
            for position, included in enumerate(spec.get("include", ())):
                if included not in seen:
                    seen.add(included)
                    place = document.place.at("spec", "include", position)
                    reached.append(
                        (included, (*way, self._link(f"PermissionSet/{current} includes {included}", place)))
                    )
        return []

    def _link(self, text: str, place: Place) -> Link:
        return Link(text, self._where(place))
