"""What a key is granted, and whether every level above it and its surface let it have that. It cuts nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from krakenctl.model.desired import DesiredAccount
from krakenctl.model.finding import Finding
from krakenctl.model.origin import Place
from krakenctl.model.permission import Permission, in_order
from krakenctl.model.surface import Traits, traits
from krakenctl.validate.hierarchy import Node, bounds_place
from krakenctl.validate.report import Related, Report, error
from krakenctl.validate.resources import Resource, Resources
from krakenctl.validate.sets import Held, unknown_set
from krakenctl.validate.words import quoted

Granted = frozenset[Permission]


class Grants:
    """Adds up sets and permissions. Equal grants are one value in memory, however many keys have them."""

    def __init__(self, held: Held, resources: Resources, report: Report) -> None:
        self._held = held
        self._resources = resources
        self._report = report
        self._sums: dict[tuple[tuple[str, ...], tuple[str, ...]], Granted] = {}
        self._shared: dict[Granted, Granted] = {}

    def of(self, key: Resource, node: Node) -> Granted:
        """All that the key is granted. What it may not have is reported, and stays in the answer."""
        written = key.spec["grants"]
        names = tuple(written.get("sets", ()))
        parts = names, tuple(written.get("permissions", ()))
        granted = self._sums.get(parts)
        if granted is None:
            granted = self._sums[parts] = self._sum(*parts)
        if not granted or any(name not in self._held for name in names):
            self._report.extend(self._incomplete(key, names, granted))
        if not granted <= node.account.ceiling:
            self._report.append(self._exceeds(key, node, granted - node.account.ceiling))
        surface = traits(node.account.surface)
        if not granted <= surface.grantable:
            self._report.append(self._beyond_surface(key, surface, granted - surface.grantable))
        return granted

    def _sum(self, names: tuple[str, ...], permissions: tuple[str, ...]) -> Granted:
        granted = frozenset(map(Permission, permissions)).union(*(self._held.get(name, ()) for name in names))
        return self._shared.setdefault(granted, granted)

    def _incomplete(self, key: Resource, names: tuple[str, ...], granted: Granted) -> Iterator[Finding]:
        unknown = [(position, name) for position, name in enumerate(names) if name not in self._held]
        for position, name in unknown:
            if ("PermissionSet", name) not in self._resources.broken:
                yield unknown_set(key, ("spec", "grants", "sets", position), name, self._resources)
        if not granted and not unknown:
            message = "this key is granted nothing"
            yield error("no-grants", key.place.at("spec", "grants"), message, address=key.address)

    def _exceeds(self, key: Resource, node: Node, surplus: Granted) -> Finding:
        what = "; ".join(f"“{each}”{self._through(key, each)}" for each in in_order(surplus))
        message = f"this key is granted more than its account may give: {what}"
        related = tuple(verdict for level in node.levels() for verdict in verdicts(level.account, surplus))
        hint = "take it from the grants, or allow it on every level above"
        return error("exceeds-ceiling", self._place(key, surplus), message, hint=hint, address=key.address,
                     related=related)  # fmt: skip

    def _beyond_surface(self, key: Resource, traits: Traits, surplus: Granted) -> Finding:
        message = f"a key made through {traits.called} cannot have {quoted(in_order(surplus))}"
        hint = "take it from the grants, or use `surface: website`"
        return error("not-on-surface", self._place(key, surplus), message, hint=hint, address=key.address)

    def _through(self, key: Resource, permission: Permission) -> str:
        """Which set brings it, unless the key itself does."""
        written: Mapping[str, Any] = key.spec["grants"]
        if permission in written.get("permissions", ()):
            return ""
        return next((f" through the set “{n}”" for n in written.get("sets", ()) if permission in self._held[n]), "")

    def _place(self, key: Resource, surplus: Granted) -> Place:
        """The very entry, when there is one to blame."""
        written = list(key.spec["grants"].get("permissions", ()))
        blamed = [position for position, text in enumerate(written) if text in surplus]
        if len(surplus) == len(blamed) == 1:
            return key.place.at("spec", "grants", "permissions", blamed[0])
        return key.place.at("spec", "grants")


def verdicts(account: DesiredAccount, asked: Granted) -> Related:
    """What one level says to the permissions that are too many: allowed, not allowed, denied."""
    denied = asked & account.own_deny
    lacking = frozenset[Permission]() if account.own_allow is None else asked - account.own_allow - denied
    allowed = asked - denied - lacking
    words = (("denies", denied), ("does not allow", lacking), ("allows", allowed))
    text = ", ".join(f"{verb} {quoted(in_order(some))}" for verb, some in words if some)
    return ((f"{account.address} {text}", bounds_place(account)),)
